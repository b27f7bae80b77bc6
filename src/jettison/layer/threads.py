"""Threads that take work off a pipeline: reading ahead and hashing.

In:  a stream, or pieces of bytes.
Out: the same bytes, read ahead by a bounded number of pieces; a digest.

Decompressing, hashing and system calls release the interpreter's lock, so a pipeline of three
threads unpacks a layer in the time of its slowest part.

Concurrency: each object belongs to one caller; its thread ends with the ``with`` block.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from types import TracebackType
from typing import Self

from jettison.layer.reader import Readable
from jettison.oci.digest import Digest

_PIECE_BYTES = 1 << 20
_AHEAD = 8
_MOST_HASHED_HERE = 256 << 10
"""Bytes: to start a thread and to hand over takes as long as to hash them."""


class HashThread:
    """Hashes pieces in the order in which they come, in a thread once they are many.

    Args:
        algorithm: ``sha256`` or ``sha512``.
    """

    def __init__(self, algorithm: str = "sha256") -> None:
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)
        self._hashed_here = 0
        self._pieces: queue.Queue[bytes | None] = queue.Queue(_AHEAD)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *exc: object) -> None:
        """End the thread."""
        self._end()

    def update(self, piece: bytes) -> None:
        """Hash a piece, perhaps later; it must not change any more."""
        if self._thread is None:
            self._hashed_here += len(piece)
            if self._hashed_here <= _MOST_HASHED_HERE:
                self._hash.update(piece)
                return
            self._thread = threading.Thread(target=self._run, name="layer-hash", daemon=True)
            self._thread.start()
        self._pieces.put(piece)

    def digest(self) -> Digest:
        """Return the digest of all pieces; no more may come."""
        self._end()
        return Digest(f"{self._algorithm}:{self._hash.hexdigest()}")

    def _end(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            self._pieces.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            self._hash.update(piece)


class ReadAhead:
    """A stream that is read by a thread, at most eight pieces ahead.

    Closing waits for the read that is under way.

    Args:
        stream: What is read; its errors are raised by ``read`` here.
        watch: Takes every piece, in the thread, before it is read here.
    """

    def __init__(self, stream: Readable, watch: HashThread | None = None) -> None:
        self._stream = stream
        self._watch = watch
        self._pieces: queue.Queue[bytes | BaseException] = queue.Queue(_AHEAD)
        self._stopped = threading.Event()
        self._ended = False
        self._rest = b""
        self._thread = threading.Thread(target=self._run, name="layer-read", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the thread."""
        self._stopped.set()
        while self._thread.is_alive():
            # A thread that waits for room must find some.
            try:
                self._pieces.get(timeout=0.01)
            except queue.Empty:
                continue
        self._thread.join()

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most ``size``; none at the end.

        Raises:
            BaseException: what the stream raised.
        """
        piece = self._rest
        if not piece:
            if self._ended:
                return b""
            found = self._pieces.get()
            if isinstance(found, BaseException):
                self._ended = True
                raise found
            piece = found
            self._ended = not piece
        if len(piece) > size:
            self._rest = piece[size:]
            return piece[:size]
        self._rest = b""
        return piece

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                piece = self._stream.read(_PIECE_BYTES)
                if piece and self._watch is not None:
                    self._watch.update(piece)
                self._pieces.put(piece)
                if not piece:
                    return
        except BaseException as error:  # noqa: BLE001 - raised again by the reader
            self._pieces.put(error)
