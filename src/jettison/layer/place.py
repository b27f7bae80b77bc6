"""Making single files with exactly the attributes of an entry, in few system calls.

In:  a ``TarEntry``, an open parent directory and a name in it at which there is nothing.
Out: the file; notes about what this process may not or this file system cannot keep.

New files get an owner and mode bits from the process, its umask, set-group-ID parents, mount
options and default ACLs. A probe learns them once, so that the calls that would change nothing
are saved: for most files of most images these are chown and chmod.
"""

from __future__ import annotations

import errno
import os

from jettison.errors import HostError, UnsafeArchiveError
from jettison.fs.ownership import Ownership
from jettison.fs.xattr import is_image_xattr
from jettison.layer.header import CHARACTER, DEVICE_BLOCK, SYMLINK, TarEntry, show
from jettison.layer.reader import file_type

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_NOTES = 100


def contradiction(entry: TarEntry, what: str) -> UnsafeArchiveError:
    """Return the error for an entry that cannot be meant."""
    return UnsafeArchiveError(
        f"`{show(entry.name)}` {what} (tar header at byte {entry.offset})",
        hint="do not use this archive unless you know who made it",
    )


class Placer:
    """Makes files on one file system.

    Args:
        root: A descriptor of an empty directory there, to probe in.
        ownership: How owners are kept there.
    """

    def __init__(self, root: int, ownership: Ownership) -> None:
        self.ownership = ownership
        os.mkdir(b".probe", 0o777, dir_fd=root)
        st = os.stat(b".probe", dir_fd=root, follow_symlinks=False)
        os.rmdir(b".probe", dir_fd=root)
        self.owner = ownership.new_owner(st.st_uid, st.st_gid)
        self._needed = ownership.needed_bits
        self._not_at_once = 0o7777 & ~(st.st_mode & 0o777)
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out so far, each once, at most 100."""
        return tuple(self._notes)

    def note(self, text: str) -> None:
        """Keep a note."""
        if len(self._notes) < _MAX_NOTES:
            self._notes[text] = None

    def create(self, entry: TarEntry, parent: int, base: bytes) -> int:
        """Create a regular file and return its descriptor, for writing.

        Raises:
            FileExistsError: the name is taken.
        """
        mode = entry.mode if self._is_at_once(entry) else 0o600
        return os.open(base, _CREATE, mode, dir_fd=parent)

    def finish(self, entry: TarEntry, descriptor: int) -> None:
        """Give a created file its attributes, after its bytes: writing clears some of them."""
        if (entry.uid, entry.gid) != self.owner:
            self._chown(entry, descriptor)
        # After chown, which clears set-user-ID bits and capabilities.
        if not self._is_at_once(entry):
            self.ownership.set_mode(descriptor, entry.mode)
        if entry.xattrs:
            self._set_xattrs(entry, descriptor)
        os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))

    def special(self, entry: TarEntry, parent: int, base: bytes) -> None:
        """Make a symbolic link, a fifo or a device, or note why not.

        Raises:
            FileExistsError: the name is taken.
            UnsafeArchiveError: the device number is impossible.
        """
        if entry.kind == SYMLINK:
            os.symlink(entry.link, base, dir_fd=parent)
        elif not self._node(entry, parent, base):
            return
        if (entry.uid, entry.gid) != self.owner:
            self._chown(entry, base, parent)
        if entry.kind != SYMLINK:
            self.ownership.set_mode(base, entry.mode, parent)
        times = (entry.mtime_ns, entry.mtime_ns)
        os.utime(base, ns=times, dir_fd=parent, follow_symlinks=False)

    def finish_directory(self, entry: TarEntry, parent: int, base: bytes) -> None:
        """Give a directory its attributes, after all that is in it was made."""
        if (entry.uid, entry.gid) != self.owner:
            self._chown(entry, base, parent)
        self.ownership.set_mode(base, entry.mode, parent)
        if entry.xattrs:
            descriptor = os.open(base, _OPEN_DIRECTORY, dir_fd=parent)
            try:
                self._set_xattrs(entry, descriptor)
            finally:
                os.close(descriptor)
        times = (entry.mtime_ns, entry.mtime_ns)
        os.utime(base, ns=times, dir_fd=parent, follow_symlinks=False)

    def _is_at_once(self, entry: TarEntry) -> bool:
        """Tell whether a file gets its mode as it is created."""
        return not (entry.mode & self._not_at_once or self._needed & ~entry.mode)

    def _node(self, entry: TarEntry, parent: int, base: bytes) -> bool:
        device = 0
        if entry.kind in {CHARACTER, DEVICE_BLOCK}:
            if entry.kind == CHARACTER and entry.device == (0, 0):
                # overlayfs would take it for a whiteout, which the archive did not mean.
                self.note(f"left out device `{show(entry.name)}`: 0:0 is not a device")
                return False
            if not (0 <= entry.device[0] < 1 << 12 and 0 <= entry.device[1] < 1 << 20):
                raise contradiction(entry, "has an impossible device number")
            device = os.makedev(*entry.device)
        try:
            self.ownership.make_node(base, file_type(entry.kind) | 0o600, device, parent)
        except PermissionError:
            self.note(f"left out device `{show(entry.name)}`: it may not be made here")
            return False
        return True

    def _chown(self, entry: TarEntry, target: int | bytes, parent: int | None = None) -> None:
        try:
            self.ownership.chown(target, (entry.uid, entry.gid), parent)
        except OSError as error:
            if error.errno not in {errno.EPERM, errno.EINVAL}:
                raise
            raise HostError(
                f"cannot give `{show(entry.name)}` to {entry.uid}:{entry.gid}:"
                " the ID is not mapped here",
                hint="add subordinate IDs for your user to /etc/subuid and /etc/subgid",
            ) from error

    def _set_xattrs(self, entry: TarEntry, descriptor: int) -> None:
        for name, value in entry.xattrs.items():
            if not is_image_xattr(name):
                continue
            try:
                os.setxattr(descriptor, name, value)
            except OSError as error:
                if error.errno not in {errno.EOPNOTSUPP, errno.EPERM, errno.EINVAL}:
                    raise
                self.note(f"left out attributes `{name[:64]}`: they may not be set here")
