"""Packing a directory in overlay form as a layer's tar, the same bytes for the same tree.

In:  an overlay layer directory at rest.
Out: an uncompressed tar: parents first, names of a directory in the order of their bytes, owners
     as numbers, whole seconds, whiteouts and opaque directories as ``.wh.`` names.

Decisions:

- Names have no leading ``/`` or ``./``; directories end with ``/``. The root has an entry
  (``./``) only where its owner, mode or attributes differ from 0:0, 0755 and none: its time
  alone would change the bytes of every layer.
- Of names of one file (hard links) the first in order is the file, the others are links to it.
- Whiteouts have mode 0, owner 0:0 and time 0: nothing reads them, and the device's own differ
  from build to build.
- Sockets are left out, as everywhere. Holes are written as zeros.
- The archive ends with two zero blocks and no further padding.

Source: OCI image-spec 1.1, layer.md; kernel Documentation/filesystems/overlayfs.rst.
Security: content is hostile but at rest: nothing is followed, devices and fifos are not opened,
and depth costs neither stack nor descriptors.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import msgspec

from jettison.errors import ContentError, StorageError
from jettison.fs.holes import check_size, may_have_holes, pieces
from jettison.fs.layer_file import LayerFile
from jettison.fs.os_errors import storage_error
from jettison.fs.overlay_form import drop_strays, is_whiteout, overlay_xattr_prefix
from jettison.fs.ownership import Ownership
from jettison.fs.xattr import read_xattrs
from jettison.layer.header import (
    BLOCK,
    DIRECTORY,
    FIFO,
    FILE,
    HARD_LINK,
    KIND_OF_TYPE,
    SYMLINK,
    TarEntry,
    format_entry,
    show,
)
from jettison.layer.names import MAX_PATH_BYTES, OPAQUE, WHITEOUT
from jettison.layer.observer import LayerObserver, NullObserver

Write = Callable[[bytes], object]

PIECE_BYTES = 1 << 20
_SMALL_BYTES = 128 << 10
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK a file that became a fifo behind our back would hang the build.
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def pack(
    upper: Path,
    ownership: Ownership,
    write: Write,
    *,
    clamp_mtime: int | None = None,
    exact_mtime: bool = False,
    observer: LayerObserver | None = None,
) -> None:
    """Write the tar of a layer directory.

    Args:
        upper: The directory, in overlay form.
        ownership: How owners are kept in it.
        write: Takes the tar piece by piece, mostly about 1 MiB each; the pieces are never changed
            afterwards, so they may be handed to other threads.
        clamp_mtime: Seconds since the epoch; later times become this one.
        exact_mtime: Earlier ones, too.
        observer: Sees the entries.

    Raises:
        ContentError: a name or an overlay feature cannot be in a layer.
        StorageError: the directory cannot be read, or changed meanwhile.
    """
    latest = None if clamp_mtime is None else clamp_mtime * 1_000_000_000
    earliest = latest if exact_mtime else None
    packer = _Packer(ownership, write, (earliest, latest), observer or NullObserver())
    try:
        packer.tree(upper)
    except OSError as error:
        known = storage_error(error, upper)
        raise StorageError(
            f"cannot pack `{show(packer.path) or '/'}` of `{upper}`:"
            f" {os.strerror(error.errno or 0).lower()}",
            hint=known.hint if known else "check the file system that holds the store",
        ) from error


class _Packer:
    def __init__(
        self,
        ownership: Ownership,
        write: Write,
        mtimes_ns: tuple[int | None, int | None],
        observer: LayerObserver,
    ) -> None:
        self._effective_stat = ownership.effective_stat
        self._write = write
        self._observer = observer
        self._earliest_ns, self._latest_ns = mtimes_ns
        self._pieces: list[bytes] = []
        self._held = 0
        self._links: dict[tuple[int, int], bytes] = {}
        self._overlay_prefix = overlay_xattr_prefix()
        self.path = b""

    def tree(self, upper: Path) -> None:
        """Pack depth first with one descriptor: the way up is ``..``, verified."""
        directory = os.open(upper, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        above: list[tuple[tuple[int, int], bytes, Iterator[tuple[bytes, os.stat_result]]]] = []
        try:
            st = self._effective_stat(os.fstat(directory), directory)
            self._root(st, directory)
            identity = (st.st_dev, st.st_ino)
            names = self._names(directory)
            here = b""
            while True:
                found = next(names, None)
                if found is None:
                    if not above:
                        break
                    identity, here, names = above.pop()
                    parent = _parent(directory, identity)
                    os.close(directory)
                    directory = parent
                    continue
                base, st = found
                self.path = path = here + base
                if not stat.S_ISDIR(st.st_mode):
                    self._other(st, path, base, directory)
                    continue
                child = os.open(base, _OPEN_DIRECTORY, dir_fd=directory)
                os.close(directory)
                directory = child
                above.append((identity, here, names))
                identity = (st.st_dev, st.st_ino)
                here = path + b"/"
                self._directory(st, here, directory)
                names = self._names(directory)
        finally:
            os.close(directory)
        self._put(bytes(2 * BLOCK))
        self._flush()

    def _root(self, st: os.stat_result, directory: int) -> None:
        xattrs, opaque = self._directory_xattrs(directory)
        opaque = opaque and not self._observer.omits_whiteout(b"", st)
        if xattrs or stat.S_IMODE(st.st_mode) != 0o755 or (st.st_uid, st.st_gid) != (0, 0):
            self._put(format_entry(self._entry(st, b"./", DIRECTORY, xattrs)))
        if opaque:
            self._put(_marker(OPAQUE))
        self._observer.entry(LayerFile(b"", st, xattrs=xattrs, opaque=opaque))

    def _directory(self, st: os.stat_result, path: bytes, directory: int) -> None:
        xattrs, opaque = self._directory_xattrs(directory)
        opaque = opaque and not self._observer.omits_whiteout(self.path, st)
        self._put(format_entry(self._entry(st, path, DIRECTORY, xattrs)))
        if opaque:
            self._put(_marker(path + OPAQUE))
        self._observer.entry(LayerFile(self.path, st, xattrs=xattrs, opaque=opaque))

    def _directory_xattrs(self, directory: int) -> tuple[dict[str, bytes], bool]:
        try:
            names = os.listxattr(directory)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            return {}, False
        if not names:
            return {}, False
        if self._overlay_prefix + "redirect" in names:
            raise ContentError(
                f"`{show(self.path)}` is a renamed directory of the layer below",
                hint="mount overlays with `redirect_dir=off`",
            )
        drop_strays(directory, names)
        opaque = self._overlay_prefix + "opaque"
        is_opaque = opaque in names and os.getxattr(directory, opaque) == b"y"
        return read_xattrs(directory), is_opaque

    def _other(self, st: os.stat_result, path: bytes, base: bytes, directory: int) -> None:
        if base.startswith(WHITEOUT):
            raise ContentError(
                f"`{show(path)}` cannot be in an image:"
                " names that begin with `.wh.` mean deletions",
                hint="remove or rename the file in the step that makes it",
            )
        if is_whiteout(st):
            if not self._observer.omits_whiteout(path, st):
                self._put(_marker(path[: len(path) - len(base)] + WHITEOUT + base))
                self._observer.entry(LayerFile(path, st))
            return
        kind = KIND_OF_TYPE.get(stat.S_IFMT(st.st_mode))
        if kind is None:
            return
        link = b""
        if st.st_nlink > 1:
            first = self._links.setdefault((st.st_dev, st.st_ino), path)
            if first is not path:
                entry = self._entry(st, path, HARD_LINK, {})
                self._put(format_entry(msgspec.structs.replace(entry, link=first)))
                self._observer.entry(LayerFile(path, st, first=first))
                return
        if kind == FILE:
            self._file(st, path, base, directory)
            return
        entry = self._entry(st, path, kind, {})
        if kind == SYMLINK:
            link = os.readlink(base, dir_fd=directory)
            entry = msgspec.structs.replace(entry, link=link)
        elif kind != FIFO:
            device = (os.major(st.st_rdev), os.minor(st.st_rdev))
            entry = msgspec.structs.replace(entry, device=device)
        self._put(format_entry(entry))
        self._observer.entry(LayerFile(path, st, target=link))

    def _file(self, st: os.stat_result, path: bytes, base: bytes, directory: int) -> None:
        descriptor = os.open(base, _OPEN_FILE, dir_fd=directory)
        try:
            xattrs = self._file_xattrs(descriptor)
            size = st.st_size
            self._put(format_entry(self._entry(st, path, FILE, xattrs, size)))
            digest = self._observer.known_digest(path)
            if size <= _SMALL_BYTES and not may_have_holes(st):
                data = os.read(descriptor, size) if size else b""
                left = size - len(data)
                self._put(data + bytes(-size % BLOCK))
                if digest is None:
                    digest = sha256(data).digest()
            else:
                left, digest = self._big_file(st, descriptor, digest)
            if left:
                raise StorageError(
                    f"`{show(path)}` became shorter while it was packed",
                    hint="do not change files below the store's root",
                )
            self._observer.entry(LayerFile(path, st, xattrs=xattrs, sha256=digest))
        finally:
            os.close(descriptor)

    def _big_file(
        self, st: os.stat_result, descriptor: int, digest: bytes | None
    ) -> tuple[int, bytes]:
        """Pack bytes piece by piece; return how many are missing, and their sha256."""
        self._flush()
        left = st.st_size
        hasher = sha256() if digest is None else None
        for data in self._pieces_of(descriptor, st):
            left -= len(data)
            if hasher is not None:
                hasher.update(data)
            self._put(data)
        self._put(bytes(-st.st_size % BLOCK))
        return left, hasher.digest() if hasher is not None else digest or b""

    def _pieces_of(self, descriptor: int, st: os.stat_result) -> Iterator[bytes]:
        """Yield the bytes of a file."""
        if may_have_holes(st):
            check_size(descriptor, st, show(self.path))
            yield from pieces(descriptor, st.st_size, PIECE_BYTES)
            return
        left = st.st_size
        while left and (data := os.read(descriptor, min(left, PIECE_BYTES))):
            left -= len(data)
            yield data

    def _file_xattrs(self, descriptor: int) -> dict[str, bytes]:
        try:
            names = os.listxattr(descriptor)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            return {}
        if not names:
            return {}
        if self._overlay_prefix + "metacopy" in names:
            raise ContentError(
                f"`{show(self.path)}` has its bytes in the layer below",
                hint="mount overlays with `metacopy=off`",
            )
        drop_strays(descriptor, names)
        return read_xattrs(descriptor)

    def _entry(
        self,
        st: os.stat_result,
        path: bytes,
        kind: bytes,
        xattrs: dict[str, bytes],
        size: int = 0,
    ) -> TarEntry:
        if len(path) > MAX_PATH_BYTES:
            raise ContentError(
                f"`{show(path)}` is longer than {MAX_PATH_BYTES} bytes",
                hint="remove the directory in the step that makes it",
            )
        mtime_ns = st.st_mtime_ns
        if self._latest_ns is not None and mtime_ns > self._latest_ns:
            mtime_ns = self._latest_ns
        if self._earliest_ns is not None and mtime_ns < self._earliest_ns:
            mtime_ns = self._earliest_ns
        return TarEntry(
            path,
            kind,
            stat.S_IMODE(st.st_mode),
            st.st_uid,
            st.st_gid,
            size,
            mtime_ns,
            xattrs=xattrs,
            stored_size=size,
        )

    def _names(self, directory: int) -> Iterator[tuple[bytes, os.stat_result]]:
        """Return a directory's names and their stat results, in the order of the names' bytes."""
        with os.scandir(directory) as found:
            listed = [(os.fsencode(each.name), each.stat(follow_symlinks=False)) for each in found]
        effective_stat = self._effective_stat
        entries = [(name, effective_stat(st, name, directory)) for name, st in listed]
        entries.sort(key=_first)
        return iter(entries)

    def _put(self, data: bytes) -> None:
        if len(data) >= _SMALL_BYTES and not self._pieces:
            self._write(data)
            return
        self._pieces.append(data)
        self._held += len(data)
        if self._held >= PIECE_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._pieces:
            self._write(b"".join(self._pieces))
            self._pieces = []
            self._held = 0


def _marker(path: bytes) -> bytes:
    return format_entry(TarEntry(path, FILE, 0, 0, 0, 0, 0))


def _parent(directory: int, identity: tuple[int, int]) -> int:
    """Open the parent of a directory, which must be the one it was entered from."""
    parent = os.open(b"..", _OPEN_DIRECTORY, dir_fd=directory)
    st = os.fstat(parent)
    if (st.st_dev, st.st_ino) != identity:
        os.close(parent)
        raise StorageError(
            "a directory was moved while it was packed",
            hint="do not change files below the store's root",
        )
    return parent


def _first(entry: tuple[bytes, os.stat_result]) -> bytes:
    return entry[0]
