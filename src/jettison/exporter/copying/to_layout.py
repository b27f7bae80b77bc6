"""An OCI layout directory that images are copied to.

In:  ``Contents``, where its blobs are.
Out: blobs that the directory lacks, each whole under its name; then the index.

An entry of the same name is replaced; without a name, those without one are. What refers to an
image is listed in the index as well, where ``oras`` and Jettison look for it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from jettison.events import Progress
from jettison.exporter.copying.base import Contents, CopySource
from jettison.exporter.copying.from_layout import is_beside
from jettison.exporter.copying.place import Place
from jettison.exporter.copying.verified import pieces, twice
from jettison.exporter.destination import export_errors, open_layout
from jettison.fs.atomic import beside, write_atomically
from jettison.image.layout import IMAGE_NAME, LayoutContents, OciLayout
from jettison.image.parallel import Stop, run_parallel
from jettison.oci.layout import REF_NAME, blob_name
from jettison.oci.manifest import Descriptor

_PARALLEL = 6


class LayoutDestination:
    """A layout directory, made if there is none.

    Args:
        place: It, and the name that the copy gets.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    def write(self, contents: Contents, source: CopySource, report: Progress) -> None:
        """Write what is to be copied; see ``CopyDestination``.

        Raises:
            ExportError: it cannot be written, or something else is there.
            SourceError, ContentError: a blob cannot be had.
        """
        with export_errors(self._place.path), open_layout(self._place.path) as layout:
            root = Path(layout.path)
            jobs = [partial(_blob, root, source, each, report) for each in contents.blobs]
            run_parallel(jobs, limit=_PARALLEL)
            for each in contents.every:
                _write(root / blob_name(each.descriptor.digest), each.data)
            with _locked(root):
                there = layout.index().manifests if (root / "index.json").exists() else ()
                _point(layout, entries(contents, self._place.name, there))


def entries(
    contents: Contents, name: str, there: Sequence[Descriptor] = ()
) -> tuple[Descriptor, ...]:
    """Return the entries of an index after a copy.

    Args:
        contents: What was copied.
        name: That it gets; empty for none.
        there: Entries before.
    """
    new = [_entry(contents.root.descriptor, name)]
    every = {each.descriptor.digest: each.descriptor for each in contents.every}
    new += [_entry(every[digest], tag) for tag, digest in contents.tags]
    named = {digest for _, digest in contents.tags}
    inner = [each for each in contents.referrers if each.subject is not None]
    new += [_entry(each.descriptor) for each in inner if each.descriptor.digest not in named]
    names = {each.annotations.get(REF_NAME, "") for each in new} - {""}
    digests = {each.digest for each in new}

    def stays(each: Descriptor) -> bool:
        known = each.annotations.get(REF_NAME, "")
        if known:
            return known not in names
        return each.digest not in digests and (bool(name) or is_beside(each))

    return (*filter(stays, there), *new)


def _entry(descriptor: Descriptor, name: str = "") -> Descriptor:
    kept = {k: v for k, v in descriptor.annotations.items() if k not in {REF_NAME, IMAGE_NAME}}
    return msgspec.structs.replace(
        descriptor, annotations={**kept, REF_NAME: name} if name else kept
    )


def _blob(
    root: Path, source: CopySource, descriptor: Descriptor, report: Progress, stop: Stop
) -> None:
    path = root / blob_name(descriptor.digest)
    if path.exists() and path.stat().st_size == descriptor.size:
        report(descriptor.digest, descriptor.size, descriptor.size)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(root / path.name)  # in the root: `blobs` holds blobs only

    def write() -> None:
        with temporary.open("wb") as file:
            for data in pieces(source, descriptor, report, stop):
                file.write(data)

    try:
        twice(write)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.stat().st_size != len(data):
        write_atomically(path, data)


def _point(layout: OciLayout, index: tuple[Descriptor, ...]) -> None:
    """Write the documents that point at blobs, the index last."""
    pointers = LayoutContents(index, {}, ()).pointers()
    for name, data in reversed(pointers.items()):
        write_atomically(Path(layout.path) / name, data)


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Keep other copies from changing the index of a layout."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
