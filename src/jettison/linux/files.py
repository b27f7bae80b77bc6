"""Paths that cannot leave a root: openat2, and a walk for kernels without it; renameat2, statx.

In:  a descriptor of the root, byte paths that may hold hostile symbolic links.
Out: ``O_PATH`` descriptors of things below the root.

Source: openat2(2) ``RESOLVE_IN_ROOT``; path_resolution(7).
Security: an absolute symbolic link or ``..`` stays below the root, as after chroot(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct

from jettison.linux.syscall import libc, raw

RESOLVE_NO_MAGICLINKS = 2
RESOLVE_IN_ROOT = 0x10
RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
_LINKS = 40
_ATTEMPTS = 64
_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW = 0x100
_STATX_BTIME = 0x800
_STATX_BYTES = 256
_BIRTH_OFFSET = 80
_STATFS_BYTES = 256
_PROC_MAGIC = 0x9FA0
_OVERLAY_MAGIC = 0x794C7630
_OVERLAY = ("trusted.overlay.", "user.overlay.")


def open_in_root(root: int, path: bytes, flags: int = os.O_PATH) -> int:
    """Open a path as if ``root`` were ``/``.

    Args:
        root: Descriptor of a directory.
        path: Relative to it; a leading ``/`` means the root.
        flags: ``O_PATH`` or others that open(2) takes; ``O_CLOEXEC`` is added.

    Raises:
        OSError: as of open(2); ELOOP for more than 40 links.
    """
    flags |= os.O_CLOEXEC
    how = struct.pack("=QQQ", flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
    for _ in range(_ATTEMPTS):
        try:
            return raw("openat2", root, path or b".", how, len(how), path=path)
        except OSError as error:
            # EAGAIN: something was renamed or mounted, here or elsewhere, while a `..` was
            # followed, so the kernel cannot be sure of the root; asking again is what it wants.
            if error.errno == errno.EAGAIN:
                continue
            # EPERM is what old container runtimes answer for calls they do not know.
            if error.errno not in {errno.ENOSYS, errno.EPERM}:
                raise
            break
    return _walk(root, path, flags)


def is_procfs(descriptor: int) -> bool:
    """Tell whether a file is of the kernel's ``/proc``, and not of an image that looks like it.

    Raises:
        OSError: as of fstatfs(2).
    """
    return _filesystem(descriptor) == _PROC_MAGIC


def is_overlay(descriptor: int) -> bool:
    """Tell whether a file is of an overlay that the kernel mounted.

    Raises:
        OSError: as of fstatfs(2).
    """
    return _filesystem(descriptor) == _OVERLAY_MAGIC


def _filesystem(descriptor: int) -> int:
    """Return the number by which the kernel knows the kind of a file system."""
    found = ctypes.create_string_buffer(_STATFS_BYTES)
    libc("fstatfs", descriptor, found)
    kind: int = ctypes.c_ulong.from_buffer(found).value
    return kind & 0xFFFFFFFF


def _walk(root: int, path: bytes, flags: int) -> int:
    """Resolve component by component without ever following a link by the kernel."""
    todo = [part for part in path.split(b"/") if part not in {b"", b"."}][::-1]
    trail = [os.dup(root)]
    links = 0
    try:
        while todo:
            name = todo.pop()
            if name == b"..":
                if len(trail) > 1:
                    os.close(trail.pop())
                continue
            last = not todo
            found = os.stat(name, dir_fd=trail[-1], follow_symlinks=False)
            if stat.S_ISLNK(found.st_mode) and not (last and flags & os.O_NOFOLLOW):
                links += 1
                if links > _LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fsdecode(path))
                target = os.readlink(name, dir_fd=trail[-1])
                if target.startswith(b"/"):
                    while len(trail) > 1:
                        os.close(trail.pop())
                todo += [part for part in target.split(b"/") if part not in {b"", b"."}][::-1]
                continue
            wanted = flags if last else os.O_PATH | os.O_DIRECTORY
            trail.append(os.open(name, wanted | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=trail[-1]))
        if len(trail) == 1:
            return os.open(b".", flags, dir_fd=root)
        return os.dup(trail[-1])
    finally:
        for descriptor in trail:
            os.close(descriptor)


def rename(source: bytes, target: bytes, flags: int = RENAME_NOREPLACE) -> None:
    """Rename with the flags of renameat2(2).

    Raises:
        OSError: EEXIST with ``RENAME_NOREPLACE`` when the target exists; EINVAL when the file
            system cannot.
    """
    raw("renameat2", _AT_FDCWD, source, _AT_FDCWD, target, flags, path=target)


def fingerprint(directory: int) -> bytes:
    """Return what tells whether a directory was changed: mode, owner, time, attributes.

    Args:
        directory: Descriptor of it. Attributes of overlayfs are its own, and do not count.
    """
    found = os.fstat(directory)
    facts = [b"%d %d %d %d" % (found.st_mode, found.st_uid, found.st_gid, found.st_mtime_ns)]
    try:
        names = sorted(os.listxattr(directory))
    except OSError:
        names = []  # there are none on this file system
    for name in names:
        if not name.startswith(_OVERLAY):
            value = os.getxattr(directory, name)
            facts.append(b"%s %d %s" % (os.fsencode(name), len(value), value))
    return b"\0".join(facts)


def birth_time(path: bytes) -> tuple[int, int]:
    """Return when a file was made, seconds and nanoseconds; zeros where the file system forgets.

    Source: statx(2).
    """
    buffer = ctypes.create_string_buffer(_STATX_BYTES)
    try:
        raw("statx", _AT_FDCWD, path, _AT_SYMLINK_NOFOLLOW, _STATX_BTIME, buffer)
    except OSError:
        return 0, 0
    (mask,) = struct.unpack_from("=I", buffer, 0)
    if not mask & _STATX_BTIME:
        return 0, 0
    seconds, nanoseconds = struct.unpack_from("=qI", buffer, _BIRTH_OFFSET)
    return seconds, nanoseconds
