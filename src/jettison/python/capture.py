"""Keeps what a container writes in memory, up to a limit.

In:  nothing, or bytes for its standard input.
Out: an ``Attachment``'s descriptors; afterwards the bytes.

Security: what a container writes has no end that it must reach. A sealed memory file takes no
byte more than it was made for.
"""

from __future__ import annotations

import fcntl
import os
from typing import Self

from jettison.errors import HostError

LIMIT_BYTES = 64 << 20
"""Most bytes of each of the two streams."""


class Capture:
    """Descriptors for a container; a context manager.

    Args:
        output: Whether its output is kept; else it goes where this process writes.
        stdin: Its standard input; None is none.
    """

    def __init__(self, *, output: bool, stdin: bytes | None) -> None:
        self.made: list[int] = []
        self.stdin, self.stdout, self.stderr = 0, 1, 2
        self._output = output
        if stdin is not None:
            self.stdin = self._file("stdin")
            os.pwrite(self.stdin, stdin, 0)
        if output:
            self.stdout = self._sealed("stdout")
            self.stderr = self._sealed("stderr")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self.made:
            os.close(descriptor)

    def is_full(self) -> bool:
        """Return whether a stream reached its limit."""
        return self._output and any(
            os.lseek(each, 0, os.SEEK_CUR) >= LIMIT_BYTES for each in (self.stdout, self.stderr)
        )

    def output(self) -> tuple[bytes | None, bytes | None]:
        """Return what was written to both streams; None where nothing is kept."""
        if not self._output:
            return None, None
        return _written(self.stdout), _written(self.stderr)

    def _file(self, name: str) -> int:
        descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self.made.append(descriptor)
        return descriptor

    def _sealed(self, name: str) -> int:
        descriptor = self._file(name)
        os.ftruncate(descriptor, LIMIT_BYTES)  # takes no memory until it is written
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
        return descriptor


def too_much() -> HostError:
    """Return the error for a container that wrote more than is kept."""
    return HostError(
        f"the container wrote more than {LIMIT_BYTES >> 20} MiB, which are not kept in memory",
        hint="have it write to a file of a volume",
    )


def _written(descriptor: int) -> bytes:
    size = os.lseek(descriptor, 0, os.SEEK_CUR)
    return os.pread(descriptor, size, 0)
