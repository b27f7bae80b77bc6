"""What a container writes, kept on disk: bounded, with times, line by line.

In:  pieces of bytes of its streams.
Out: two files, of which the older one goes when the newer one is full.

On disk, each line of output is one line (the format of Kubernetes' container logs)::

    2026-01-02T03:04:05.000000006Z stdout F the line
    2026-01-02T03:04:05.000000006Z stderr P the beginning of a line that has not ended, or is long

Concurrency: one writer, any of whose threads; any number of readers, who see whole lines.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

FILE_BYTES = 8 << 20
"""Most bytes of each of the two files, but for one line."""

STDOUT, STDERR = 1, 2
_NAMES = {STDOUT: b"stdout", STDERR: b"stderr"}
_NUMBERS = {name: number for number, name in _NAMES.items()}
_LINE_BYTES = 16 << 10
_READ_BYTES = 1 << 20
_SECOND = 10**9
_STAMP = len("2026-01-02T03:04:05.000000006Z")


class Entry(msgspec.Struct, frozen=True):
    """A piece of output: a line with its end, or the beginning of one.

    Args:
        stamp: When it was written: RFC 3339 in UTC with nine digits, so that texts sort as times.
        stream: ``STDOUT`` or ``STDERR``.
        data: Its bytes.
    """

    stamp: bytes
    stream: int
    data: bytes


class LogWriter:
    """Writes the log of a container.

    A disk that is full takes nothing more, and the container goes on all the same.

    Args:
        path: The newer file; the older one has the suffix ``.1``.
        file_bytes: Most bytes of a file.
    """

    def __init__(self, path: Path, file_bytes: int = FILE_BYTES) -> None:
        self._path = os.fspath(path)
        self._file_bytes = file_bytes
        self._lock = threading.Lock()
        self._descriptor = self._open()
        self._size = os.fstat(self._descriptor).st_size

    def write(self, stream: int, data: bytes) -> None:
        """Add a piece of output."""
        lines = b"".join(_encoded(_stamp(), stream, data))
        with self._lock, contextlib.suppress(OSError):
            if self._size and self._size + len(lines) > self._file_bytes:
                self._rotate()
            self._size += os.write(self._descriptor, lines)

    def close(self) -> None:
        """Write nothing more."""
        with self._lock:
            os.close(self._descriptor)
            self._descriptor = -1

    def _rotate(self) -> None:
        os.replace(self._path, self._path + ".1")
        os.close(self._descriptor)
        self._descriptor = self._open()
        self._size = 0

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        return os.open(self._path, flags, 0o600)


def _encoded(stamp: bytes, stream: int, data: bytes) -> Iterator[bytes]:
    name = _NAMES[stream]
    for line in _lines(data):
        for at in range(0, len(line), _LINE_BYTES):
            part = line[at : at + _LINE_BYTES]
            if part.endswith(b"\n"):
                yield b"%s %s F %s" % (stamp, name, part)
            else:
                yield b"%s %s P %s\n" % (stamp, name, part)


def _lines(data: bytes) -> list[bytes]:
    """Split at newlines only."""
    lines = data.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def _stamp() -> bytes:
    return stamp_of(time.time_ns())


def stamp_of(time_ns: int) -> bytes:
    """Return the stamp of a time."""
    seconds, rest = divmod(time_ns, _SECOND)
    t = time.gmtime(seconds)
    return b"%04d-%02d-%02dT%02d:%02d:%02d.%09dZ" % (*t[:6], rest)


class LogReader:
    """Reads what is in a log so far, and then what was added.

    Args:
        path: See ``LogWriter``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        newer, older = _opened(path), _opened(path.with_suffix(".1"))
        if newer >= 0 and older >= 0 and os.path.sameopenfile(newer, older):
            os.close(older)  # rotated just now
            older = -1
        self._files = [file for file in (older, newer) if file >= 0]
        self._rest = b""

    def read(self) -> Iterator[Entry]:
        """Yield what was not read yet, oldest first."""
        while self._files or self._open_newer():
            data = os.read(self._files[0], _READ_BYTES)
            if data:
                *lines, self._rest = (self._rest + data).split(b"\n")
                yield from filter(None, map(_decoded, lines))
            elif len(self._files) > 1:
                os.close(self._files.pop(0))
            elif not self._open_newer():
                return

    def close(self) -> None:
        """Read nothing more."""
        for file in self._files:
            os.close(file)
        self._files = []

    def _open_newer(self) -> bool:
        """Open the file that has the name now, unless it is open; tell whether there was one."""
        newer = _opened(self._path)
        if newer < 0:
            return False
        if self._files and os.path.sameopenfile(newer, self._files[-1]):
            os.close(newer)
            return False
        self._files.append(newer)
        return True


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return -1


def _decoded(line: bytes) -> Entry | None:
    stamp, _, rest = line.partition(b" ")
    name, _, rest = rest.partition(b" ")
    tag, found, data = rest.partition(b" ")
    if len(stamp) != _STAMP or name not in _NUMBERS or not found:
        return None  # a disk that was full has cut it
    return Entry(stamp, _NUMBERS[name], data if tag == b"P" else data + b"\n")
