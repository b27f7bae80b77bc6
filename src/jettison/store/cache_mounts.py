"""Cache mounts as directories of the store: which are in use, how large they are, which go.

In:  the directory of all of them, names that steps chose (``solver.ops.caches``).
Out: sizes and times of use, and removal of what nobody uses.

On disk: ``<name>/`` with the files; ``<name>.used`` is locked by every step that uses them, has the
time of the last use as its own, and holds when and how large they were found, as msgpack.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from jettison.fs.lock import FileLock

_LOCK = ".lock"  # of ``solver.ops.caches``
_USED = ".used"
_SIZE = msgspec.msgpack.Decoder(tuple[int, int])


class CacheMount(msgspec.Struct, frozen=True):
    """A cache mount: its directory, bytes of its regular files, when a step last used it."""

    path: Path
    size_bytes: int
    used_ns: int

    @property
    def in_use(self) -> bool:
        """Whether a step uses it now."""
        lock = _lock(self.path)
        free = lock.acquire(wait=False)
        lock.release()
        return not free


def directory_name(mount: str) -> str:
    """Return the name of the directory of a mount, from its id: that is never part of a path."""
    return hashlib.sha256(mount.encode()).hexdigest()[:32]


def use(path: Path) -> FileLock:
    """Return a lock, held, that keeps a cache mount from being removed; note the use."""
    lock = _lock(path)
    lock.acquire(shared=True)
    os.utime(lock.path)
    return lock


def cache_mounts(root: Path, *, measured_s: float = 0) -> list[CacheMount]:
    """Return all cache mounts, the one whose use is longest ago first.

    Args:
        root: Directory of all of them.
        measured_s: A size that was found in the last so many seconds is good enough.
    """
    try:
        names = os.listdir(root)
    except FileNotFoundError:
        return []
    paths = [root / name for name in names if not name.endswith((_USED, _LOCK))]
    found = [_measure(path, measured_s) for path in paths]
    return sorted(found, key=lambda each: (each.used_ns, each.path))


def remove(mount: CacheMount, trash: Callable[[Path], None]) -> bool:
    """Take a cache mount away unless a step uses it; return whether it is gone."""
    lock = _lock(mount.path)
    if not lock.acquire(wait=False):
        return False
    try:
        trash(mount.path)
    finally:
        lock.release(remove=True)
    return True


def _lock(path: Path) -> FileLock:
    return FileLock(path.with_name(path.name + _USED))


def _measure(path: Path, measured_s: float) -> CacheMount:
    note = path.with_name(path.name + _USED)
    now = time.time_ns()
    used_ns, when, size = path.stat().st_mtime_ns, 0, 0
    with suppress(FileNotFoundError, msgspec.DecodeError):  # not used, or not measured so far
        used_ns = note.stat().st_mtime_ns
        when, size = _SIZE.decode(note.read_bytes())
    if now - when > measured_s * 1e9:
        size = _size(path)
        if note.exists():
            note.write_bytes(msgspec.msgpack.encode((now, size)))
            os.utime(note, ns=(used_ns, used_ns))
    return CacheMount(path, size, used_ns)


def _size(path: Path) -> int:
    """Return the bytes of all files, of hard links once; steps may change them meanwhile."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for directory, _, names in os.walk(path):
        for name in names:
            try:
                st = os.lstat(f"{directory}/{name}")
            except OSError:
                continue
            if (st.st_dev, st.st_ino) not in seen:
                seen.add((st.st_dev, st.st_ino))
                total += st.st_size
    return total
