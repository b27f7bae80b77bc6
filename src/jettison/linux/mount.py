"""Mounts: the classic calls, and the newer ones where they do what the classic cannot.

In:  byte paths and flags.
Out: mounts in the mount namespace of the caller.

Source: mount(2), umount2(2), pivot_root(2), fsopen(2), mount_setattr(2); overlayfs.rst.
"""

from __future__ import annotations

import errno
import os
import struct

from jettison.linux.syscall import libc, raw

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_MOVE = 8192
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_STRICTATIME = 1 << 24
MNT_DETACH = 2

AT_RECURSIVE = 0x8000

_FSCONFIG_SET_FLAG = 0
_FSCONFIG_SET_STRING = 1
_FSCONFIG_CMD_CREATE = 6
_FSMOUNT_CLOEXEC = 1
_FSOPEN_CLOEXEC = 1
_MOVE_MOUNT_F_EMPTY_PATH = 4
_AT_FDCWD = -100

OVERLAY_LOWERS = 500
"""Lower layers of one overlay; the kernel's limit."""

_PAGE = 4096
# ST_* of statvfs and the mount flags that a remount in a user namespace must keep.
_KEPT = (
    *((1, MS_RDONLY), (2, MS_NOSUID), (4, MS_NODEV), (8, MS_NOEXEC)),
    *((1024, MS_NOATIME), (2048, MS_NODIRATIME)),
)


def mount(source: bytes, target: bytes, kind: bytes, flags: int = 0, options: bytes = b"") -> None:
    """Mount a file system.

    Raises:
        OSError: with the target as file name.
    """
    libc("mount", source, target, kind, flags, options or None, path=target)


def bind(source: bytes, target: bytes, *, recursive: bool = True) -> None:
    """Make a file or directory visible at another path."""
    flags = MS_BIND | (MS_REC if recursive else 0)
    libc("mount", source, target, None, flags, None, path=target)


def unmount(target: bytes, flags: int = 0) -> None:
    """Undo a mount."""
    libc("umount2", target, flags, path=target)


def propagate_one_way() -> None:
    """Keep mounts of this namespace from reaching the host, but let the host's unmounts in."""
    libc("mount", b"none", b"/", None, MS_REC | MS_SLAVE, None, path=b"/")


def pivot_root(new_root: bytes, put_old: bytes) -> None:
    """Exchange the root mount."""
    raw("pivot_root", new_root, put_old, path=new_root)


def make_readonly(path: bytes, *, recursive: bool = True) -> None:
    """Make the mount at a path read-only, and those below it."""
    restrict(path, MS_RDONLY, recursive=recursive)


def restrict(path: bytes, flags: int, *, recursive: bool = True, private: bool = False) -> None:
    """Give the mount at a path more flags, and those below it.

    Kernels before 5.12 cannot change a tree at once: there each mount is remounted by itself.

    Args:
        path: Of the mount.
        flags: ``MS_RDONLY``, ``MS_NOSUID``, ``MS_NODEV``, ``MS_NOEXEC``; these are the bits of
            ``MOUNT_ATTR_*`` as well.
        recursive: Also the mounts below.
        private: Let no mount of another namespace appear there any more.
    """
    try:
        attributes = struct.pack("=QQQQ", flags, 0, MS_PRIVATE if private else 0, 0)
        how = AT_RECURSIVE if recursive else 0
        raw("mount_setattr", _AT_FDCWD, path, how, attributes, len(attributes), path=path)
    except OSError as error:
        if error.errno not in {errno.ENOSYS, errno.EINVAL, errno.EPERM}:
            raise
        if private:
            kind = MS_PRIVATE | (MS_REC if recursive else 0)
            libc("mount", b"none", path, None, kind, None, path=path)
        for point in (_points_below(path) if recursive else [path]) if flags else []:
            remount(point, flags)


def allow_devices(path: bytes, flags: int) -> None:
    """Take ``nodev`` from the one mount at a path, which keeps ``flags`` only."""
    libc("mount", b"none", path, None, MS_REMOUNT | MS_BIND | flags, None, path=path)


def remount(path: bytes, flags: int) -> None:
    """Change the flags of one mount, keeping those that a user namespace may not drop."""
    now = os.statvfs(path).f_flag
    for seen, flag in _KEPT:
        flags |= flag if now & seen else 0
    libc("mount", b"none", path, None, MS_REMOUNT | MS_BIND | flags, None, path=path)


def _points_below(path: bytes) -> list[bytes]:
    with open("/proc/self/mountinfo", "rb") as file:
        lines = file.read().splitlines()
    real = os.path.realpath(path)
    points = [unescape(line.split(b" ", 5)[4]) for line in lines]
    return [p for p in points if p == real or p.startswith(real.rstrip(b"/") + b"/")]


def unescape(text: bytes) -> bytes:
    r"""Undo the octal escapes of mountinfo (``\040`` is a space)."""
    if b"\\" not in text:
        return text
    head, *rest = text.split(b"\\")
    return head + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in rest)


def overlay(
    target: bytes,
    lowers: list[bytes],
    upper: bytes = b"",
    work: bytes = b"",
    *,
    userxattr: bool,
    volatile: bool = False,
) -> None:
    """Mount an overlay.

    Args:
        target: An existing directory.
        lowers: Base first, at most ``OVERLAY_LOWERS``; at least two without ``upper``.
        upper: Gets the changes; empty makes a read-only overlay.
        work: Empty directory on the file system of ``upper``.
        userxattr: Keep overlay's attributes in ``user.overlay.*`` (needed in user namespaces).
        volatile: Never sync: a crash may lose the upper directory.

    Raises:
        OSError: the kernel refused.
    """
    options = [(b"index", b"off"), (b"metacopy", b"off"), (b"redirect_dir", b"off")]
    flags = []
    if userxattr:
        # redirect_dir and metacopy conflict with userxattr even when they are off.
        options = [(b"index", b"off")]
        flags.append(b"userxattr")
    if volatile and upper:
        flags.append(b"volatile")
    if upper:
        options += [(b"upperdir", upper), (b"workdir", work)]
    try:
        _overlay_by_context(target, lowers[::-1], options, flags)
    except OSError as error:
        if error.errno not in {errno.ENOSYS, errno.EINVAL, errno.EPERM}:
            raise
        _overlay_classic(target, lowers[::-1], options, flags)


def _overlay_by_context(
    target: bytes, lowers: list[bytes], options: list[tuple[bytes, bytes]], flags: list[bytes]
) -> None:
    """Mount with one ``lowerdir+`` per layer (Linux 6.5): no limit by the length of paths."""
    context = raw("fsopen", b"overlay", _FSOPEN_CLOEXEC)
    try:
        for flag in flags:
            raw("fsconfig", context, _FSCONFIG_SET_FLAG, flag, None, 0, path=target)
        for lower in lowers:
            _set(context, b"lowerdir+", lower)
        for key, value in options:
            # Unlike those of lowerdir+, these paths are unescaped, also when they come alone.
            _set(context, key, value.replace(b"\\", b"\\\\"))
        raw("fsconfig", context, _FSCONFIG_CMD_CREATE, None, None, 0, path=target)
        mounted = raw("fsmount", context, _FSMOUNT_CLOEXEC, 0, path=target)
    finally:
        os.close(context)
    try:
        move = _MOVE_MOUNT_F_EMPTY_PATH
        raw("move_mount", mounted, b"", _AT_FDCWD, target, move, path=target)
    finally:
        os.close(mounted)


def _set(context: int, key: bytes, value: bytes) -> None:
    raw("fsconfig", context, _FSCONFIG_SET_STRING, key, value, 0, path=value)


def _overlay_classic(
    target: bytes, lowers: list[bytes], options: list[tuple[bytes, bytes]], flags: list[bytes]
) -> None:
    """Mount with mount(2), whose options must fit a page: names become short and relative."""
    common = os.path.commonpath(lowers) if len(lowers) > 1 else os.path.dirname(lowers[0])
    shown = [_escape(os.path.relpath(lower, common)) for lower in lowers]
    parts = [b"lowerdir=" + b":".join(shown)]
    parts += [key + b"=" + _escape(value).replace(b"\\:", b":") for key, value in options]
    data = b",".join(parts + flags)
    if len(data) >= _PAGE:
        raise OSError(
            errno.E2BIG,
            f"overlay: the names of {len(lowers)} layers do not fit mount(2)'s page; "
            "Linux 6.5 or newer has no such limit",
            os.fsdecode(target),
        )
    before = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.chdir(common)
        mount(b"overlay", target, b"overlay", 0, data)
    finally:
        os.fchdir(before)
        os.close(before)


def _escape(path: bytes) -> bytes:
    for special in (b"\\", b",", b":"):
        path = path.replace(special, b"\\" + special)
    return path
