"""The bytes of a blob as they come from a registry, across broken connections.

In:  a function that opens the blob at an offset.
Out: ``read``; never more bytes than the descriptor says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from jettison.concurrency import INTERRUPTS
from jettison.errors import RegistryError, RegistryUnavailableError, SizeMismatchError
from jettison.oci.manifest import Descriptor
from jettison.registry.headers import range_start
from jettison.registry.transport import pause

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from jettison.registry.pieces import Pieces

_NOT_SATISFIABLE = 416
_RESUMES = 5
_PAUSE_SECONDS = 0.3
_WINDOW_SECONDS = 60.0
_LEAST_BYTES = 64 << 10
"""In a window: a server that sends less is as good as one that is silent."""


class BlobPart(msgspec.Struct, frozen=True):
    """An answer, or several, whose bytes start at an offset of the blob."""

    response: BaseHTTPResponse | Pieces
    starts: int


def part_of(
    response: BaseHTTPResponse, offset: int, descriptor: Descriptor, registry: str
) -> BlobPart:
    """Return what an answer, 200 or 206, holds of a blob that was asked for from an offset on.

    A range that starts before has all that is needed; one that says nothing is taken for what was
    asked for, since the digest decides.

    Args:
        response: It.
        offset: What was asked for.
        descriptor: Of the blob.
        registry: Who answered, for messages.

    Raises:
        RegistryUnavailableError: it starts after, or is in parts.
    """
    if response.status == 200:
        return BlobPart(response, 0)
    said = response.headers.get("Content-Range", f"bytes {offset}-")
    kind = response.headers.get("Content-Type", "").strip().lower()
    starts = None if kind.startswith("multipart/") else range_start(said)
    if starts is None or starts > offset:
        response.close()
        raise RegistryUnavailableError(
            f"registry `{registry}` gives other bytes of blob `{descriptor.digest}` than it was"
            " asked for"
        )
    return BlobPart(response, starts)


class BlobStream:
    """A blob being downloaded; a context manager.

    Args:
        descriptor: Says its size.
        open_at: Opens it at an offset, given how often it broke since bytes came; None when it is
            gone.
        part: The first answer.
        clock: Seconds that only grow.
        start: Offset from which it is read.

    Concurrency: for one thread.
    """

    def __init__(
        self,
        descriptor: Descriptor,
        open_at: Callable[[int, int], BlobPart | None],
        part: BlobPart,
        clock: Callable[[], float] = time.monotonic,
        *,
        start: int = 0,
    ) -> None:
        self._descriptor = descriptor
        self._open_at = open_at
        self._response: BaseHTTPResponse | Pieces | None = part.response
        self._clock = clock
        self._interrupts = INTERRUPTS.count
        self._skip = start - part.starts
        self._offset = start
        self._failures = 0
        self._ends = 0
        """How many answers since bytes came were whole by their own account."""
        self._slow = 0
        self._window = (clock(), start)
        """When it began, and how many bytes were here then."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back, or end it when bytes are left."""
        if self._response is not None:
            if self._offset >= self._descriptor.size:
                self._response.release_conn()
            self._response.close()
            self._response = None

    def read(self, size: int = 1 << 20) -> bytes:
        """Return up to ``size`` next bytes; nothing at the end.

        Raises:
            SizeMismatchError: the registry has more than the descriptor says, or less.
            RegistryUnavailableError: the connection broke too often.
        """
        while True:
            try:
                data = self._read(size)
            except RegistryUnavailableError:
                self._resume()
                continue
            self._offset += len(data)
            if data:
                self._failures = self._ends = 0
                self._check_rate()
            if self._offset > self._descriptor.size:
                raise SizeMismatchError(
                    f"blob `{self._descriptor.digest}` is larger than its {self._descriptor.size}"
                    " bytes"
                )
            if data or self._offset == self._descriptor.size:
                return data
            self._ends += self._response is not None
            self._resume()

    def _check_rate(self) -> None:
        """Let go of a server that sends a byte now and then, and ask again."""
        began, had = self._window
        now = self._clock()
        if now - began < _WINDOW_SECONDS:
            return
        self._window = (now, self._offset)
        if self._offset - had >= _LEAST_BYTES or self._offset == self._descriptor.size:
            return
        self._slow += 1
        if self._slow > _RESUMES:
            raise RegistryError(
                f"the registry sends less than {_LEAST_BYTES >> 10} KiB of"
                f" `{self._descriptor.digest}` in {_WINDOW_SECONDS:.0f} seconds",
                hint="try again later, or set `registry_mirrors`",
            )
        if self._response is not None:
            self._response.close()
            self._response = None
            self._failures = self._slow - 1

    def _read(self, size: int) -> bytes:
        from urllib3 import exceptions  # loaded already

        response = self._response
        if response is None:
            return b""
        try:
            while self._skip > 0:
                skipped = response.read(min(self._skip, 1 << 20), decode_content=False)
                if not skipped:
                    return b""
                self._skip -= len(skipped)
            return response.read(size, decode_content=False)
        except (exceptions.HTTPError, OSError) as error:
            raise RegistryUnavailableError(
                f"the connection broke while downloading `{self._descriptor.digest}`"
            ) from error

    def _resume(self) -> None:
        """Open the blob again where it broke."""
        while True:
            self._failures += 1
            if self._ends >= self._failures > _RESUMES:
                raise self._too_short()
            if self._failures > _RESUMES or INTERRUPTS.count != self._interrupts:
                raise RegistryUnavailableError(
                    f"the connection broke {self._failures - 1} times while downloading"
                    f" `{self._descriptor.digest}`",
                    hint="try again; what was complete is kept",
                )
            if self._response is not None:
                self._response.close()
                self._response = None
            pause(_PAUSE_SECONDS * (self._failures - 1), self._interrupts)
            try:
                part = self._open_at(self._offset, self._failures)
            except RegistryUnavailableError:
                continue
            except RegistryError as error:
                if error.status == _NOT_SATISFIABLE:
                    raise self._too_short() from error
                raise
            if part is None:
                raise RegistryError(f"blob `{self._descriptor.digest}` vanished", status=404)
            self._response = part.response
            self._skip = self._offset - part.starts
            return

    def _too_short(self) -> SizeMismatchError:
        """Return the error of a blob that ends where it should not, each time."""
        return SizeMismatchError(
            f"blob `{self._descriptor.digest}` has {self._offset} of its {self._descriptor.size}"
            " bytes at the registry",
            hint="push it again",
        )
