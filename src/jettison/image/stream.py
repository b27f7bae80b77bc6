"""Streams that work in threads of their own: hashing, and bytes handed from thread to thread.

In:  streams with ``read(size)``.
Out: the same bytes, digests on the way.

sha256, decompression, reading and writing all release the interpreter lock, so a layer is
downloaded, verified, decompressed and unpacked at the same time.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable
from typing import Protocol, Self

from jettison.oci.digest import Digest

_DEPTH = 4
CHUNK_BYTES = 1 << 20


class Readable(Protocol):
    """What a stream must be able to do."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        ...


class Consumer:
    """Hands chunks to a function in another thread; a context manager.

    Args:
        consume: Called with each chunk, in order.
    """

    def __init__(self, consume: Callable[[bytes], object]) -> None:
        self._consume = consume
        self._queue: queue.Queue[bytes | None] = queue.Queue(_DEPTH)
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._join()

    def write(self, chunk: bytes | memoryview) -> None:
        """Hand over a chunk; what is not ``bytes`` is copied.

        Raises:
            BaseException: the function failed for an earlier chunk.
        """
        if self._error is not None:
            raise self._error
        self._queue.put(chunk if type(chunk) is bytes else bytes(chunk))

    def finish(self) -> None:
        """Wait until all chunks are consumed.

        Raises:
            BaseException: the function failed.
        """
        self._join()
        if self._error is not None:
            raise self._error

    def _join(self) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while (chunk := self._queue.get()) is not None:
            # After a failure chunks are only taken, so that the writer does not wait for ever.
            if self._error is None:
                try:
                    self._consume(chunk)
                except BaseException as error:  # noqa: BLE001 - raised in the writer's thread
                    self._error = error


class HashingReader:
    """A stream that is digested while it is read; a context manager."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._hasher = hashlib.sha256()
        self._thread = Consumer(self._hasher.update)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.__exit__()

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        data = self._stream.read(size)
        if data:
            self._thread.write(data)
        return data

    def digest(self) -> Digest:
        """Return the digest of everything that was read; nothing can be read afterwards."""
        self._thread.finish()
        return Digest(f"sha256:{self._hasher.hexdigest()}")


class Pipe:
    """Bytes from a thread that produces them to the one that reads; a context manager.

    Args:
        produce: Called in another thread with a function that takes chunks; what it raises is
            raised by ``read``. The function raises ``BrokenPipeError`` once nobody reads.
    """

    def __init__(self, produce: Callable[[Callable[[bytes], None]], None]) -> None:
        self._queue: queue.Queue[bytes | BaseException] = queue.Queue(_DEPTH)
        self._closed = threading.Event()
        self._rest = b""
        self._ended: BaseException | bool = False
        self._thread = threading.Thread(target=self._work, args=(produce,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        while self._thread.is_alive():
            # The producer may wait for room.
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue
        self._thread.join()

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, none at the end.

        Raises:
            BaseException: what the producer raised.
        """
        if not self._rest:
            self._rest = self._next()
        if size < 0 or size >= len(self._rest):
            data, self._rest = self._rest, b""
            return data
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _next(self) -> bytes:
        if self._ended is False:
            item = self._queue.get()
            if isinstance(item, bytes) and item:
                return item
            self._ended = item if isinstance(item, BaseException) else True
        if isinstance(self._ended, BaseException):
            raise self._ended
        return b""

    def _work(self, produce: Callable[[Callable[[bytes], None]], None]) -> None:
        try:
            produce(self._take)
        except BaseException as error:  # noqa: BLE001 - raised in the reader's thread
            self._put(error)
        else:
            self._put(b"")

    def _take(self, chunk: bytes) -> None:
        if self._closed.is_set():
            raise BrokenPipeError
        if chunk:
            self._put(chunk)

    def _put(self, item: bytes | BaseException) -> None:
        while not self._closed.is_set():
            try:
                self._queue.put(item, timeout=0.5)
            except queue.Full:
                continue
            return
