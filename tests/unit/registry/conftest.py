"""A registry on loopback whose answers a test writes."""

from __future__ import annotations

import http.server
from collections.abc import Callable, Iterator

import msgspec
import pytest

from jettison.oci.reference import Reference, parse_reference
from jettison.registry.client import RegistryClient
from jettison.registry.credentials import Credentials
from jettison.registry.endpoint import RegistryHosts
from jettison.registry.transport import Transport
from server_rig import serving

PROBE = "GET /v2/"
"""By which clients find out whether a registry speaks http; noted only if a test answers it."""


class Asked(msgspec.Struct, frozen=True):
    """A request: ``POST /v2/a/blobs/uploads/``, its headers in lower case, its body."""

    line: str
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, dict[str, str], bytes]


class ScriptedRegistry:
    """Answers by request line, each time with the next of the answers, at last with the last."""

    def __init__(self) -> None:
        self.host = ""
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[Asked] = []

    def give(self, line: str, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """Answer a request line."""
        fields = {key.replace("_", "-"): value for key, value in headers.items()}
        self.answers.setdefault(line, []).append((status, fields, body))

    def respond(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """Answer one request; a body shorter than its Content-Length ends the connection."""
        length = int(handler.headers.get("Content-Length") or 0)
        line = f"{handler.command} {handler.path}"
        headers = {key.lower(): value for key, value in handler.headers.items()}
        asked = Asked(line, headers, handler.rfile.read(length))
        if line != PROBE or line in self.answers:
            self.asked.append(asked)
        given = self.answers.get(line, [(404, {}, b"")])
        status, fields, body = given.pop(0) if len(given) > 1 else given[0]
        fields = {"Content-Length": str(len(body)), **fields}
        handler.send_response(status)
        for key, value in fields.items():
            handler.send_header(key, value.replace("HOST", self.host))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)
            handler.close_connection = int(fields["Content-Length"]) != len(body)

    @property
    def lines(self) -> list[str]:
        """The lines of all requests."""
        return [each.line for each in self.asked]

    def reference(self, text: str = "a/b:1") -> Reference:
        """Return a reference to a repository here."""
        return parse_reference(f"{self.host}/{text}")


@pytest.fixture
def registry() -> Iterator[ScriptedRegistry]:
    scripted = ScriptedRegistry()
    with serving(scripted.respond) as scripted.host:
        yield scripted


@pytest.fixture
def transport() -> Iterator[Transport]:
    opened = Transport({}, attempts=2, backoff_seconds=0.01)
    yield opened
    opened.close()


@pytest.fixture
def client_of(transport: Transport) -> Callable[..., RegistryClient]:
    """A function from credentials and mirrors to a client."""

    def make(credentials: Credentials | None = None, *mirrors: str) -> RegistryClient:
        return RegistryClient(RegistryHosts(mirrors=mirrors), lambda _: credentials, transport)

    return make
