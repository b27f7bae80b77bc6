"""The form in which fuse-overlayfs leaves an upper directory, made that of overlayfs.

In:  an upper directory whose mount is gone.
Out: the same, as the kernel's overlayfs would have left it.

fuse-overlayfs says in ways of its own what a directory hides: by files named as in a tar, by
attributes named after itself, and all of that at once. Its mounts refuse such names and
attributes, so that nothing of a container looks like them.

Source: fuse-overlayfs(1); compared with what versions 1.10 and later write.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jettison.fs.overlay_form import (
    OPAQUE_MARKER,
    TRUSTED_PREFIX,
    USER_PREFIX,
    WHITEOUT_PREFIX,
    is_whiteout,
    make_opaque,
    make_whiteout,
)
from jettison.fs.xattr import get_xattr, remove_xattr

OWN_PREFIX = "user.fuseoverlayfs."
"""Of its attributes."""

_OPAQUE = (OWN_PREFIX + "opaque", TRUSTED_PREFIX + "opaque", USER_PREFIX + "opaque")
_MARKERS = frozenset({OPAQUE_MARKER, WHITEOUT_PREFIX + ".opq"})


def to_overlay_form(upper: Path) -> None:
    """Make an upper directory of fuse-overlayfs what overlayfs would have made; keep its times.

    Raises:
        OSError: it cannot be read or written.
    """
    pending = [(os.fspath(upper), False)]
    while pending:
        directory, hidden = pending.pop()
        facts = os.lstat(directory)
        says_opaque = _drop_attributes(directory)
        names = os.listdir(directory)
        marks = [name for name in names if name.startswith(WHITEOUT_PREFIX)]
        opaque = says_opaque or not _MARKERS.isdisjoint(marks)
        for name in marks:
            os.unlink(f"{directory}/{name}")
            shown = f"{directory}/{name.removeprefix(WHITEOUT_PREFIX)}"
            if name not in _MARKERS and not (opaque or hidden or os.path.lexists(shown)):
                make_whiteout(shown)
        if opaque and not hidden:
            make_opaque(directory)
        hidden = hidden or opaque
        for name in set(names).difference(marks):
            path = f"{directory}/{name}"
            found = os.lstat(path)
            if stat.S_ISDIR(found.st_mode):
                pending.append((path, hidden))
            elif hidden and is_whiteout(found):
                os.unlink(path)
            elif stat.S_ISREG(found.st_mode):
                _drop_attributes(path)
        os.utime(directory, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _drop_attributes(path: str) -> bool:
    """Remove fuse-overlayfs' attributes; return whether they say that a directory is opaque."""
    opaque = False
    for name in os.listxattr(path, follow_symlinks=False):
        if name.startswith(OWN_PREFIX) or name in _OPAQUE:
            opaque = opaque or (name in _OPAQUE and get_xattr(path, name) == b"y")
            remove_xattr(path, name)
    return opaque
