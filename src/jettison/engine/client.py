"""The HTTP interface of engines: documents, and uploads that are answered by a stream of messages.

In:  method, path, parameters, a function that writes a body.
Out: typed documents; what the engine says while it works.

The answers are hostile: documents, messages and their number are bounded, and decoded into types.
An engine may refuse while it is still being sent to: what it says then is what the user gets.

Source: docker's Engine API 1.24 and later, which podman answers, too.

Concurrency: one connection, one request at a time.
"""

from __future__ import annotations

import http.client
import io
import urllib.parse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import msgspec

from jettison.engine.messages import Message, read_messages, said_by
from jettison.errors import ExportError
from jettison.linux.text import printable

if TYPE_CHECKING:
    import socket

    from jettison.engine.connection import Dialer

DOCUMENT_SECONDS = 60.0
WORK_SECONDS = 1800.0
"""Within which an engine that unpacks must say something."""

_MAX_DOCUMENT_BYTES = 32 << 20
_BLOCK_BYTES = 256 << 10

Document = TypeVar("Document")
Write = Callable[[BinaryIO], None]


class RefusedError(ExportError):
    """An engine answered, and said no; ``status`` is HTTP's, ``said`` its own words."""

    def __init__(self, message: str, said: str, status: int = 0) -> None:
        super().__init__(message)
        self.said = said
        self.status = status


class EngineClient:
    """Speaks with one engine.

    Args:
        dialer: Connects to it.
    """

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self.address = dialer.address
        self._connection: _Connection | None = None

    def close(self) -> None:
        """End the connection."""
        self._drop()
        self._dialer.close()

    def document(
        self, path: str, kind: type[Document], query: Mapping[str, str] | None = None
    ) -> Document:
        """Return a document.

        Raises:
            RefusedError: the engine says no.
            ExportError: it cannot be reached, or answers what it should not.
        """
        data = self.call("GET", path, query)
        try:
            return msgspec.json.decode(data, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ExportError(
                f"{self._who} answers `{path}` with what it should not: {error}",
                hint="check that an engine of docker or podman listens there",
            ) from error

    def call(self, method: str, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Send a request without a body; return what is answered.

        Raises:
            RefusedError, ExportError: as ``document``.
        """
        response = self._send(method, path, query, None, DOCUMENT_SECONDS)
        try:
            data = response.read(_MAX_DOCUMENT_BYTES + 1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._broken(error) from error
        if len(data) > _MAX_DOCUMENT_BYTES:
            self._drop()
            raise ExportError(f"{self._who} answers `{path}` with too much")
        if response.status >= 300:
            raise self._refused(data, response.status)
        return data

    def work(
        self,
        path: str,
        query: Mapping[str, str],
        write: Write | None = None,
        message: Callable[[Message], None] = lambda _: None,
    ) -> None:
        """Have the engine work, perhaps on a body, and listen until it has ended.

        Args:
            path: Of a POST.
            query: Its parameters.
            write: Writes the body.
            message: Called with what the engine says.

        Raises:
            RefusedError: it says no, or that it failed.
            ExportError: it cannot be reached, hangs up, or answers what it should not.
        """
        response = self._send("POST", path, query, write, WORK_SECONDS)
        try:
            self._require_accepted(response)
            failed = ""
            for each in read_messages(response, self._who):
                message(each)
                failed = each.failure or failed
            if not response.isclosed():
                response.close()  # its end was read, but for bytes that say nothing
                self._drop()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._broken(error) from error
        except BaseException:
            self._drop()
            raise
        if failed:
            raise RefusedError(f"{self._who} says: {failed}", failed)

    @property
    def _who(self) -> str:
        return f"the engine at `{self.address.text}`"

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        write: Write | None,
        seconds: float,
    ) -> http.client.HTTPResponse:
        target = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        fresh = self._connection is None
        try:
            return self._exchange(method, target, write, seconds)
        except (http.client.HTTPException, OSError, ValueError) as error:
            self._drop()
            # A connection that was kept may have ended meanwhile; a new one is another matter.
            if fresh or write is not None or not isinstance(error, ConnectionError):
                raise self._broken(error) from error
        except BaseException:
            self._drop()
            raise
        try:
            return self._exchange(method, target, write, seconds)
        except (http.client.HTTPException, OSError, ValueError) as error:
            raise self._broken(error) from error

    def _exchange(
        self, method: str, target: str, write: Write | None, seconds: float
    ) -> http.client.HTTPResponse:
        if self._connection is None:
            self._connection = _Connection(self._dialer)
            self._connection.connect()
        connection = self._connection
        connection.sock.settimeout(seconds)
        connection.putrequest(method, target, skip_accept_encoding=True)
        connection.putheader("User-Agent", "jettison")
        if write is None:
            if method == "POST":
                connection.putheader("Content-Length", "0")
            connection.endheaders()
            return connection.getresponse()
        connection.putheader("Content-Type", "application/x-tar")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        try:
            body = io.BufferedWriter(_Chunks(connection.sock), _BLOCK_BYTES)
            write(body)
            body.flush()
            connection.sock.sendall(b"0\r\n\r\n")
        except ConnectionError:
            # It may have refused before it hung up; without an answer, that is the error.
            return connection.getresponse()
        return connection.getresponse()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _require_accepted(self, response: http.client.HTTPResponse) -> None:
        if response.status >= 300:
            raise self._refused(response.read(_MAX_DOCUMENT_BYTES), response.status)

    def _refused(self, data: bytes, status: int) -> RefusedError:
        said = said_by(data) or f"status {status}"
        return RefusedError(f"{self._who} refuses: {said}", said, status)

    def _broken(self, error: Exception) -> ExportError:
        self._drop()
        if isinstance(error, TimeoutError):
            return ExportError(f"{self._who} does not answer", hint="check that it is not stuck")
        said = self._dialer.said()
        reason = f"it hung up: {said}" if said else "it hung up"
        if isinstance(error, http.client.HTTPException) and not isinstance(error, ConnectionError):
            reason = f"what it answers is no HTTP ({printable(type(error).__name__)})"
            return ExportError(
                f"cannot speak with {self._who}: {reason}",
                hint="check that an engine of docker or podman listens there",
            )
        return ExportError(
            f"cannot speak with {self._who}: {reason}", hint="look into the log of the engine"
        )


class _Connection(http.client.HTTPConnection):
    def __init__(self, dialer: Dialer) -> None:
        address = dialer.address
        super().__init__(address.host or "localhost", address.port or None)
        self._dialer = dialer

    def connect(self) -> None:
        self.sock: socket.socket = self._dialer.connect()


class _Chunks(io.RawIOBase):
    """Writes the chunks of a body.

    Args:
        sock: Gets them.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        if len(view):
            self._sock.sendall(b"%x\r\n" % len(view))
            self._sock.sendall(view)
            self._sock.sendall(b"\r\n")
        return len(view)
