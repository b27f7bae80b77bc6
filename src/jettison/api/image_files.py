"""Looking into images: their files, without running anything and without keeping what is elsewhere.

In:  a session, an image as users name it: of the store, of a layout directory or of a registry.
Out: ``ImageFiles``: the tree, which paths it has and which layer has each, bytes of files.

Layers that are here are read where they are; of others outlines are asked for, and of files only
those whose bytes are wanted (``image.browse``, ADR 0029). An image that was only looked at is none
of the store afterwards: a prune removes what was fetched for it.

Security: paths are resolved inside the image. What a table of contents says of a layer that is
elsewhere is the word of its registry; a file has the digest that the table names.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

import msgspec

from jettison.api.anywhere import find_anywhere
from jettison.api.session import Session
from jettison.errors import PathNotFoundError
from jettison.events import Progress, no_progress
from jettison.fs.bytes import copy_rest
from jettison.fs.tree import FileStat
from jettison.fs.tree_walk import find_path, select_paths
from jettison.image.document import decode_document
from jettison.image.layout import SCHEME, parse_layout_reference
from jettison.image.named_tables import tables_of
from jettison.oci.codec import MAX_DOCUMENT_BYTES, decode
from jettison.oci.config import ImageConfig
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor, Manifest
from jettison.oci.reference import parse_reference
from jettison.snapshot.outlined import OutlinedTree
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DIGESTS_AT_ONCE = 4096
_PIECE_BYTES = 1 << 16


class ImageFile(msgspec.Struct, frozen=True):
    """A path of an image.

    Args:
        path: Absolute.
        stat: What it is; ``stat.device`` is the number of its layer, base first, from 0.
        depth: How deep it is below what was asked for.
        target: Of a symbolic link.
        sha256: Of a regular file (hex), if it was asked for.
    """

    path: str
    stat: FileStat
    depth: int
    target: str = ""
    sha256: str = ""


class ImageLayer(msgspec.Struct, frozen=True):
    """A layer of an image: digest of its tar, the instruction of its history."""

    diff_id: Digest
    created_by: str


class ImageFiles:
    """The files of one image.

    Args:
        name: The image, for messages.
        image: It.
        tree: Its files.
    """

    def __init__(self, name: str, image: StoredImage, tree: OutlinedTree) -> None:
        self.name = name
        self.image = image
        self.tree = tree

    def layers(self) -> list[ImageLayer]:
        """Return the layers, base first."""
        history = decode(ImageConfig, self.image.config).history
        made = [each.created_by for each in history if not each.empty_layer]
        made += [""] * len(self.image.layers)
        return [
            ImageLayer(each.diff_id, by) for each, by in zip(self.image.layers, made, strict=False)
        ]

    def files(
        self, paths: Sequence[str], *, most_depth: int | None = None, digests: bool = False
    ) -> Iterator[ImageFile]:
        """Yield what paths and patterns name, and all below; see ``fs.tree_walk.select_paths``.

        Args:
            paths: As users write them; all if there are none.
            most_depth: How deep below what was named; None is to the end.
            digests: Whether regular files get theirs.

        Raises:
            PathNotFoundError: a path is not there, or nothing fits a pattern.
            UsageError: a pattern cannot be read.
            ContentError, SourceError, StorageError: a layer cannot be had.
        """
        batch: list[tuple[str, FileStat, int]] = []
        for found in select_paths(self.tree, paths, self.name):
            if most_depth is not None and found[2] > most_depth:
                continue
            if not digests:
                yield self._file(*found)
                continue
            batch.append(found)
            if len(batch) >= _DIGESTS_AT_ONCE:
                yield from self._digested(batch)
                batch = []
        yield from self._digested(batch)

    def _digested(self, batch: list[tuple[str, FileStat, int]]) -> Iterator[ImageFile]:
        self.tree.prepare([path for path, st, _ in batch if st.is_file], digests_only=True)
        for path, st, depth in batch:
            digest = self.tree.file_digest(path).hex() if st.is_file else ""
            yield self._file(path, st, depth, digest)

    def _file(self, path: str, st: FileStat, depth: int, sha256: str = "") -> ImageFile:
        target = self.tree.readlink(path) if st.is_symlink else ""
        return ImageFile(path, st, depth, target, sha256)

    def regular(self, text: str) -> str:
        """Return where the regular file is that a path leads to.

        Raises:
            PathNotFoundError: there is none.
            ContentError, SourceError, StorageError: a layer cannot be had.
        """
        path = find_path(self.tree, text, self.name)
        st = self.tree.lstat(path)
        if st is None or st.is_file:
            return path
        if st.is_dir:
            raise PathNotFoundError(
                f"`{text}` of `{self.name}` is a directory",
                hint=f"list it with `jettison ls-files {self.name} {path}`",
            )
        kind = "pipe" if stat.S_ISFIFO(st.mode) else "device"
        raise PathNotFoundError(f"`{text}` of `{self.name}` is a {kind}, which has no content")

    def copy(self, path: str, sink: BinaryIO) -> None:
        """Write the bytes of a regular file, from ``regular``.

        Raises:
            ContentError, SourceError, StorageError: its layer cannot be had.
            OSError: nobody takes them.
        """
        with self._opened(path) as file:
            copy_rest(file, sink)

    def read(self, path: str, take: Callable[[bytes], object]) -> None:
        """Hand out the bytes of a regular file in whole lines, or long pieces of them."""
        with self._opened(path) as file:
            while line := file.readline(_PIECE_BYTES):
                take(line)

    def _opened(self, path: str) -> BinaryIO:
        return open(os.open(self.tree.host_path(path), _READ), "rb")


@contextmanager
def image_files(
    session: Session,
    name: str,
    platform: str = "",
    *,
    wanted: Sequence[str] | None = None,
    report: Progress = no_progress,
) -> Iterator[ImageFiles]:
    """Open the files of an image.

    Args:
        session: The store.
        name: Of an image of the store, ``oci-layout://PATH``, or of an image of a registry.
        platform: Of an image for several; empty is the one that the name stands for here.
        wanted: Paths whose bytes will be read; None if none will.
        report: Called with bytes that are fetched.

    Raises:
        NamespaceRequired: files of all owners must be read, and the process may not do that.
        ImageNotFoundError, PlatformNotFoundError, RegistryError: the image cannot be had.
        ContentError: its manifest makes no sense.
    """
    session.require_namespace()
    with ExitStack() as stack:
        image = stack.enter_context(opened_image(session, name, platform))
        manifest = _manifest(session, image)
        layers = tuple(each.layer for each in image.layers)
        tree = session.blobs.browse(
            layers,
            [0] * len(layers),
            report,
            wanted=wanted,
            tables=tables_of(manifest) if manifest is not None else None,
        )
        yield ImageFiles(name, image, tree)


@contextmanager
def opened_image(session: Session, name: str, platform: str = "") -> Iterator[StoredImage]:
    """Give an image whose layers can be had as long as the block runs; see ``image_files``."""
    image = find_anywhere(session, name, platform, keeps=False)
    layers = [each.layer for each in image.layers]
    with ExitStack() as stack:
        stack.enter_context(session.store.leased(layers))
        if session.store.images.get(image.id) is None:
            source, blobs = _source(name), _blobs(session, image)
            stack.enter_context(session.store.layers.at_source(blobs, source))
        yield image


def _source(name: str) -> str:
    """Return where blobs of an image are that is none of the store, as the store notes it."""
    if name.startswith(SCHEME):
        return SCHEME + parse_layout_reference(name).path
    return str(parse_reference(name.removeprefix("docker-image://")))


def _blobs(session: Session, image: StoredImage) -> Mapping[LayerId, Descriptor]:
    manifest = _manifest(session, image)
    if manifest is None:
        return {}
    names = [each.layer for each in image.layers]
    return dict(zip(names, manifest.layers, strict=True))


def _manifest(session: Session, image: StoredImage) -> Manifest | None:
    """Return the manifest of an image, if it came with one and it is here."""
    if image.manifest is None or not session.store.blobs.has(image.manifest.digest):
        return None
    data = session.store.blobs.read(image.manifest.digest, limit=MAX_DOCUMENT_BYTES)
    found = decode_document(data, "")
    return found if isinstance(found, Manifest) else None
