"""The blobs of an archive or a layout directory that is being loaded.

In:  members of a tar as they come, or a directory.
Out: documents, blobs in the store.

Security: nothing is written under a name of the archive; sizes of documents are bounded, links
only alias members.
"""

from __future__ import annotations

import posixpath
from typing import Protocol

from jettison.errors import ImageNotFoundError, InvalidManifestError, UnsafeArchiveError
from jettison.events import Progress
from jettison.image.layout import SCHEME, OciLayout
from jettison.image.remote import RemoteBlobs
from jettison.layer.header import FILE, HARD_LINK, SYMLINK, TarEntry
from jettison.layer.reader import TarReader
from jettison.oci.codec import MAX_DOCUMENT_BYTES
from jettison.oci.digest import Digest, parse_digest
from jettison.oci.manifest import Descriptor
from jettison.store.store import Store

_DOCUMENTS = frozenset({"index.json", "manifest.json", "oci-layout", "repositories"})


class BlobSource(Protocol):
    """Reads the documents and fetches the blobs of an archive."""

    def document(self, descriptor: Descriptor) -> bytes:
        """Return a manifest, index or config, verified."""
        ...

    def fetch(self, descriptor: Descriptor) -> None:
        """Make the store have a blob."""
        ...


class LayoutBlobSource:
    """A layout directory.

    Args:
        store: Gets its blobs.
        path: It.
        report: Progress in bytes.
    """

    def __init__(self, store: Store, path: str, report: Progress) -> None:
        self._store = store
        self._layout = OciLayout(path)
        self._source = SCHEME + path
        self._report = report

    def document(self, descriptor: Descriptor) -> bytes:
        """Return a manifest, index or config, verified."""
        return self._layout.document(descriptor)

    def fetch(self, descriptor: Descriptor) -> None:
        """Copy a blob to the store."""
        RemoteBlobs(None).fetch(self._store, descriptor, self._source, report=self._report)


class TarBlobSource:
    """Members of a tar that are blobs of the store now.

    Args:
        store: Has them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.documents: dict[str, bytes] = {}
        self.members: dict[str, Descriptor] = {}
        self.links: dict[str, str] = {}
        self.written: list[Digest] = []

    def document(self, descriptor: Descriptor) -> bytes:
        """Return a manifest, index or config, verified."""
        self.fetch(descriptor)
        return self._store.blobs.read(descriptor.digest, limit=MAX_DOCUMENT_BYTES)

    def fetch(self, descriptor: Descriptor) -> None:
        """Check that the store has a blob.

        Raises:
            ImageNotFoundError: the archive lacked it.
        """
        if not self._store.blobs.has(descriptor.digest):
            raise ImageNotFoundError(
                f"the archive lacks blob `{descriptor.digest}`",
                hint="save it again, it is incomplete",
            )
        if self._store.blobs.size(descriptor.digest) != descriptor.size:
            raise InvalidManifestError(f"the size of blob `{descriptor.digest}` is wrong")

    def member(self, name: str) -> Descriptor:
        """Return a member by its name in the archive, through links.

        Raises:
            ImageNotFoundError: there is none.
        """
        found = _clean(name)
        for _ in range(10):
            if found in self.members:
                return self.members[found]
            if found not in self.links:
                break
            found = self.links[found]
        raise ImageNotFoundError(
            f"the archive lacks `{name[:200]}`", hint="save it again, it is incomplete"
        )

    def take(self, reader: TarReader, entry: TarEntry, report: Progress) -> None:
        """Keep a member of the archive.

        Raises:
            UnsafeArchiveError: it has no place in an image's archive.
            DigestMismatchError: its bytes are not what its name says.
            StorageError: no space.
        """
        name = _clean(entry.name.decode("utf-8", "surrogateescape"))
        if entry.kind in {SYMLINK, HARD_LINK}:
            target = entry.link.decode("utf-8", "surrogateescape")
            base = posixpath.dirname(name) if entry.kind == SYMLINK else ""
            self.links[name] = _clean(posixpath.join(base, target))
        if entry.kind != FILE:
            return
        if entry.sparse is not None:
            raise UnsafeArchiveError("an image archive has a sparse member")
        if name in _DOCUMENTS:
            if entry.size > MAX_DOCUMENT_BYTES:
                raise UnsafeArchiveError(f"`{name}` of the archive is too large")
            self.documents[name] = b"".join(bytes(piece) for piece in reader.data())
            return
        digest = _digest_of(name)
        if digest is not None and self._store.blobs.has(digest):
            self.members[name] = Descriptor("", digest, entry.size)
            return
        expected = Descriptor("", digest, entry.size) if digest is not None else None
        with self._store.blobs.writer(expected) as writer:
            for piece in reader.data():
                writer.write(piece)
                report(name, writer.size_bytes, entry.size)
            digest = writer.commit()
        self.written.append(digest)
        self.members[name] = Descriptor("", digest, entry.size)

    def drop_unused(self, used: set[Digest]) -> None:
        """Remove the blobs that were written for nothing."""
        for digest in self.written:
            if digest not in used:
                self._store.blobs.remove(digest)


def _clean(name: str) -> str:
    return posixpath.normpath(f"/{name}").lstrip("/")


def _digest_of(name: str) -> Digest | None:
    """Return the digest that ``blobs/sha256/<hex>`` names."""
    parts = name.split("/")
    if len(parts) != 3 or parts[0] != "blobs":
        return None
    try:
        return parse_digest(f"{parts[1]}:{parts[2]}")
    except InvalidManifestError:
        return None
