"""Archives of images, read and written: OCI layouts as tars, and those that docker knows.

In:  members of a tar as they come; or what a layout is to hold.
Out: documents, and blobs in the store; or a tar, the same bytes for the same images.

A tar that is written is an OCI layout. With a ``manifest.json`` in it docker, podman and skopeo
read it, whichever form they know; docker's own archives have that alone.

Source: OCI image-spec 1.1, image-layout.md; docker image-spec 1.2 (``manifest.json``).
Security: nothing is written under a name of an archive; sizes of documents are bounded, links
only alias members.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from jettison.errors import (
    ExportError,
    ImageNotFoundError,
    InvalidManifestError,
    UnsafeArchiveError,
)
from jettison.events import Progress
from jettison.fs.bytes import copy_rest
from jettison.image.layout import DOCKER_MANIFEST, LayoutContents
from jettison.layer.header import (
    BLOCK,
    DIRECTORY,
    FILE,
    HARD_LINK,
    SYMLINK,
    TarEntry,
    format_entry,
)
from jettison.oci.codec import MAX_DOCUMENT_BYTES
from jettison.oci.digest import Digest, parse_digest
from jettison.oci.layout import INDEX, MARKER, blob_name
from jettison.oci.manifest import Descriptor
from jettison.store.store import Store

if TYPE_CHECKING:
    from jettison.layer.reader import TarReader

_DOCUMENTS = frozenset({INDEX, DOCKER_MANIFEST, MARKER, "repositories"})


class DockerImage(msgspec.Struct, frozen=True, rename="pascal"):
    """An image in ``manifest.json``; all but ``repo_tags`` are names of members."""

    config: str
    repo_tags: tuple[str, ...] | None = None
    layers: tuple[str, ...] = ()


def decode_docker_manifest(data: bytes) -> list[DockerImage]:
    """Return the images of a ``manifest.json``.

    Raises:
        InvalidManifestError: it is none.
    """
    try:
        return msgspec.json.decode(data, type=list[DockerImage])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidManifestError(f"invalid `{DOCKER_MANIFEST}`: {error}") from error


def encode_docker_manifest(images: Sequence[DockerImage]) -> bytes:
    """Return the bytes of a ``manifest.json``."""
    return msgspec.json.encode(images)


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
        found = clean_name(name)
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
        name = clean_name(entry.name.decode("utf-8", "surrogateescape"))
        if entry.kind in {SYMLINK, HARD_LINK}:
            target = entry.link.decode("utf-8", "surrogateescape")
            base = posixpath.dirname(name) if entry.kind == SYMLINK else ""
            self.links[name] = clean_name(posixpath.join(base, target))
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


def write_archive(
    sink: BinaryIO,
    contents: LayoutContents,
    blob_path: Callable[[Digest], Path],
    report: Progress,
) -> None:
    """Write a layout as a tar.

    Args:
        sink: Gets it; stays open.
        contents: Of the layout.
        blob_path: Tells where the blob of a layer is.
        report: Called with bytes per blob.

    Raises:
        ExportError: a blob has another size than its descriptor says.
        OSError: it cannot be written.
    """
    writer = ArchiveWriter(sink)
    for name, data in reversed(contents.pointers().items()):
        writer.add(name, data)
    for digest, data in contents.documents.items():
        writer.add(blob_name(digest), data)
    for _, descriptor, _ in contents.layers:
        path = blob_path(descriptor.digest)
        report(descriptor.digest, 0, descriptor.size)
        writer.add_file(blob_name(descriptor.digest), path, descriptor.size)
        report(descriptor.digest, descriptor.size, descriptor.size)
    writer.close()


class ArchiveWriter:
    """Writes one tar; directories are made as they are needed.

    Args:
        sink: Gets it; stays open.
    """

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._names: set[str] = set()

    def add(self, name: str, data: bytes) -> None:
        """Add a member; one of that name that is there already is the same and stays."""
        if self._begin(name, len(data)):
            self._sink.write(data)
            self._pad(len(data))

    def add_file(self, name: str, path: Path, size: int) -> None:
        """Add a member with the bytes of a file.

        Raises:
            ExportError: the file has another size.
        """
        if not self._begin(name, size):
            return
        with path.open("rb") as file:
            if (found := file.seek(0, 2)) != size:
                raise ExportError(f"`{path}` has {found} bytes instead of {size}")
            file.seek(0)
            copy_rest(file, self._sink)
        self._pad(size)

    def add_pieces(self, name: str, pieces: Iterable[bytes], size: int) -> None:
        """Add a member whose bytes come one after the other, so many in all.

        Raises:
            JettisonError: as ``pieces``, which sees to the size; the archive is of no use then.
        """
        if not self._begin(name, size):
            return
        for piece in pieces:
            self._sink.write(piece)
        self._pad(size)

    def close(self) -> None:
        """Write the end of the archive."""
        self._sink.write(bytes(2 * BLOCK))
        self._sink.flush()

    def _begin(self, name: str, size: int) -> bool:
        if name in self._names:
            return False
        parts = name.split("/")
        for depth in range(1, len(parts)):
            directory = "/".join(parts[:depth]) + "/"
            if directory not in self._names:
                self._names.add(directory)
                self._sink.write(
                    format_entry(TarEntry(directory.encode(), DIRECTORY, 0o755, 0, 0, 0, 0))
                )
        self._names.add(name)
        entry = TarEntry(name.encode(), FILE, 0o644, 0, 0, size, 0, stored_size=size)
        self._sink.write(format_entry(entry))
        return True

    def _pad(self, size: int) -> None:
        self._sink.write(bytes(-size % BLOCK))


def clean_name(name: str) -> str:
    """Return the name of a member as all that read the archive mean it."""
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
