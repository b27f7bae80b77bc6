"""``/dev/fuse`` for users, as most hosts have it, also where only root may open it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from host_tools import lacking

DEVICE = Path("/dev/fuse")
_SHARE = (
    'mount -t tmpfs none "$0" && mknod -m 666 "$0/fuse" c 10 229 '
    '&& mount --bind "$0/fuse" /dev/fuse && exec "$@"'
)


def with_fuse_for_all(place: Path) -> list[str]:
    """Return words before a command of root's in which every user may open the device.

    Args:
        place: Directory for the device, in a mount namespace of the command.
    """
    for program in ("fuse-overlayfs", "unshare"):
        if shutil.which(program) is None:
            lacking(f"`{program}`")
    if not DEVICE.exists():
        lacking(f"`{DEVICE}`")
    if DEVICE.stat().st_mode & 0o006 == 0o006:
        return []
    if os.geteuid():
        lacking(f"the right to open `{DEVICE}`")
    place.mkdir(exist_ok=True)
    return ["unshare", "--mount", "sh", "-c", _SHARE, str(place)]
