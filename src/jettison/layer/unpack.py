"""Unpacking a layer's tar into a directory in overlay form.

In:  a stream of an uncompressed tar, and an empty directory.
Out: the files, with owners, modes, times and image attributes; whiteouts and opaque directories
     as overlayfs has them (``fs.overlay_form``).

Semantics:

- A name that occurs again replaces the earlier one; a directory over a directory only changes
  its attributes. Parents may come late or never: missing ones are made (0755, owner of the
  process, time 0, or what ``lower`` has there) and reported as implied.
- A whiteout concerns the layers below only, in any order: over a file of this layer it does
  nothing, over a directory of this layer it makes it opaque.
- ``.wh..wh.*`` other than ``.wh..wh..opq`` are AUFS's own metadata and ignored.
- A hard link to a file that is in no earlier entry is looked for with ``lower`` and copied.
- Devices that the kernel refuses to make are left out and noted; so are attributes that the file
  system does not have.

Source: OCI image-spec 1.1, layer.md; containerd's archive package for names and links.
Security: see ``names`` and ``directories``; only one thread may write below the directory.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec

from jettison.errors import HostError, StorageError, UnsafeArchiveError
from jettison.fs import overlay_form
from jettison.fs.bytes import ByteCopier
from jettison.fs.os_errors import storage_error
from jettison.fs.ownership import Ownership
from jettison.fs.remove import remove_tree
from jettison.fs.xattr import read_xattrs
from jettison.layer.directories import Directories
from jettison.layer.header import (
    DIRECTORY,
    FILE,
    HARD_LINK,
    KIND_OF_TYPE,
    KINDS,
    SYMLINK,
    TarEntry,
    show,
)
from jettison.layer.limits import DEFAULT_LIMITS, ArchiveLimits
from jettison.layer.names import (
    OPAQUE,
    WHITEOUT,
    WHITEOUT_META,
    check_link,
    clean_name,
    hidden_name,
    join,
    split,
)
from jettison.layer.place import Placer, contradiction
from jettison.layer.reader import Readable, TarReader, write_data

Lower = Callable[[str], str | None]
"""Returns where a path of the layers below is on the host, None when they do not have it."""

Wanted = Callable[[bytes], bool]
"""Tells of a regular file, by its path without links, whether its bytes are wanted."""

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class MissingTargetError(UnsafeArchiveError):
    """A hard link leads to a file that is not in the archive, nor known to be below it."""


class Unpacked(msgspec.Struct, frozen=True):
    """What was unpacked.

    ``entries`` counts the archive's; ``size_bytes`` sums the lengths of regular files.
    ``implied`` are directories that the archive has entries below but none for, sorted. Where a
    layer below has such a directory, its attributes are the ones that count.
    ``notes`` say what was left out, for people.
    """

    entries: int
    size_bytes: int
    implied: tuple[str, ...]
    notes: tuple[str, ...]


def unpack(
    stream: Readable,
    into: Path,
    ownership: Ownership,
    *,
    opaque_xattr: str | None = None,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    lower: Lower | None = None,
    wanted: Wanted | None = None,
) -> Unpacked:
    """Unpack a tar into an empty directory; on failure the directory holds a part of it.

    The stream is read to its end, also behind the archive's end.

    Args:
        stream: The uncompressed archive.
        into: An empty directory nobody else writes to.
        ownership: How owners are kept in it, and in the layers below.
        opaque_xattr: Attribute for opaque directories; by default the one that this process may
            set.
        limits: What is refused.
        lower: Finds files of the layers below.
        wanted: Other files than these are made with their length, but as holes; None wants all.

    Raises:
        UnsafeArchiveError: the archive is malformed, contradicts itself or tries to escape.
        SourceError: the stream cannot be read.
        StorageError: the directory cannot be written.
        HostError: an owner or a whiteout cannot be made here.
    """
    reader = TarReader(stream, limits)
    name = b"."
    try:
        with Directories(into, opaque_xattr or overlay_form.opaque_xattr()) as tree:
            placer = Placer(tree.root, ownership)
            unpacker = _Unpacker(reader, tree, placer, lower, wanted)
            for entry in reader:
                name = entry.name
                unpacker.apply(entry)
            name = b"."
            result = unpacker.finish()
    except OSError as error:
        known = storage_error(error, into)
        raise StorageError(
            f"cannot unpack `{show(name)}` into `{into}`: {os.strerror(error.errno or 0).lower()}",
            hint=known.hint if known else "check the file system that holds the store",
        ) from error
    reader.drain()
    return result


class _Unpacker:
    def __init__(
        self,
        reader: TarReader,
        tree: Directories,
        placer: Placer,
        lower: Lower | None,
        wanted: Wanted | None,
    ) -> None:
        self._reader = reader
        self._tree = tree
        self._placer = placer
        self._lower = lower
        self._wanted = wanted
        self._explicit: dict[bytes, TarEntry] = {}
        self._entries = 0
        self._size = 0

    def apply(self, entry: TarEntry) -> None:
        self._entries += 1
        name = clean_name(entry.name)
        kind = entry.kind
        if kind not in KINDS:
            self._placer.note(
                f"left out `{show(name)}`: type `{show(kind)}` has no meaning in a layer"
            )
            return
        if not name:
            if kind != DIRECTORY:
                raise contradiction(entry, "is the root but no directory")
            self._explicit[name] = entry
            return
        if WHITEOUT in name and self._whiteout(name):
            return
        directory, base = split(name)
        parent, directory = self._tree.enter(directory)
        if kind == FILE:
            self._file(entry, parent, directory, base)
        elif kind == DIRECTORY:
            self._directory(entry, parent, directory, base)
        elif kind == HARD_LINK:
            self._hard_link(entry, directory, base)
        else:
            self._special(entry, parent, directory, base)

    def finish(self) -> Unpacked:
        """Give directories their attributes, deepest first: nothing is made in them any more."""
        implied = self._tree.made - self._explicit.keys()
        for path in sorted(implied.union(self._explicit), reverse=True):
            entry = self._explicit.get(path) or self._implied(path)
            directory, base = split(path)
            parent, _ = self._tree.enter(directory, make=False)
            self._placer.finish_directory(entry, parent, base or b".")
        return Unpacked(
            self._entries,
            self._size,
            tuple(sorted(map(os.fsdecode, implied))),
            self._placer.notes,
        )

    def _file(self, entry: TarEntry, parent: int, directory: bytes, base: bytes) -> None:
        descriptor = self._create(entry, parent, directory, base)
        try:
            if self._wanted is None or self._wanted(join(directory, base)):
                write_data(self._reader, entry, descriptor)
            else:
                os.ftruncate(descriptor, entry.size)
            self._placer.finish(entry, descriptor)
        finally:
            os.close(descriptor)
        self._size += entry.size

    def _create(self, entry: TarEntry, parent: int, directory: bytes, base: bytes) -> int:
        try:
            return self._placer.create(entry, parent, base)
        except FileExistsError:
            self._clear(parent, directory, base)
            return self._placer.create(entry, parent, base)

    def _directory(self, entry: TarEntry, parent: int, directory: bytes, base: bytes) -> None:
        path = join(directory, base)
        try:
            os.mkdir(base, 0o700, dir_fd=parent)
        except FileExistsError:
            st = os.stat(base, dir_fd=parent, follow_symlinks=False)
            if not stat.S_ISDIR(st.st_mode):
                os.unlink(base, dir_fd=parent)
                os.mkdir(base, 0o700, dir_fd=parent)
        if path in self._tree.hidden:
            self._tree.make_opaque(self._tree.enter(path)[0])
        self._explicit[path] = entry

    def _hard_link(self, entry: TarEntry, directory: bytes, base: bytes) -> None:
        target = clean_name(entry.link)
        if not target:
            raise contradiction(entry, "is a hard link to the root")
        target_directory, target_base = split(target)
        try:
            found, target_directory = self._tree.enter(target_directory, make=False)
            st = os.stat(target_base, dir_fd=found, follow_symlinks=False)
        except FileNotFoundError:
            self._copy_lower(entry, directory, base, target)
            return
        if overlay_form.is_whiteout(st):
            raise contradiction(entry, f"is a hard link to the deleted `{show(target)}`")
        if stat.S_ISDIR(st.st_mode):
            raise contradiction(entry, f"is a hard link to the directory `{show(target)}`")
        if (target_directory, target_base) == (directory, base):
            return
        source = os.dup(found)  # entering the other directory may close this one
        try:
            parent, _ = self._tree.enter(directory)
            try:
                _link(target_base, source, base, parent)
            except FileExistsError:
                self._clear(parent, directory, base)
                _link(target_base, source, base, parent)
        finally:
            os.close(source)

    def _special(self, entry: TarEntry, parent: int, directory: bytes, base: bytes) -> None:
        if entry.kind == SYMLINK:
            check_link(entry.name, entry.link)
        try:
            self._placer.special(entry, parent, base)
        except FileExistsError:
            self._clear(parent, directory, base)
            self._placer.special(entry, parent, base)

    def _whiteout(self, name: bytes) -> bool:
        """Handle names of whiteouts and of AUFS's metadata; False if it is neither."""
        *above, base = name.split(b"/")
        if any(part.startswith(WHITEOUT) for part in above):
            if not any(part.startswith(WHITEOUT_META) for part in above):
                self._placer.note(f"left out `{show(name)}`: it is below a whiteout")
            return True
        if not base.startswith(WHITEOUT):
            return False
        if base == OPAQUE:
            self._tree.make_opaque(self._tree.enter(b"/".join(above))[0])
        elif not base.startswith(WHITEOUT_META):
            self._hide(b"/".join(above), hidden_name(base))
        return True

    def _hide(self, directory: bytes, base: bytes) -> None:
        parent, directory = self._tree.enter(directory)
        path = join(directory, base)
        self._tree.hidden.add(path)
        try:
            st = os.stat(base, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            try:
                overlay_form.make_whiteout(os.fsdecode(base), dir_fd=parent)
            except PermissionError as error:
                raise HostError(
                    f"cannot make the whiteout of `{show(path)}`: the kernel refuses",
                    hint="use Linux 5.8 or newer, or run as root",
                ) from error
        else:
            if stat.S_ISDIR(st.st_mode):
                self._tree.make_opaque(self._tree.enter(path)[0])

    def _clear(self, parent: int, directory: bytes, base: bytes) -> None:
        """Remove what is at a name, so that a later entry takes its place."""
        try:
            os.unlink(base, dir_fd=parent)
        except OSError as error:
            if error.errno not in {errno.EISDIR, errno.EPERM}:
                raise
            path = join(directory, base)
            below = path + b"/"
            self._tree.forget(path)
            for name in [n for n in self._explicit if n == path or n.startswith(below)]:
                del self._explicit[name]
            remove_tree(f"/proc/self/fd/{parent}/{os.fsdecode(base)}")

    def _copy_lower(self, entry: TarEntry, directory: bytes, base: bytes, target: bytes) -> None:
        found = self._in_lower(target)
        if found is None:
            raise MissingTargetError(
                f"`{show(entry.name)}` is a hard link to `{show(target)}`, which is not there",
                hint="make the image again; its layers do not belong together",
            )
        place, copied = found
        parent, directory = self._tree.enter(directory)
        if copied.kind == DIRECTORY:
            raise contradiction(entry, f"is a hard link to the directory `{show(target)}`")
        if copied.kind != FILE:
            self._special(copied, parent, directory, base)
            return
        source = os.open(place, _READ)
        try:
            descriptor = self._create(copied, parent, directory, base)
            try:
                ByteCopier().copy(source, descriptor, os.fstat(source))
                self._placer.finish(copied, descriptor)
            finally:
                os.close(descriptor)
        finally:
            os.close(source)
        self._size += copied.size

    def _implied(self, path: bytes) -> TarEntry:
        found = self._in_lower(path)
        if found is not None and found[1].kind == DIRECTORY:
            return found[1]
        return TarEntry(path, DIRECTORY, 0o755, *self._placer.owner, size=0, mtime_ns=0)

    def _in_lower(self, path: bytes) -> tuple[str, TarEntry] | None:
        """Return where a path of the layers below is, and an entry with its attributes."""
        place = self._lower("/" + os.fsdecode(path)) if self._lower is not None else None
        if place is None:
            return None
        st = self._placer.ownership.effective_stat(os.lstat(place), place)
        kind = KIND_OF_TYPE.get(stat.S_IFMT(st.st_mode))
        if kind is None or overlay_form.is_whiteout(st):
            return None
        return place, TarEntry(
            path,
            kind,
            stat.S_IMODE(st.st_mode),
            st.st_uid,
            st.st_gid,
            st.st_size,
            st.st_mtime_ns,
            os.fsencode(os.readlink(place)) if kind == SYMLINK else b"",
            (os.major(st.st_rdev), os.minor(st.st_rdev)),
            read_xattrs(place) if kind in {FILE, DIRECTORY} else {},
        )


def _link(source: bytes, source_parent: int, base: bytes, parent: int) -> None:
    os.link(source, base, src_dir_fd=source_parent, dst_dir_fd=parent, follow_symlinks=False)
