"""OCI image layouts: what they hold, and those that are directories, read and written.

In:  ``oci-layout://PATH[:tag][@digest]``; what a new layout is to hold.
Out: descriptors, verified documents, open blobs; the files of a layout.

On disk::

    oci-layout  index.json  blobs/sha256/<hex>  [manifest.json]

Source: OCI image-spec 1.1, image-layout.md.
Security: names of files are made of checked digests only; what is read is verified by its digest
or by who writes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from jettison.errors import (
    ImageNotFoundError,
    InvalidManifestError,
    InvalidReferenceError,
    SizeMismatchError,
)
from jettison.events import Progress
from jettison.fs.atomic import write_atomically
from jettison.oci.codec import MAX_DOCUMENT_BYTES, decode, encode
from jettison.oci.digest import Digest, encoded, parse_digest, verify
from jettison.oci.layout import INDEX, MARKER, MARKER_DATA, REF_NAME, blob_name
from jettison.oci.manifest import Descriptor, Index
from jettison.oci.mediatype import OCI_INDEX
from jettison.store.layer import LayerId

SCHEME = "oci-layout://"
IMAGE_NAME = "io.containerd.image.name"

DOCKER_MANIFEST = "manifest.json"
"""Not of the specification: what docker reads; see ``image.archive``."""


class LayoutReference(msgspec.Struct, frozen=True):
    """A place in a layout; without tag and digest it is the one image, or the tag ``latest``."""

    path: str
    tag: str = ""
    digest: Digest | None = None


def parse_layout_reference(text: str) -> LayoutReference:
    """Return what ``oci-layout://PATH[:tag][@digest]`` names, with an absolute path.

    Raises:
        InvalidReferenceError: no path, or a malformed digest.

    >>> parse_layout_reference("oci-layout:///a/b:3.11@sha256:" + 64 * "0").tag
    '3.11'
    """
    rest, at, digest_text = text.removeprefix(SCHEME).partition("@")
    try:
        digest = parse_digest(digest_text) if at else None
    except InvalidManifestError as error:
        raise InvalidReferenceError(f"invalid layout reference: `{text}`: {error}") from error
    head, colon, tag = rest.rpartition(":")
    # A colon before the last slash is part of a directory's name.
    path, tag = (head, tag) if colon and "/" not in tag else (rest, "")
    if not path:
        raise InvalidReferenceError(
            f"`{text}` names no directory", hint="write `oci-layout://PATH[:tag][@digest]`"
        )
    return LayoutReference(os.path.abspath(path), tag, digest)


class LayoutContents(msgspec.Struct, frozen=True):
    """What a layout holds.

    Args:
        entries: Of ``index.json``.
        documents: Small blobs by digest.
        layers: (name, descriptor, source) of layers, each blob once; see ``BuiltManifest``.
        docker: Bytes of ``manifest.json``, for a layout that docker loads; else empty.
    """

    entries: tuple[Descriptor, ...]
    documents: Mapping[Digest, bytes]
    layers: tuple[tuple[LayerId, Descriptor, str], ...]
    docker: bytes = b""

    def pointers(self, others: Iterable[Descriptor] = ()) -> dict[str, bytes]:
        """Return the documents that point at blobs, by name; a reader looks for the last one first.

        Args:
            others: Entries of the layout that is there; new ones replace those of the same name,
                or without any.
        """
        replaced = set(map(_key, self.entries))
        kept = [each for each in others if _key(each) not in replaced]
        index = encode(Index(manifests=(*kept, *self.entries), media_type=OCI_INDEX))
        docker = {DOCKER_MANIFEST: self.docker} if self.docker else {}
        return {**docker, INDEX: index, MARKER: MARKER_DATA}


def _key(entry: Descriptor) -> tuple[str, str]:
    return entry.annotations.get(IMAGE_NAME, ""), entry.annotations.get(REF_NAME, "")


class OciLayout:
    """A layout directory.

    Args:
        path: It.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def index(self) -> Index:
        """Return ``index.json``.

        Raises:
            ImageNotFoundError: there is no layout.
            InvalidManifestError: it is damaged.
        """
        path = os.path.join(self.path, INDEX)
        try:
            with open(path, "rb") as file:
                data = file.read(MAX_DOCUMENT_BYTES + 1)
        except OSError as error:
            raise ImageNotFoundError(
                f"`{self.path}` is not an OCI image layout: cannot read `index.json`:"
                f" {(error.strerror or '').lower()}"
            ) from error
        return decode(Index, data)

    def find(self, reference: LayoutReference) -> Descriptor:
        """Return the manifest or index that a reference into this layout names.

        Raises:
            ImageNotFoundError: no such tag or digest; says what there is.
        """
        if reference.digest is not None:
            return self.by_digest(reference.digest)
        entries = self.index().manifests
        if not reference.tag and len(entries) == 1:
            return entries[0]
        return self.named(reference.tag or "latest")

    def named(self, tag: str) -> Descriptor:
        """Return the manifest or index of a name, or of one with this tag.

        Raises:
            ImageNotFoundError: there is none; says what there is.
        """
        entries = self.index().manifests
        for entry in entries:
            names = (entry.annotations.get(REF_NAME, ""), entry.annotations.get(IMAGE_NAME, ""))
            if any(name == tag or name.endswith(f":{tag}") for name in names):
                return entry
        offered = sorted(e.annotations[REF_NAME] for e in entries if REF_NAME in e.annotations)
        raise ImageNotFoundError(
            f"the layout `{self.path}` has no tag `{tag}`",
            hint=f"it has {', '.join(f'`{name}`' for name in offered[:10])}" if offered else None,
        )

    def has(self, digest: Digest) -> bool:
        """Tell whether a blob is there."""
        return os.path.exists(self._blob_path(digest))

    def _blob_path(self, digest: Digest) -> str:
        return os.path.join(self.path, "blobs", digest.partition(":")[0], encoded(digest))

    def document(self, descriptor: Descriptor) -> bytes:
        """Return a manifest, index or config, verified.

        Raises:
            InvalidManifestError: too large.
            DigestMismatchError, SizeMismatchError: other bytes.
            ImageNotFoundError: it is not there.
        """
        if descriptor.size > MAX_DOCUMENT_BYTES:
            raise InvalidManifestError(f"document `{descriptor.digest}` is too large")
        with self.open(descriptor.digest) as file:
            data = file.read(descriptor.size + 1)
        if len(data) != descriptor.size:
            raise SizeMismatchError(
                f"blob `{descriptor.digest}` has not the {descriptor.size} bytes of its descriptor"
            )
        verify(data, descriptor.digest)
        return data

    def open(self, digest: Digest) -> BinaryIO:
        """Open a blob.

        Raises:
            ImageNotFoundError: it is not there.
        """
        try:
            return open(self._blob_path(digest), "rb")
        except OSError as error:
            raise ImageNotFoundError(
                f"the layout `{self.path}` lacks blob `{digest}`: {(error.strerror or '').lower()}",
                hint="copy the layout again, it is incomplete",
            ) from error

    def write(
        self,
        contents: LayoutContents,
        blob_path: Callable[[Digest], Path],
        report: Progress,
        others: Iterable[Descriptor] = (),
    ) -> None:
        """Put images into the directory: blobs that it lacks, then what points at them.

        Args:
            contents: The images.
            blob_path: Tells where the blob of a layer is.
            report: Called with bytes per blob.
            others: Entries that the index has.

        Raises:
            OSError: it cannot be written.
        """
        from jettison.fs.bytes import copy_atomically  # exports only

        root = Path(self.path)
        for digest, data in contents.documents.items():
            target = root / blob_name(digest)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                write_atomically(target, data)
        for _, descriptor, _ in contents.layers:
            target = root / blob_name(descriptor.digest)
            target.parent.mkdir(parents=True, exist_ok=True)
            report(descriptor.digest, 0, descriptor.size)
            if not target.exists():
                copy_atomically(blob_path(descriptor.digest), target)
            report(descriptor.digest, descriptor.size, descriptor.size)
        for name, data in contents.pointers(others).items():
            write_atomically(root / name, data)

    def by_digest(self, digest: Digest) -> Descriptor:
        """Return the manifest or index of a digest, which the index need not list.

        Raises:
            ImageNotFoundError: it is not there.
        """
        for entry in self.index().manifests:
            if entry.digest == digest:
                return entry
        with self.open(digest) as file:
            size = file.seek(0, os.SEEK_END)
        return Descriptor(media_type="", digest=digest, size=size)
