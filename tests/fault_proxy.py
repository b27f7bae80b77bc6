"""A proxy in front of a real registry, or another server, that does one thing wrong, at one request.

In:  the address of a registry, a ``Fault``: which request, and what happens to it.
Out: a server on loopback, in plain http or TLS, and the requests that it saw.

Requests are named by what they are about, not by when they come, since clients send several at
once: ``PUT blobs/uploads/ID?digest=sha256:… #2`` is the second of its kind.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import re
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec

DROP, LOSE, DENY, LIMIT, FAIL = "drop", "lose", "deny", "limit", "fail"
SLOW, TRUNCATE, SPOIL, SHORTEN, REPEAT, LIE = (
    "slow",
    "truncate",
    "spoil",
    "shorten",
    "repeat",
    "lie",
)
FAULTS = (DROP, LOSE, DENY, LIMIT, FAIL, SLOW, TRUNCATE, SPOIL, SHORTEN, REPEAT, LIE)
"""
``drop``      the connection ends before the registry hears of the request
``lose``      the registry acts, and its answer is lost
``deny``      401, as if a token had ended
``limit``     429 with ``Retry-After``
``fail``      500
``slow``      no answer for longer than the client waits
``truncate``  the answer ends in its middle, or in the middle of its head
``spoil``     bytes are changed: of the request's body, else of the answer's
``shorten``   the answer says to be shorter than it is
``repeat``    the answer is truncated, and every range that is asked for starts before it, as it says
``lie``       the same, and it says that it starts where it should
"""
FORBID = "forbid"
"""403: of stores of objects, which say so to keys that are wrong."""
_SLOW_SECONDS = 0.5
_UPLOAD = re.compile(r"blobs/uploads/[0-9a-f-]{36}")
_STATE = re.compile(r"_state=[^&]*&?")
_SIGNED = re.compile(r"(?:se|sig)=[^&]*&?")


class Fault(msgspec.Struct, frozen=True):
    """What goes wrong.

    Args:
        at: Name of the request.
        kind: One of ``FAULTS``.
        stays: Every later request has it, too.
    """

    at: str
    kind: str
    stays: bool = False


class Served(msgspec.Struct, frozen=True):
    """What the registry answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class FaultProxy:
    """Stands between a client and a registry; a context manager.

    Args:
        upstream: ``HOST:PORT`` of the registry.
        tls: Directory with ``tls.crt`` and ``tls.key``; None speaks plain http.
        client_authority: Certificate that must have signed that of a client.
    """

    def __init__(
        self, upstream: str, tls: Path | None = None, client_authority: Path | None = None
    ) -> None:
        self.upstream = upstream
        self.fault: Fault | None = None
        self.seen: list[str] = []
        self.reached: Callable[[str], None] = lambda _: None
        """Called with the name of each request before it is served."""
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._struck = False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20
            disable_nagle_algorithm = True  # head and body are two writes

            def do_GET(self) -> None:
                # What is done to a client that is gone is nobody's concern.
                with contextlib.suppress(OSError):
                    outer._serve(self)

            do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *args: object) -> None:
                return

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                return

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls / "tls.crt", tls / "tls.key")
            if client_authority is not None:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(client_authority)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def begin(self, fault: Fault | None = None) -> None:
        """Forget what was seen, and let a fault happen from now on."""
        with self._lock:
            self.fault, self.seen, self._counts, self._struck = fault, [], Counter(), False

    @property
    def struck(self) -> bool:
        """Whether the fault happened."""
        return self._struck

    def _name(self, handler: http.server.BaseHTTPRequestHandler) -> str:
        # The repository differs from run to run.
        path = re.sub(r"^/v2/(.*?)/?(?=(?:manifests|blobs|tags|referrers)/)", "", handler.path)
        path = _STATE.sub("", _UPLOAD.sub("blobs/uploads/ID", path))
        path = _SIGNED.sub("", path).rstrip("?&")
        line = f"{handler.command} {path}"
        with self._lock:
            self._counts[line] += 1
            name = f"{line} #{self._counts[line]}"
            self.seen.append(name)
        return name

    def _kind(self, name: str) -> str:
        """Return what happens to a request: a fault, or nothing."""
        with self._lock:
            fault = self.fault
            if fault is None:
                return ""
            if name == fault.at or (fault.stays and self._struck):
                self._struck = True
                return fault.kind
            # Ranges are what clients ask for after an answer that was truncated.
            again = self._struck and name.rpartition(" #")[0] == fault.at.rpartition(" #")[0]
            return f"{fault.kind}-range" if again and fault.kind in {REPEAT, LIE} else ""

    def _serve(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        name = self._name(handler)
        self.reached(name)
        kind = self._kind(name)
        if kind == DROP:
            return _hang_up(handler)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if kind == SLOW:
            time.sleep(_SLOW_SECONDS)
            return _hang_up(handler)
        early = {DENY: 401, FORBID: 403, LIMIT: 429, FAIL: 500}.get(kind)
        if early is not None:
            headers = [("WWW-Authenticate", 'Basic realm="x"'), ("Retry-After", "0")]
            said = b'{"errors":[{"code":"TESTED","message":"a fault of the test"}]}'
            return _answer(handler, Served(early, headers, said))
        if kind == SPOIL and body:
            body, kind = _spoilt(body), ""
        wanted = handler.headers.get("Range", "")
        moved = kind.endswith("-range") and bool(wanted)
        served = self._forward(handler, body, without_range=moved)
        if kind == LOSE:
            return _hang_up(handler)
        if moved:
            return _answer_range(handler, served, wanted, lies=kind.startswith(LIE))
        return _answer(handler, served, kind)

    def _forward(
        self, handler: http.server.BaseHTTPRequestHandler, body: bytes, *, without_range: bool
    ) -> Served:
        host, _, port = self.upstream.partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        headers = {
            key: value
            for key, value in handler.headers.items()
            if key.lower() not in {"connection"} | ({"range"} if without_range else set())
        }
        if isinstance(handler.connection, ssl.SSLSocket):
            headers["X-Forwarded-Proto"] = "https"
        try:
            connection.request(handler.command, handler.path, body or None, headers)
            response = connection.getresponse()
            data = response.read()
            return Served(response.status, response.getheaders(), data)
        finally:
            connection.close()


def _answer(handler: http.server.BaseHTTPRequestHandler, served: Served, kind: str = "") -> None:
    body = _spoilt(served.body) if kind == SPOIL else served.body
    length = {name.lower(): value for name, value in served.headers}.get("content-length")
    size = len(body) if handler.command != "HEAD" else int(length or 0)
    handler.send_response(served.status)
    for name, value in served.headers:
        if name.lower() not in {"content-length", "transfer-encoding", "connection", "date"}:
            handler.send_header(name, value)
    if kind == SHORTEN and size > 1:
        size -= 1
    handler.send_header("Content-Length", str(size))
    if kind in {TRUNCATE, REPEAT, LIE} and not body:
        handler._headers_buffer[-1:] = [b"X-Begun: "]  # type: ignore[attr-defined]
        handler.flush_headers()
        return _hang_up(handler)
    handler.end_headers()
    if handler.command == "HEAD":
        return None
    if kind in {TRUNCATE, REPEAT, LIE}:
        handler.wfile.write(body[: len(body) // 2])
        return _hang_up(handler)
    handler.wfile.write(body)
    if kind == SHORTEN:
        _hang_up(handler)
    return None


def _answer_range(
    handler: http.server.BaseHTTPRequestHandler, served: Served, wanted: str, *, lies: bool
) -> None:
    """Answer with more of a blob than was asked for: it starts before."""
    start = int(wanted.removeprefix("bytes=").partition("-")[0])
    sent = max(0, start - 10)
    said = start if lies else sent
    body = served.body[sent:]
    handler.send_response(206)
    size = len(served.body)
    handler.send_header("Content-Range", f"bytes {said}-{said + len(body) - 1}/{size}")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _spoilt(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :] if data else data


def _hang_up(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)
