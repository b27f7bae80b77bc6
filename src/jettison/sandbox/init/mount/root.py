"""The root file system: an overlay of layers, or a directory that is one already.

In:  ``wire.Root``.
Out: it is mounted over the path of ``upper`` in the private mount namespace; its ``MountPoints``.

Source: overlayfs.rst; fs.h ``FILESYSTEM_MAX_STACK_DEPTH`` is 2.
"""

from __future__ import annotations

import os

from jettison.linux.mount import OVERLAY_LOWERS, bind, overlay
from jettison.sandbox.init import step
from jettison.sandbox.init.mount.points import MountPoints
from jettison.sandbox.wire import Root

_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


def mount_root(root: Root, *, userxattr: bool) -> MountPoints:
    """Mount the root file system; return where mount points are made in it.

    Args:
        root: What it is made of.
        userxattr: See ``linux.mount.overlay``.

    Raises:
        OSError: see ``_mount``.
    """
    step.enter(step.MOUNT_ROOT)
    below = os.open(root.upper, _PLACE)
    _mount(root, userxattr=userxattr)
    return MountPoints(os.open(root.upper, _PLACE), root.upper, below)


def _mount(root: Root, *, userxattr: bool) -> None:
    """Mount layers over the path of ``upper``.

    Where it is one directory already, ``merged``, that is shown. Without lowers the upper
    directory is mounted as it is: nothing can be whited out.

    Raises:
        OSError: E2BIG for more layers than two overlays hold, or the kernel refused.
    """
    upper, lowers = root.upper, root.lowers
    if root.merged or not lowers:
        bind(root.merged or upper, upper, recursive=False)
        return
    if len(lowers) > OVERLAY_LOWERS:
        lowers = _fold(lowers, root.work, userxattr=userxattr)
    _forget_last_mount(root.work)
    overlay(upper, lowers, upper, root.work, userxattr=userxattr, volatile=True)


def _forget_last_mount(work: bytes) -> None:
    """Remove the mark of an unsynced mount, which would refuse the next (overlayfs.rst).

    What it warns of is a crash of the machine; this container starts again after a clean end.
    """
    mark = work + b"/work/incompat/volatile"
    try:
        os.unlink(mark + b"/dirty")
        os.rmdir(mark)
    except OSError:
        return


def _fold(lowers: list[bytes], work: bytes, *, userxattr: bool) -> list[bytes]:
    """Mount the base-most layers as one read-only overlay that serves as the lowest layer.

    The fold is at the base, because a whiteout only hides what its own overlay can see below.
    """
    if len(lowers) > 2 * OVERLAY_LOWERS - 1:
        raise OSError(7, f"{len(lowers)} layers; the kernel stacks {2 * OVERLAY_LOWERS - 1}")
    count = len(lowers) - OVERLAY_LOWERS + 1
    count = max(count, 2)
    point = os.path.join(work, b"folded")
    os.mkdir(point)
    overlay(point, lowers[:count], userxattr=userxattr)
    return [point, *lowers[count:]]


def mount_stack(
    target: bytes,
    lowers: list[bytes],
    scratch: bytes,
    *,
    writable: bool,
    userxattr: bool,
    merged: bytes = b"",
) -> None:
    """Mount layers somewhere else than at the root; writes go to ``scratch`` and are lost.

    Args:
        target: Directory to mount on.
        lowers: Base first.
        scratch: Empty directory for upper and work directories.
        writable: False makes a read-only mount.
        userxattr: See ``overlay``.
        merged: Where they are one directory already, which is shown then.
    """
    if merged:
        bind(merged, target, recursive=False)
        return
    upper = os.path.join(scratch, b"upper")
    work = os.path.join(scratch, b"work")
    os.mkdir(upper)
    os.mkdir(work)
    if len(lowers) > OVERLAY_LOWERS - 1:
        lowers = _fold(lowers, scratch, userxattr=userxattr)
    if writable:
        top = os.stat(lowers[-1])
        os.chown(upper, top.st_uid, top.st_gid)
        os.chmod(upper, top.st_mode & 0o7777)
        overlay(target, lowers, upper, work, userxattr=userxattr, volatile=True)
    else:
        # A read-only overlay wants two layers at least: an empty one below changes nothing.
        overlay(target, [work, *lowers], userxattr=userxattr)
