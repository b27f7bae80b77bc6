"""Processes followed from outside: who they started, and when all of them are gone."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

Members = set[tuple[int, str]]
"""Processes as (pid, start time); a pid alone may be used again."""


def members_of(process: subprocess.Popen[bytes]) -> Members:
    """Return a process and everything below it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        fields = _fields(stat)
        if fields:
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, pending = set(), [process.pid]
    while pending:
        pid = pending.pop()
        fields = _fields(Path(f"/proc/{pid}/stat"))
        if fields:
            found.add((pid, fields[19]))
        pending += children.get(pid, [])
    return found


def alive(members: Members) -> Members:
    """Return those that still run."""
    return {
        (pid, began)
        for pid, began in members
        if [began] == _fields(Path(f"/proc/{pid}/stat"))[19:20]
    }


def left_after(members: Members, seconds: float = 5) -> Members:
    """Wait until all are gone; return those that do not go."""
    end = time.monotonic() + seconds
    while (left := alive(members)) and time.monotonic() < end:
        time.sleep(0.01)
    return left


def mounts_below(place: Path) -> list[str]:
    """Return the mounts of this namespace below a directory."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line for line in lines if line.split()[1].startswith(f"{place}/")]


def wait_for_file(process: subprocess.Popen[bytes], place: Path, pattern: str) -> None:
    """Wait until a file is there that a running process makes."""
    _wait_until(process, lambda: any(place.glob(pattern)))


def wait_until_open(process: subprocess.Popen[bytes], file: Path) -> None:
    """Wait until a running process has a file open, such as the lock that it waits for."""
    _wait_until(process, lambda: file in _open_files(process.pid))


def _wait_until(process: subprocess.Popen[bytes], happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.01)


def _open_files(pid: int) -> set[Path]:
    found = set()
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(OSError):  # closed since
            found.add(link.readlink())
    return found


def _fields(path: Path) -> list[str]:
    """Return the fields of a process from its state on; nothing when it is gone or dead."""
    try:
        fields = path.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [] if fields[0] in "ZX" else fields
