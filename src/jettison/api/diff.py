"""``diff``: what is different between two images, and which instructions made it so.

In:  two images of the store.
Out: ``ImageDiff``: files, config, packages, sizes by cause.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from jettison.analysis.changes import Aspect, FileChange, Kind, file_changes
from jettison.analysis.packages.base import Package
from jettison.analysis.packages.catalog import find_packages
from jettison.api.digests import FileDigests
from jettison.api.provenance import open_provenance
from jettison.api.roots import Roots
from jettison.api.session import Session
from jettison.fs.visible import Seen
from jettison.oci.digest import Digest
from jettison.provenance.chain import Provenance
from jettison.provenance.follow import ProducedFiles
from jettison.provenance.totals import totals
from jettison.store.image import StoredImage

_PARTS = ("architecture", "variant", "os", "os.version", "author")
_SETS = ("ExposedPorts", "Volumes")


class Cause(msgspec.Struct, frozen=True, order=True):
    """An instruction that produced files, as one may find it in both images.

    Args:
        stage: Name of its stage; empty for an image that was only copied from.
        instruction: Its text, or the FROM of a base image.
    """

    stage: str
    instruction: str


class CauseSize(msgspec.Struct, frozen=True):
    """What an instruction made of either image; lines are 0 where it made nothing."""

    cause: Cause
    before_bytes: int
    after_bytes: int
    before_line: int
    after_line: int

    @property
    def delta_bytes(self) -> int:
        """By how much the second image is larger because of it."""
        return self.after_bytes - self.before_bytes


class CausedChange(msgspec.Struct, frozen=True):
    """A change, and the instruction that the path came from; of the first image if removed."""

    change: FileChange
    cause: Cause
    line: int


class ConfigChange(msgspec.Struct, frozen=True):
    """A field of the config: ``Env.PATH``; None where it is not set."""

    field: str
    before: Any
    after: Any


class PackageChange(msgspec.Struct, frozen=True, order=True):
    """A package: versions before and after, empty where it is not installed."""

    kind: str
    name: str
    before: str
    after: str


class ImageDiff(msgspec.Struct, frozen=True):
    """The differences of two images.

    Args:
        files: In the order of paths.
        config: In the order of fields.
        causes: Instructions whose files take more or less, the largest difference first; the sum
            of all is what the images differ by.
        before_bytes: What the first one shows.
        after_bytes: What the second one shows.
    """

    before: Digest
    after: Digest
    files: tuple[CausedChange, ...]
    config: tuple[ConfigChange, ...]
    packages: tuple[PackageChange, ...]
    causes: tuple[CauseSize, ...]
    before_bytes: int
    after_bytes: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing is different."""
        return not (self.files or self.config or self.packages)


def diff_images(session: Session, before: StoredImage, after: StoredImage) -> ImageDiff:
    """Compare two images; times of files and of the config do not count.

    Raises:
        NamespaceRequired: files must be read, and the process may not do that as it is.
        ContentError, SourceError, StorageError: a layer is not here and cannot be had.
    """
    if before.id == after.id:
        return ImageDiff(before.id, after.id, (), (), (), (), 0, 0)
    one, other = (open_provenance(session, image) for image in (before, after))
    changes = tuple(_caused(one, other, _changes(session, one, other)))
    produced = [_Produced(provenance) for provenance in (one, other)]
    for each, provenance in zip(produced, (one, other), strict=True):
        totals(provenance, each)
    packages: tuple[PackageChange, ...] = ()
    if changes:
        packages = _package_changes(*(_packages(session, image) for image in (before, after)))
    return ImageDiff(
        before.id,
        after.id,
        changes,
        tuple(config_changes(json.loads(before.config), json.loads(after.config))),
        packages,
        tuple(_cause_sizes(*produced)),
        sum(produced[0].bytes.values()),
        sum(produced[1].bytes.values()),
    )


def _changes(session: Session, one: Provenance, other: Provenance) -> Iterator[FileChange]:
    digests = [FileDigests(session, provenance.image) for provenance in (one, other)]

    def is_equal(before: Seen, after: Seen) -> bool:
        layers = one.image.layers[before.layer].layer, other.image.layers[after.layer].layer
        if layers[0] == layers[1] and before.entry == after.entry:
            return True
        found = digests[0](before)
        return bool(found) and found == digests[1](after)

    return file_changes(one.image.visible, other.image.visible, is_equal)


def _caused(
    one: Provenance, other: Provenance, changes: Iterator[FileChange]
) -> Iterator[CausedChange]:
    for change in changes:
        provenance = one if change.kind is Kind.REMOVED else other
        chain = provenance.chain(change.path)
        same_bytes = change.kind is Kind.CHANGED and Aspect.CONTENT not in change.aspects
        blamed = chain.links[0] if same_bytes else chain.producer
        cause = _cause(provenance, blamed.stage, blamed.line, blamed.detail)
        yield CausedChange(change, cause, blamed.line)


class _Produced:
    """Adds up what each instruction of an image produced; a ``totals.FileObserver``."""

    def __init__(self, provenance: Provenance) -> None:
        self._provenance = provenance
        self._causes: dict[tuple[int, int, str], Cause] = {}
        self.bytes: dict[Cause, int] = {}
        self.lines: dict[Cause, int] = {}

    def produced(self, files: ProducedFiles) -> None:
        """Take note of files of the image."""
        key = (files.stage, files.line, files.image)
        cause = self._causes.get(key)
        if cause is None:
            cause = _cause(self._provenance, files.stage, files.line, files.image)
            self._causes[key] = cause
        self.bytes[cause] = self.bytes.get(cause, 0) + sum(files.sizes)
        self.lines[cause] = files.line

    def left(self, *_files: object) -> None:
        """Do nothing: they are not in the image."""


def _cause(provenance: Provenance, stage: int, line: int, image: str) -> Cause:
    """Return what an instruction is called, wherever its line is."""
    if stage < 0:
        return Cause("", f"FROM {image}")
    record = provenance.record.stages[stage]
    if image:
        return Cause(record.name, f"FROM {image}")
    text = next((each.instruction for each in record.steps if each.line == line), "")
    return Cause(record.name, text)


def _cause_sizes(one: _Produced, other: _Produced) -> list[CauseSize]:
    found = [
        CauseSize(
            cause,
            one.bytes.get(cause, 0),
            other.bytes.get(cause, 0),
            one.lines.get(cause, 0),
            other.lines.get(cause, 0),
        )
        for cause in sorted(one.bytes.keys() | other.bytes.keys())
    ]
    changed = [each for each in found if each.delta_bytes]
    return sorted(changed, key=lambda each: -abs(each.delta_bytes))


def _packages(session: Session, image: StoredImage) -> Sequence[Package]:
    root = Roots(session, image, read=True).image()
    return root.fact(find_packages).packages if root is not None else ()


def _package_changes(
    before: Sequence[Package], after: Sequence[Package]
) -> tuple[PackageChange, ...]:
    """Return packages of other versions; several versions of one are one row."""
    versions: list[dict[tuple[str, str], set[str]]] = [{}, {}]
    for found, packages in zip(versions, (before, after), strict=True):
        for each in packages:
            found.setdefault((each.kind, each.name), set()).add(each.version)
    return tuple(
        PackageChange(*key, *(", ".join(sorted(found.get(key, ()))) for found in versions))
        for key in sorted(versions[0].keys() | versions[1].keys())
        if versions[0].get(key) != versions[1].get(key)
    )


def config_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[ConfigChange]:
    """Yield the fields of two configs that differ; what is empty is not set.

    Args:
        before: The JSON document of an image's config.
        after: Of the other one.
    """
    fields = [_fields(document) for document in (before, after)]
    for name in sorted(fields[0].keys() | fields[1].keys()):
        one, other = fields[0].get(name), fields[1].get(name)
        if one != other:
            yield ConfigChange(name, one, other)


def _fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields by name: of each variable and label, port and volume one of its own."""
    found = {name: document[name] for name in _PARTS if document.get(name)}
    for name, value in (document.get("config") or {}).items():
        if name == "Env" and isinstance(value, list):
            for each in value:
                key, _, text = str(each).partition("=")
                found[f"Env.{key}"] = text
        elif name == "Labels" and isinstance(value, dict):
            found.update((f"Labels.{key}", text) for key, text in value.items())
        elif name in _SETS and isinstance(value, dict):
            found.update((f"{name}.{key}", True) for key in value)
        elif value:
            found[name] = value
    return found
