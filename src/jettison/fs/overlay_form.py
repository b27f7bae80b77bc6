"""The overlay form of a layer directory: how a directory says what it hides below.

In:  stat results and paths of files in a layer directory.
Out: whether they are whiteouts or opaque; the same, made.

A *whiteout* is a character device 0:0 and hides one name of the layers below. On overlayfs itself
(the root of a container) nobody may make these: there it is a socket without permissions, which no
layer can hold otherwise, and which only copied roots understand. A directory with
the xattr ``<prefix>opaque`` = ``y`` hides all names below. The prefix is ``trusted.overlay.``
where that may be set, else ``user.overlay.`` (mount option ``userxattr``). Other attributes with
the prefix (``origin``, ``impure``, ``nlink`` …) are for the kernel alone: no part of the layer.

The root directory of a layer is there whether the layer changes it or not, so a *plain* one (0755,
owned by the process, without attributes) says nothing: the topmost one that is not plain counts.

In a tar the same is said by names: ``.wh.<name>`` and ``.wh..wh..opq``.

Source: kernel Documentation/filesystems/overlayfs.rst; OCI image-spec 1.1, layer.md,
"Representing Changes".
"""

from __future__ import annotations

import errno
import functools
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from jettison.fs.ownership import Ownership
from jettison.fs.xattr import (
    FUSE_PREFIX,
    TRUSTED_PREFIX,
    USER_PREFIX,
    get_xattr,
    read_xattrs,
    remove_xattr,
)

WHITEOUT_PREFIX = ".wh."
"""In a tar: an entry with this prefix removes the name behind it."""

WHITEOUT_META_PREFIX = ".wh..wh."
"""In a tar: names reserved for whiteouts' own use; no file of an image begins so."""

OPAQUE_MARKER = ".wh..wh..opq"
"""In a tar: the directory that holds this entry is opaque."""

PLAIN_ROOT_MODE = 0o755
"""Permission bits of the root directory of a layer that does not change it."""

_ESCAPED = "overlay."
"""Behind the prefix: what a container set on an overlay that it saw (Linux 6.7)."""


@functools.cache
def overlay_xattr_prefix() -> str:
    """Return the prefix of overlayfs' attributes for mounts that this process can make.

    Found by trying on a memory file: ``trusted.*`` needs CAP_SYS_ADMIN in the first user
    namespace, whatever the user ID is.
    """
    try:
        probe = os.memfd_create("jettison-probe", os.MFD_CLOEXEC)
    except OSError:
        return _prefix_by_status()
    try:
        os.setxattr(probe, TRUSTED_PREFIX + "probe", b"y")
    except PermissionError:
        return USER_PREFIX
    except OSError:
        return _prefix_by_status()
    else:
        return TRUSTED_PREFIX
    finally:
        os.close(probe)


def _prefix_by_status() -> str:
    """Decide by what the kernel says about us, where memory files have no attributes."""
    cap_sys_admin = 1 << 21
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
        uid_map = Path("/proc/self/uid_map").read_text("ascii").split()
    except OSError:
        return TRUSTED_PREFIX if os.geteuid() == 0 else USER_PREFIX
    effective = next(
        (int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:")), 0
    )
    first_namespace = uid_map == ["0", "0", "4294967295"]
    return TRUSTED_PREFIX if first_namespace and effective & cap_sys_admin else USER_PREFIX


def opaque_xattr() -> str:
    """Return the attribute that makes a directory opaque in mounts of this process."""
    return overlay_xattr_prefix() + "opaque"


def is_whiteout(st: os.stat_result) -> bool:
    """Tell whether a file of a layer directory is a whiteout."""
    mode = st.st_mode
    return (stat.S_ISCHR(mode) and st.st_rdev == 0) or mode == stat.S_IFSOCK


def is_opaque(path: str | int) -> bool:
    """Tell whether a directory of a layer hides what is below; no link is followed."""
    return get_xattr(path, opaque_xattr()) == b"y"


def is_plain_root(path: str, ownership: Ownership) -> bool:
    """Tell whether the root directory of a layer says nothing about the root of the tree."""
    st = ownership.effective_stat(os.lstat(path), path)
    if stat.S_IMODE(st.st_mode) != PLAIN_ROOT_MODE:
        return False
    own = ownership.new_owner(os.geteuid(), os.getegid())
    return (st.st_uid, st.st_gid) == own and not read_xattrs(path)


def root_in_effect(directories: Sequence[str], is_plain: Callable[[str], bool]) -> int:
    """Return the index of the layer whose root directory counts; the topmost if all are plain.

    Args:
        directories: Roots of layers, base first, at least one.
        is_plain: Tells whether one is plain.
    """
    for index in range(len(directories) - 1, -1, -1):
        if not is_plain(directories[index]):
            return index
    return len(directories) - 1


def drop_strays(path: str | int, names: Sequence[str]) -> None:
    """Remove attributes that only other snapshotters than the one that ran would understand.

    A step may write them as any attribute of users. The next one may run on what takes them for
    its own attributes; a layer must mean the same there.

    Args:
        path: A file of a layer, of which no final link is followed, or its descriptor.
        names: All its attributes.
    """
    own = overlay_xattr_prefix()
    other = USER_PREFIX if own == TRUSTED_PREFIX else TRUSTED_PREFIX
    for name in names:
        if name.startswith((FUSE_PREFIX, other, own + _ESCAPED)):
            with suppress(PermissionError):
                remove_xattr(path, name)


def make_whiteout(path: str, *, dir_fd: int | None = None) -> None:
    """Make a whiteout; a device is allowed to everybody since Linux 5.8, but not on overlayfs.

    Raises:
        OSError: there is something already, or the file system has no such files.
    """
    try:
        os.mknod(path, stat.S_IFCHR, 0, dir_fd=dir_fd)
    except PermissionError:
        os.mknod(path, stat.S_IFSOCK, 0, dir_fd=dir_fd)


def make_opaque(path: str | int) -> None:
    """Make a directory opaque.

    Raises:
        OSError: the file system has no such attributes.
    """
    os.setxattr(path, opaque_xattr(), b"y", follow_symlinks=isinstance(path, int))


def has_opaque_root(directory: Path) -> bool:
    """Tell whether a layer hides all layers below it; one that is not there hides nothing."""
    try:
        return is_opaque(os.fspath(directory))
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.ENOTDIR}:
            raise
        return False


def lowers_in_effect(
    directories: Sequence[Path], hides_all: Callable[[Path], bool] = has_opaque_root
) -> Sequence[Path]:
    """Return the part of a stack, base first, that can be seen: from the last opaque root up.

    overlayfs ignores the attribute on the roots of its layers, so a mount must be given
    exactly these. A directory that comes twice is kept where it is on top: it hides all that
    it has below, and overlayfs refuses to stack a directory on itself (ELOOP).
    """
    directories = list(dict.fromkeys(reversed(directories)))[::-1]
    for index in range(len(directories) - 1, 0, -1):
        if hides_all(directories[index]):
            return directories[index:]
    return directories
