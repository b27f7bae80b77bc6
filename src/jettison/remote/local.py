"""``type=local``: a cache in a directory, which is an OCI image layout.

In:  packs and blobs.
Out: files. ``index.json`` has an entry for each tag, which is the index of a cache.

Concurrency: a lock file in the directory excludes other writers; readers need none, since names
appear when files are whole.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from jettison.errors import ExportError, ImageNotFoundError, JettisonError
from jettison.fs.atomic import write_atomically
from jettison.fs.bytes import copy_atomically
from jettison.fs.lock import FileLock
from jettison.image.layout import SCHEME, LayoutReference, OciLayout
from jettison.oci.codec import decode, encode
from jettison.oci.digest import Digest, verify
from jettison.oci.layout import INDEX, MARKER, MARKER_DATA, REF_NAME, blob_name
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.mediatype import OCI_INDEX
from jettison.remote.backend import Change
from jettison.remote.index import PackEntry, make_index, read_index
from jettison.remote.record import Pack, decode_pack

_LOCK = ".lock"
_SPARED_SECONDS = 3600
"""Blobs that are younger may be of a build that goes on."""


class LocalCache:
    """A directory; a ``CacheBackend``.

    Args:
        path: It; made when something is written.
        tag: Which cache of it.
    """

    def __init__(self, path: str, tag: str) -> None:
        self._root = Path(path)
        self._tag = tag
        self._layout = OciLayout(path)

    @property
    def source(self) -> str:
        """Where its blobs are."""
        return f"{SCHEME}{self._root}"

    def entries(self) -> list[PackEntry]:
        """Return its packs; see ``CacheBackend``."""
        if not (self._root / INDEX).exists():
            return []
        entries = self._layout.index().manifests
        if all(each.annotations.get(REF_NAME) != self._tag for each in entries):
            return []
        found = self._layout.find(LayoutReference(str(self._root), self._tag))
        return read_index(decode(Index, self._layout.document(found)))

    def read(self, entry: PackEntry) -> Pack:
        """Return a pack; see ``CacheBackend``."""
        with self._layout.open(entry.records.digest) as file:
            data = file.read(entry.records.size + 1)
        verify(data, entry.records.digest)
        return decode_pack(data)

    def has_blob(self, digest: Digest) -> bool:
        """Tell whether it has a blob."""
        return (self._root / blob_name(digest)).exists()

    def put_blob(
        self, descriptor: Descriptor, opened: Callable[[], BinaryIO], *, again: bool = False
    ) -> None:
        """Copy a blob here; see ``CacheBackend``."""
        target = self._root / blob_name(descriptor.digest)
        try:
            if not again and target.stat().st_size == descriptor.size:
                os.utime(target)  # `collect` spares it
                return
        except OSError:
            pass
        with opened() as file, self._writing():
            target.parent.mkdir(parents=True, exist_ok=True)
            copy_atomically(Path(file.name), target)

    def keep(self, blobs: Collection[Descriptor]) -> None:
        """Do nothing: here nothing goes because of its age."""

    def update(self, change: Change) -> None:
        """Change the index, alone; see ``CacheBackend``."""
        with self._writing():
            self._root.mkdir(parents=True, exist_ok=True)
            with FileLock(self._root / _LOCK).held():
                changed = change(self._readable())
                if changed is None:
                    return
                made, entries = changed
                self._put(made.entry.records.digest, made.records)
                self._put(made.entry.manifest.digest, made.manifest)
                self._point(*make_index(entries))

    def collect(self, packs: Collection[PackEntry]) -> None:
        """Remove all blobs that nothing in the directory names, but those of the last hour."""
        if not packs:
            return
        with self._writing(), FileLock(self._root / _LOCK).held():
            needed: set[str] = set()
            for each in self._layout.index().manifests:
                self._need(each, needed)
            before = time.time() - _SPARED_SECONDS
            for path in (self._root / "blobs").glob("*/*"):
                digest = f"{path.parent.name}:{path.name}"
                if digest not in needed and path.stat().st_mtime < before:
                    path.unlink()

    def _need(self, descriptor: Descriptor, needed: set[str]) -> None:
        if descriptor.digest in needed:
            return
        needed.add(descriptor.digest)
        if not descriptor.media_type.endswith("json"):
            return
        with suppress(JettisonError):
            data = self._layout.document(descriptor)
            if "index" in descriptor.media_type or "list" in descriptor.media_type:
                for each in decode(Index, data).manifests:
                    self._need(each, needed)
            else:
                manifest = decode(Manifest, data)
                needed.update(each.digest for each in (manifest.config, *manifest.layers))

    def _readable(self) -> list[PackEntry]:
        """Return the packs; what cannot be read is replaced."""
        try:
            return self.entries()
        except JettisonError:
            return []

    def _point(self, descriptor: Descriptor, data: bytes) -> None:
        """Let the tag name an index."""
        self._put(descriptor.digest, data)
        try:
            others = self._layout.index().manifests
        except JettisonError:
            others = ()
        entry = Descriptor(
            descriptor.media_type, descriptor.digest, descriptor.size, {REF_NAME: self._tag}
        )
        kept = tuple(each for each in others if each.annotations.get(REF_NAME) != self._tag)
        index = Index(manifests=(*kept, entry), media_type=OCI_INDEX)
        write_atomically(self._root / INDEX, encode(index))
        write_atomically(self._root / MARKER, MARKER_DATA)

    def _put(self, digest: Digest, data: bytes) -> None:
        target = self._root / blob_name(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, data)

    def _writing(self) -> _Writing:
        return _Writing(self._root)


class _Writing:
    """Turns what the system says about a directory into an ``ExportError``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            reason = (error.strerror or str(error)).lower()
            raise ExportError(
                f"the cache `{self._root}` cannot be written: {reason}",
                hint="choose another directory with `dest=`",
            ) from error
        if isinstance(error, ImageNotFoundError):
            raise ExportError(f"the cache `{self._root}` cannot be read: {error}") from error
