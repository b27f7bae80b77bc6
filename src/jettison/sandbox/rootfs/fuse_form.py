"""The form in which fuse-overlayfs leaves an upper directory, made that of overlayfs.

In:  an upper directory whose mount is gone.
Out: the same, as the kernel's overlayfs would have left it.

fuse-overlayfs says in ways of its own what a directory hides: by files named as in a tar, by
attributes named after itself, and all of that at once. Its mounts refuse these names and
attributes, so that nothing of a container looks like them; overlayfs' own it lets through. When
it copies a directory up it loses the set-user-ID and set-group-ID bits, of symbolic links the time.
When one of two names is deleted it copies the other: what equals the layer below is left out of
every change, whoever copied it (``snapshot.unchanged``).

Source: fuse-overlayfs(1); compared with what versions 1.10 and later write.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from jettison.fs.overlay_form import (
    OPAQUE_MARKER,
    WHITEOUT_PREFIX,
    is_whiteout,
    make_opaque,
    make_whiteout,
)
from jettison.fs.xattr import (
    FUSE_PREFIX,
    TRUSTED_PREFIX,
    USER_PREFIX,
    get_xattr,
    remove_xattr,
)
from jettison.linux.files import birth_time

_OVERLAY_PREFIXES = (FUSE_PREFIX, TRUSTED_PREFIX, USER_PREFIX)
_OPAQUE = (FUSE_PREFIX + "opaque", TRUSTED_PREFIX + "opaque")
"""What it writes itself, root's second; it lets a container write overlayfs' ``user.overlay.*``."""

_LOST = stat.S_ISUID | stat.S_ISGID
_MARKERS = frozenset({OPAQUE_MARKER, WHITEOUT_PREFIX + ".opq"})


class FuseForm:
    """Converts one upper directory to overlay form.

    Args:
        upper: The directory.
        lowers: What it was mounted on, base first.
    """

    def __init__(self, upper: Path, lowers: Sequence[Path]) -> None:
        self._upper = os.fspath(upper)
        self._lowers = [os.fspath(lower) for lower in reversed(lowers)]

    def undo(self) -> None:
        """Convert it to overlay form; directories keep their times.

        Raises:
            OSError: it cannot be read or written.
        """
        pending = [("", False)]
        while pending:
            path, hidden = pending.pop()
            pending += self._undo_in(path, hidden=hidden)

    def _undo_in(self, path: str, *, hidden: bool) -> list[tuple[str, bool]]:
        """Do it in one directory; return those inside, and whether a parent hides all below."""
        directory = self._upper + path
        st = os.lstat(directory)
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
        if not hidden and path:
            self._restore_mode(directory, path, st.st_mode)
        times = (st.st_atime_ns, st.st_mtime_ns)
        if path and not (hidden or marks):
            times = self._times_of_copy(path, names, st)
        inside = []
        for name in set(names).difference(marks):
            below = f"{path}/{name}"
            found = os.lstat(self._upper + below)
            if stat.S_ISDIR(found.st_mode):
                inside.append((below, hidden))
            elif hidden and is_whiteout(found):
                os.unlink(self._upper + below)
            elif stat.S_ISREG(found.st_mode):
                _drop_attributes(self._upper + below)
            elif stat.S_ISLNK(found.st_mode) and not hidden:
                self._restore_time(below, found)
        os.utime(directory, ns=times)
        return inside

    def _times_of_copy(self, path: str, names: list[str], st: os.stat_result) -> tuple[int, int]:
        """Return the times of a directory: copying files up into it is no change of it."""
        times = (st.st_atime_ns, st.st_mtime_ns)
        below = self._below(path)
        made = birth_time(os.fsencode(self._upper + path))
        if below is None or divmod(st.st_mtime_ns, 10**9) < made:
            return times
        before = os.lstat(below)
        for name in names:
            place = f"{path}/{name}"
            if self._below(place) is None or is_whiteout(os.lstat(self._upper + place)):
                return times
        if not stat.S_ISDIR(before.st_mode):
            return times
        return before.st_atime_ns, before.st_mtime_ns

    def _restore_mode(self, directory: str, path: str, mode: int) -> None:
        """Restore what mkdir(2) ignores when fuse-overlayfs copies a directory up."""
        below = self._below(path)
        if below is None:
            return
        before = os.lstat(below).st_mode
        if stat.S_ISDIR(before) and before & _LOST and mode == before & ~_LOST:
            os.chmod(directory, stat.S_IMODE(before))

    def _restore_time(self, path: str, found: os.stat_result) -> None:
        """Restore what copying a symbolic link up loses; who sets its time makes it another."""
        below, place = self._below(path), self._upper + path
        made = birth_time(os.fsencode(place))
        if below is None or divmod(found.st_mtime_ns, 10**9) != made:
            return
        before = os.lstat(below)
        if stat.S_ISLNK(before.st_mode) and os.readlink(below) == os.readlink(place):
            times = (before.st_atime_ns, before.st_mtime_ns)
            os.utime(place, ns=times, follow_symlinks=False)

    def _below(self, path: str) -> str | None:
        """Return where the layers below have a path on top, as far as nothing there hides it."""
        for lower in self._lowers:
            place = lower + path
            try:
                return None if is_whiteout(os.lstat(place)) else place
            except (FileNotFoundError, NotADirectoryError):
                continue
        return None


def _drop_attributes(path: str) -> bool:
    """Remove overlay attributes; return whether fuse-overlayfs' say that a directory is opaque."""
    opaque = False
    for name in os.listxattr(path, follow_symlinks=False):
        if name.startswith(_OVERLAY_PREFIXES):
            opaque = opaque or (name in _OPAQUE and get_xattr(path, name) == b"y")
            remove_xattr(path, name)
    return opaque
