"""A large blob by several ranges at once, in order: servers limit connections, not clients.

In:  the answer to a request for the first piece, a function that gets others.
Out: what ``BlobStream`` reads; the end before the end where a piece does not come as it should, and
the stream then goes on in one request.

Source: RFC 9110, 14 (range requests).
Security: bytes are unverified, as those of one request are. What waits in memory is bounded for
all blobs of a client together.
Concurrency: the reader is one thread, each piece is got by another.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from jettison.errors import JettisonError
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.registry.headers import content_range

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_PATIENCE_SECONDS = 60.0

Fetch = Callable[[int, int], bytes | None]
"""From an offset and a length to exactly these bytes; None where there are no ranges."""


class Piecewise(msgspec.Struct, frozen=True):
    """When and how blobs are read in pieces.

    Args:
        least_bytes: What is left of a blob for which it pays.
        piece_bytes: Of a range.
        ahead: Pieces of one blob that are got before they are read.
        most_ahead: The same, of all blobs of a client.
        least_seconds: For the first piece: who is faster is limited by nobody.
        most_seconds: The same: then the line or the reader is what is slow.
    """

    least_bytes: int = 32 << 20
    piece_bytes: int = 8 << 20
    ahead: int = 4
    most_ahead: int = 8
    least_seconds: float = 0.03
    most_seconds: float = 8.0


class PieceBudget:
    """What blobs of one client share: how many pieces wait, and which blobs came in pieces.

    Args:
        how: Says the bounds.
    """

    def __init__(self, how: Piecewise) -> None:
        self.how = how
        self.free = threading.BoundedSemaphore(how.most_ahead)
        self._lock = threading.Lock()
        self._taken: set[Digest] = set()

    def take(self, descriptor: Descriptor, start: int) -> bool:
        """Tell whether a blob is to come in pieces.

        What is asked for again was damaged, maybe by ranges that are none.
        """
        if descriptor.size - start < max(self.how.least_bytes, self.how.piece_bytes):
            return False
        with self._lock:
            known = descriptor.digest in self._taken
            self._taken.add(descriptor.digest)
        return not known


def gives(response: BaseHTTPResponse, start: int, length: int, size: int) -> bool:
    """Tell whether an answer is exactly a range of a blob of this size."""
    found = content_range(response.headers.get("Content-Range", ""))
    return response.status == 206 and found == (start, start + length - 1, size)


class _Piece:
    def __init__(self) -> None:
        self.data: bytes | None = None
        self.ready = threading.Event()


class Pieces:
    """Reads a blob from an offset to its end; stands where ``BlobStream`` has an answer.

    Args:
        first: The answer to the request for the first piece.
        start: Where that begins.
        descriptor: Of the blob.
        fetch: Gets the other pieces.
        budget: What other blobs leave.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        first: BaseHTTPResponse,
        start: int,
        descriptor: Descriptor,
        fetch: Fetch,
        budget: PieceBudget,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first: BaseHTTPResponse | None = first
        self._offset = start
        self._end_of_first = start + budget.how.piece_bytes
        self._next = self._end_of_first
        self._descriptor = descriptor
        self._fetch = fetch
        self._budget = budget
        self._ahead: dict[int, _Piece] = {}
        self._rest = memoryview(b"")
        self._lock = threading.Lock()
        self._closed = False
        self._clock = clock
        self._began = clock()
        self._pays = True

    def read(self, amount: int, *, decode_content: bool) -> bytes:
        """Return up to so many next bytes, none at the end and when a piece does not come."""
        if self._first is not None:
            wanted = min(amount, self._end_of_first - self._offset)
            data = self._first.read(wanted, decode_content=decode_content)
            self._offset += len(data)
            if self._offset == self._end_of_first:
                self.release_conn()
                took = self._clock() - self._began
                how = self._budget.how
                self._pays = how.least_seconds <= took <= how.most_seconds
            return data
        if not self._pays:
            return b""
        self._begin()
        if not self._rest:
            self._rest = memoryview(self._take())
        data = bytes(self._rest[:amount])
        self._rest = self._rest[amount:]
        self._offset += len(data)
        return data

    def release_conn(self) -> None:
        """Give the connection of the first piece back."""
        if self._first is not None:
            self._first.release_conn()
            self._first = None

    def close(self) -> None:
        """Let go of what was not read; pieces on their way end by themselves."""
        if self._first is not None:
            self._first.close()
            self._first = None
        with self._lock:
            self._closed = True
            here = [piece for piece in self._ahead.values() if piece.ready.is_set()]
            self._ahead.clear()
        for _ in here:
            self._budget.free.release()

    def _length(self, offset: int) -> int:
        return min(self._budget.how.piece_bytes, self._descriptor.size - offset)

    def _begin(self) -> None:
        """Have as many pieces got as may wait."""
        self._next = max(self._next, self._offset)
        while (
            len(self._ahead) < self._budget.how.ahead
            and self._next < self._descriptor.size
            and self._budget.free.acquire(blocking=False)
        ):
            piece, offset = _Piece(), self._next
            self._ahead[offset] = piece
            self._next += self._length(offset)
            threading.Thread(
                target=self._get, args=(offset, piece), name=f"piece-{offset}", daemon=True
            ).start()

    def _get(self, offset: int, piece: _Piece) -> None:
        data = None
        try:
            data = self._try(offset)
        finally:
            with self._lock:
                piece.data = data
                piece.ready.set()
                closed = self._closed
            if closed:
                self._budget.free.release()

    def _try(self, offset: int) -> bytes | None:
        try:
            return self._fetch(offset, self._length(offset))
        except JettisonError:
            return None  # one request for the rest says what is wrong

    def _take(self) -> bytes:
        """Return the piece that begins here; nothing at the end, or if it does not come.

        Nobody waits for another blob: a piece that nothing was left for is got by the reader.
        """
        if self._offset >= self._descriptor.size:
            return b""
        piece = self._ahead.get(self._offset)
        if piece is None:
            self._next = self._offset + self._length(self._offset)
            return self._try(self._offset) or b""
        if not piece.ready.wait(_PATIENCE_SECONDS):
            return b""
        del self._ahead[self._offset]
        self._budget.free.release()
        return piece.data or b""
