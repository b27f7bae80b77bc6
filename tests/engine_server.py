"""Something behind a unix socket that answers as an engine does, or as none should.

In:  answers by the beginning of a path.
Out: an address; what was asked.
"""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

Answer = Callable[["Handler"], None]


class EngineServer:
    """Answers by the beginning of a path, the longest that fits; a context manager.

    Args:
        path: Of its socket.
        answers: They; what ``docker`` says of itself is there already.
    """

    def __init__(self, path: Path, answers: Mapping[str, Answer]) -> None:
        self.address = f"unix://{path}"
        self.answers = {**DOCKER, **answers}
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []
        self.begun = threading.Event()
        self._server = _Server(str(path), Handler)
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    owner: EngineServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Hang up."""


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        owner: EngineServer = self.server.owner  # type: ignore[attr-defined]
        owner.asked.append((self.command, self.path))
        fits = [each for each in owner.answers if self.path.startswith(each)]
        if fits:
            owner.answers[max(fits, key=len)](self)
        else:
            says({"message": "page not found"}, 404)(self)

    def do_POST(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def body(self) -> bytes:
        """Read a chunked body to its end."""
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)


def raw(data: bytes, status: int = 200) -> Answer:
    """Answer with bytes."""

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def says(document: Any, status: int = 200) -> Answer:
    """Answer with a document."""
    return raw(json.dumps(document).encode(), status)


def hangs_up(handler: Handler) -> None:
    """Answer nothing."""
    handler.close_connection = True


def no_http(handler: Handler) -> None:
    """Answer what is no HTTP."""
    handler.wfile.write(b"220 mail.example ESMTP\r\n\r\n")
    handler.close_connection = True


def takes(then: Answer) -> Answer:
    """Read the body, then answer."""

    def answer(handler: Handler) -> None:
        handler.server.owner.bodies.append(handler.body())  # type: ignore[attr-defined]
        then(handler)

    return answer


DOCKER: dict[str, Answer] = {
    "/version": says({"Os": "linux", "Arch": "amd64", "Components": [{"Name": "Engine"}]}),
    "/info": says({"Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]]}),
    "/images/json": says([]),
}
