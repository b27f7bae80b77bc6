"""Requests for bytes of a blob: what is asked for, and what an answer is taken for."""

from __future__ import annotations

import http.server

import pytest

from jettison.errors import RegistryError
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import parse_reference
from jettison.registry.blob_request import request_blob, request_pieces
from jettison.registry.client import RegistryClient
from jettison.registry.endpoint import RegistryHosts
from jettison.registry.pieces import PieceBudget, Pieces, Piecewise
from jettison.registry.transport import Transport
from server_rig import serving

DATA = b"0123456789"
BLOB = Descriptor("application/octet-stream", f"sha256:{'0' * 64}", len(DATA))
HOW = PieceBudget(Piecewise(least_bytes=1, piece_bytes=4))

Handler = http.server.BaseHTTPRequestHandler


class Server:
    def __init__(self, status: int, body: bytes, content_range: str = "") -> None:
        self.status, self.body, self.content_range = status, body, content_range
        self.asked: list[str | None] = []

    def answer(self, handler: Handler) -> None:
        blob = "/blobs/" in handler.path
        if blob:
            self.asked.append(handler.headers.get("Range"))
        body = self.body if blob else b"{}"
        handler.send_response(self.status if blob else 200)
        if self.content_range:
            handler.send_header("Content-Range", self.content_range)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def ask(server: Server, offset: int, *, pieces: bool):
    with (
        serving(server.answer) as host,
        RegistryClient(RegistryHosts(), lambda _: None, Transport({}, attempts=1)) as client,
    ):
        endpoint = client.hosts.endpoints(parse_reference(f"{host}/app:1"))[0]
        if pieces:
            part = request_pieces(
                client.session, endpoint, BLOB, offset, lambda _at, _size: None, HOW
            )
        else:
            part = request_blob(client.session, endpoint, BLOB, offset)
        if part is None:
            return None
        try:
            return (
                part.starts,
                type(part.response) is Pieces,
                part.response.read(99, decode_content=False),
            )
        finally:
            part.response.close()


def test_a_blob_is_asked_for_whole_and_from_an_offset_on() -> None:
    server = Server(200, DATA)
    assert ask(server, 0, pieces=False) == (0, False, DATA)
    assert ask(server, 3, pieces=False) == (0, False, DATA)
    assert server.asked == [None, "bytes=3-"]


def test_the_first_piece_is_asked_for_by_itself() -> None:
    server = Server(206, b"3456", "bytes 3-6/10")
    assert ask(server, 3, pieces=True) == (3, True, b"3456")
    assert server.asked == ["bytes=3-6"]


@pytest.mark.parametrize(
    ("status", "said", "starts"),
    [
        (200, "", 0),
        (206, "", 3),
        (206, "bytes 3-6/11", 3),
        (206, "bytes 3-6/*", 3),
        (206, "bytes 3-5/10", 3),
        (206, "bytes 2-6/10", 2),
    ],
)
def test_another_answer_is_taken_as_it_comes(status: int, said: str, starts: int) -> None:
    assert ask(Server(status, b"abc", said), 3, pieces=True) == (starts, False, b"abc")


def test_a_later_range_is_refused_and_a_missing_blob_is_none() -> None:
    with pytest.raises(RegistryError, match="other bytes"):
        ask(Server(206, b"abc", "bytes 4-6/10"), 3, pieces=True)
    for pieces in (True, False):
        assert ask(Server(404, b""), 3, pieces=pieces) is None
