"""Where a stage has what a Node program of the image lacks, and the COPY that it takes.

In:  a ``Subject``, a ``Missing``.
Out: ``NodeSource``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

import msgspec

from jettison.analysis.node.closure import Missing
from jettison.analysis.node.modules import Modules, Outcome
from jettison.analysis.rootfs import Rootfs
from jettison.check.node_programs import modules_of
from jettison.check.subject import Subject


class NodeSource(msgspec.Struct, frozen=True):
    """What a stage has.

    Args:
        stage: Its index.
        label: Its name.
        found: The file that the program would load there.
        version: Of the package; empty if it is a file of the program.
        source: What to copy of the stage.
        target: Where to.
    """

    stage: int
    label: str
    found: str
    version: str
    source: str
    target: str

    @property
    def copy(self) -> str:
        """The instruction that copies it."""
        return f"COPY --from={self.label} {self.source} {self.target}"


def find_source(subject: Subject, missing: Missing) -> NodeSource | None:
    """Return the stage that has what is missing; of several that which copies the least."""
    sources = [
        source
        for index in _stages(subject)
        if (root := subject.stage(index)) is not None
        and (source := _in_stage(subject, index, root, missing)) is not None
    ]

    def weight(source: NodeSource) -> tuple[int, int]:
        root = subject.stage(source.stage)
        size = root.files.totals.get(source.source, (0, 0))[0] if root is not None else 0
        return size, -source.stage

    return min(sources, key=weight, default=None)


def _stages(subject: Subject) -> Iterator[int]:
    target = subject.record.target
    return (each.index for each in subject.record.stages if each.needed and each.index != target)


def _in_stage(subject: Subject, index: int, root: Rootfs, missing: Missing) -> NodeSource | None:
    modules = root.fact(modules_of)
    for importer in _importers(subject, index, missing.importer, root):
        found = modules.resolve(missing.load.specifier, importer, missing.load.how)
        if found.outcome is not Outcome.FILE:
            continue
        label = subject.record.stages[index].label
        name = missing.resolution.name
        if not name:
            inside = posixpath.relpath(found.path, posixpath.dirname(importer))
            target = posixpath.normpath(posixpath.join(posixpath.dirname(missing.importer), inside))
            return NodeSource(index, label, found.path, "", found.path, target)
        manifest = modules.manifest(found.package) if found.package else None
        version = manifest.version if manifest is not None else ""
        above = _above(modules, importer, name)
        if above is None:
            continue
        target = f"{_above_in_image(subject, importer, missing.importer, above)}/node_modules"
        return NodeSource(index, label, found.path, version, f"{above}/node_modules", target)
    return None


def _importers(subject: Subject, index: int, path: str, root: Rootfs) -> Iterator[str]:
    """Yield where a stage may have the file that loads: whence it was copied; the same place."""
    copied = subject.copied(path)
    if copied is not None and copied.stage == index:
        yield copied.source
    if root.files.find(path) is not None:
        yield path
    # a stage that installs only: what is in the project's directory would find the packages
    yield from (each for each in (path, f"{subject.config.working_dir}/x") if each.startswith("/"))


def _above(modules: Modules, importer: str, name: str) -> str | None:
    """Return the directory whose ``node_modules`` has a package for a file."""
    place = importer
    while place:
        place = place.rpartition("/")[0]
        if modules.directory(f"{place}/node_modules/{name}") is not None:
            return place
    return None


def _above_in_image(subject: Subject, importer: str, in_image: str, above: str) -> str:
    """Return the directory of the image that stands for one above a file of a stage."""
    inside = importer[len(above) :]
    if in_image.endswith(inside):
        return in_image[: len(in_image) - len(inside)]
    project = posixpath.normpath(subject.config.working_dir or "/").rstrip("/")
    if in_image.startswith(f"{project}/"):
        return project
    return posixpath.dirname(in_image).rstrip("/")
