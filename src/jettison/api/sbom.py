"""``sbom``: what packages an image has, a stage of its build, or a directory.

In:  a name as users write it, stages.
Out: ``Bom``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from jettison import __version__
from jettison.analysis.packages.base import PackageRecord
from jettison.analysis.rootfs import Rootfs
from jettison.api.anywhere import find_anywhere
from jettison.api.roots import Roots
from jettison.api.session import Session
from jettison.errors import (
    InvalidReferenceError,
    SourceError,
    StorageError,
    UsageError,
)
from jettison.linux.text import printable
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.digest import short
from jettison.oci.reference import Reference, parse_reference
from jettison.oci.times import epoch
from jettison.provenance.chain import Provenance, Way
from jettison.provenance.record import StageRecord
from jettison.sbom.describe import described
from jettison.sbom.model import Bom, Subject
from jettison.sbom.purl import image_url
from jettison.store.image import StoredImage

_DIRECTORY = "dir:"
_PATHS = ("/", "./", "../")


def make_sbom(
    session: Session,
    name: str,
    *,
    stages: Sequence[str] = (),
    all_stages: bool = False,
    platform: str = "",
) -> Bom:
    """Return the bill of materials of an image; it is pulled if it is not in the store.

    Args:
        session: The store.
        name: Of an image, ``oci-layout://PATH``, ``dir:PATH`` or a path of a directory.
        stages: Names or numbers of stages of its build, which are described in its place.
        all_stages: Describe all stages that the build needed, the last one too.
        platform: Of an image for several; this machine's if there is none.

    Raises:
        UsageError: there is no such stage, or no such directory.
        ImageNotFoundError, PlatformNotFoundError, RegistryError: it cannot be had.
        NamespaceRequired: files must be read, and the process may not do that as it is.
        ContentError, SourceError, StorageError: a layer cannot be had.
    """
    if name.startswith((_DIRECTORY, *_PATHS)) or name in {".", ".."}:
        if stages or all_stages or platform:
            raise UsageError("a directory has no stages and no platform", hint="name an image")
        return _of_directory(name.removeprefix(_DIRECTORY))
    image = find_anywhere(session, name, platform)
    roots = Roots(session, image, read=True)
    shown = _shown(session, name, image)
    provenance = roots.provenance
    record = provenance.record
    chosen = [_stage(provenance, each, shown) for each in stages]
    if all_stages:
        chosen = [each for each in record.stages if each.needed]
    if chosen:
        from jettison.provenance.reached import ReachedFiles

        reached = ReachedFiles(provenance)
        subjects = [_of_stage(roots, each, shown, reached.paths(each.index)) for each in chosen]
    else:
        subjects = [_of_image(roots, image, shown)]
    title = subjects[0].name if len(subjects) == 1 else shown
    created = _time(decode(ImageConfig, image.config).created)
    return Bom(title, created, __version__, tuple(subjects))


def boms_of_build(
    session: Session,
    image: StoredImage,
    name: str,
    *,
    stages: Sequence[str] = (),
    all_stages: bool = False,
) -> list[Bom]:
    """Return the bills of materials of an image that was built just now, and of stages of it.

    Args:
        session: The store.
        image: It.
        name: What it is called.
        stages: See ``make_sbom``.
        all_stages: Those of all stages that the build needed but the last one.

    Raises:
        UsageError: there is no such stage.
        NamespaceRequired: files must be read, and the process may not do that as it is.
        ContentError, SourceError, StorageError: a layer cannot be had.
    """
    from jettison.provenance.reached import ReachedFiles

    roots = Roots(session, image, read=True)
    record = roots.provenance.record
    created = _time(decode(ImageConfig, image.config).created)
    chosen = [_stage(roots.provenance, each, name) for each in stages]
    if all_stages:
        chosen = [each for each in record.stages if each.needed]
    subjects = [_of_image(roots, image, name)]
    reached = ReachedFiles(roots.provenance) if chosen else None
    for stage in dict.fromkeys(each.index for each in chosen if each.index != record.target):
        found = reached.paths(stage) if reached is not None else frozenset()
        subjects.append(_of_stage(roots, record.stages[stage], name, found))
    return [Bom(each.name, created, __version__, (each,)) for each in subjects]


def _of_image(roots: Roots, image: StoredImage, name: str) -> Subject:
    record = roots.provenance.record
    config = decode(ImageConfig, image.config)
    digest = image.manifest.digest if image.manifest is not None else ""
    subject = Subject(
        ref="image",
        name=name,
        kind="image",
        version=image.id,
        purl=image_url(_reference(name), name, digest, config.architecture),
        digest=(digest or image.id).partition(":")[2],
        layers=tuple(each.diff_id.partition(":")[2] for each in image.layers),
    )
    stage = record.stages[record.target]
    origin = _Origins(roots.provenance) if _is_built_here(stage) else None
    return described(subject, _root(roots, stage), origin=origin)


def _of_stage(roots: Roots, stage: StageRecord, name: str, reached: frozenset[str]) -> Subject:
    title = f"{name} (stage {stage.label})"
    subject = Subject(f"stage{stage.index}", title, "stage", stage.label)
    return described(subject, _root(roots, stage), reached=reached)


def _root(roots: Roots, stage: StageRecord) -> Rootfs:
    root = roots.stage(stage.index)
    if root is None or not roots.provenance.files(stage.index).is_complete:
        raise StorageError(
            f"the files of stage `{stage.label}` are not in the store any more",
            hint="build the image again",
        )
    return root


def _of_directory(path: str) -> Bom:
    from jettison.analysis.files import list_files
    from jettison.fs.host_tree import HostTree

    if not os.path.isdir(path):
        raise UsageError(f"no directory `{path}`", hint="name an image, or a directory")
    try:
        files = list_files(HostTree(Path(path)))
    except OSError as error:
        raise SourceError(f"cannot read `{path}`: {error.strerror}") from error
    name = printable(os.path.basename(os.path.realpath(path))) or "/"
    subject = described(Subject("directory", name, "directory"), Rootfs(files))
    return Bom(name, "", __version__, (subject,))


class _Origins:
    """Tells where a package of an image came from: by the first of its files."""

    def __init__(self, provenance: Provenance) -> None:
        self._provenance = provenance

    def __call__(self, record: PackageRecord) -> tuple[str, int]:
        """Return a stage or an image, and a line of the Dockerfile; empty and 0 if unknown."""
        chain = self._provenance.chain(record.owned.sample or record.path)
        last, producer = chain.links[-1], chain.producer
        if last.way is Way.LOST:
            return "", 0
        if last.way in {Way.BASE, Way.IMAGE}:
            return last.detail, 0
        return self._provenance.record.stages[producer.stage].label, producer.line


def _stage(provenance: Provenance, wanted: str, name: str) -> StageRecord:
    """Return the stage of a name or number."""
    from jettison.spelling import near_misses

    record = provenance.record
    for each in record.stages:
        if wanted.lower() == each.name.lower() or wanted == str(each.index):
            if not each.needed:
                raise UsageError(
                    f"the build of `{name}` did not need its stage `{each.label}`",
                    hint=f"build it with `--target {each.label}`",
                )
            return each
    if not _is_built_here(record.stages[record.target]):
        raise UsageError(
            f"nothing is known of the stages of `{name}`: it was not built here",
            hint="leave `--stage` out",
        )
    names = [each.label for each in record.stages if each.needed]
    near = near_misses(wanted, names)
    hint = f"did you mean `{near[0]}`?" if near else f"its stages are {', '.join(names)}"
    raise UsageError(f"the build of `{name}` has no stage `{wanted}`", hint=hint)


def _is_built_here(stage: StageRecord) -> bool:
    """Tell whether a stage is of a Dockerfile: of other images only the history is known."""
    return stage.line > 0


def _shown(session: Session, name: str, image: StoredImage) -> str:
    """Return what an image is called: by its name, whatever of its ID was written."""
    tags = session.store.images.tags_of(image.id)
    reference = _reference(name)
    if reference is not None and (str(reference) in tags or reference.digest is not None):
        return reference.familiar
    if not tags:
        return short(image.id)
    found = _reference(min(tags))
    return found.familiar if found is not None else short(image.id)


def _reference(text: str) -> Reference | None:
    try:
        return parse_reference(text)
    except InvalidReferenceError:
        return None


def _time(created: str) -> str:
    """Return a time as SPDX writes it, in UTC and whole seconds; empty if it is none."""
    seconds = epoch(created)
    if not created or not 0 <= seconds < 1 << 37:
        return ""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
