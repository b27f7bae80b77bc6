"""``/dev/fuse`` for users, as most hosts have it, also where only root may open it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from host_tools import lacking

DEVICE = Path("/dev/fuse")
_SHARE = """
PATH=/usr/sbin:/usr/bin:/sbin:/bin mount -t tmpfs none "$0" || exit
PATH=/usr/sbin:/usr/bin:/sbin:/bin mknod -m 666 "$0/fuse" c 10 229 || exit
PATH=/usr/sbin:/usr/bin:/sbin:/bin mount --bind "$0/fuse" /dev/fuse || exit
exec "$@"
"""


def with_fuse_for_all(place: Path) -> list[str]:
    """Return words before a command of root's in which every user may open the device.

    Args:
        place: Directory for the device, in a mount namespace of the command.
    """
    unshare, shell = shutil.which("unshare"), shutil.which("sh")
    if shutil.which("fuse-overlayfs") is None or unshare is None or shell is None:
        lacking("`fuse-overlayfs`, or `unshare`")
    if not DEVICE.exists():
        lacking(f"`{DEVICE}`")
    if DEVICE.stat().st_mode & 0o006 == 0o006:
        return []
    if os.geteuid():
        lacking(f"the right to open `{DEVICE}`")
    place.mkdir(exist_ok=True)
    return [unshare, "--mount", shell, "-c", _SHARE, str(place)]
