"""A store, and a server on loopback whose answers a test writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jettison.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened


Answer = tuple[int, dict[str, str], bytes]


class Server:
    """Answers GET by path; remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[dict[str, str]], Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                headers = {key.lower(): value for key, value in self.headers.items()}
                outer.asked.append((self.path, headers))
                answer = outer.answers.get(self.path, lambda _: (404, {}, b""))
                status, fields, body = answer(headers)
                self.send_response(status)
                fields = {"Content-Length": str(len(body)), **fields}
                for key, value in fields.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)
                if int(fields["Content-Length"]) != len(body):
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def give(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        """Answer a path always the same."""
        fields = {key.replace("_", "-"): value for key, value in headers.items()}
        self.answers[path] = lambda _: (status, fields, body)

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()
