"""A blob of a registry as a file that an upload reads: opened when it is read, at any offset.

In:  what opens the blob at an offset.
Out: ``seek`` before the first ``read``, ``read``, ``close``.
"""

from __future__ import annotations

from collections.abc import Callable

from jettison.registry.blob import BlobStream


class Download:
    """A blob on its way from one registry to another.

    Args:
        open_at: Opens it at an offset; called at the first read.

    Concurrency: for one thread.
    """

    def __init__(self, open_at: Callable[[int], BlobStream]) -> None:
        self._open_at = open_at
        self._stream: BlobStream | None = None
        self._start = 0

    def seek(self, offset: int) -> None:
        """Begin at an offset; another one opens the blob again."""
        if offset != self._start or self._stream is not None:
            self.close()
        self._start = offset

    def read(self, size: int) -> bytes:
        """Return up to ``size`` next bytes, none at the end.

        Raises:
            RegistryError: no endpoint has it.
            SizeMismatchError: the registry sends more than the descriptor says.
        """
        if self._stream is None:
            self._stream = self._open_at(self._start)
        return self._stream.read(size)

    def close(self) -> None:
        """Give the connection back."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
