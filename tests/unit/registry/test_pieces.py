"""Blobs in several ranges at once: what servers may do wrong ends in one request, or in an error."""

from __future__ import annotations

import contextlib
import http.server
import io
import os
import re
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from jettison.errors import RegistryError
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import parse_reference
from jettison.registry.client import RegistryClient
from jettison.registry.credentials import Credentials
from jettison.registry.endpoint import RegistryHosts
from jettison.registry.pieces import PieceBudget, Pieces, Piecewise
from jettison.registry.transport import Transport
from server_rig import serving

DATA = os.urandom(300_001)
BLOB = Descriptor("application/octet-stream", sha256_digest(DATA), len(DATA))
PIECE = 16 << 10
HOW = Piecewise(
    least_bytes=100_000, piece_bytes=PIECE, ahead=3, most_ahead=6, least_seconds=0, most_seconds=8
)
PIECES = -(-len(DATA) // PIECE)


class Server:
    """Has one blob; does something odd with the nth range that is asked for.

    Args:
        odd: What: see ``answer``.
        at: The number of the range, from 0; None is each.
    """

    def __init__(self, odd: str = "", at: int | None = None) -> None:
        self.odd = odd
        self.at = at
        self.asked: list[str] = []
        self.seen: list[str | None] = []
        """Authorisations."""
        self._lock = threading.Lock()
        self._struck: set[str] = set()

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        if "/blobs/" not in handler.path:
            return _send(handler, 200, b"{}")
        wanted = handler.headers.get("Range", "")
        with self._lock:
            self.asked.append(wanted)
            self.seen.append(handler.headers.get("Authorization"))
            again = wanted in self._struck
            self._struck.add(wanted)
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
        if found is None:
            return _send(handler, 200, DATA)
        start, end = int(found[1]), int(found[2] or len(DATA) - 1)
        ranged = bool(found[2])
        odd = self.odd if ranged and self.at in {None, start // PIECE} else ""
        total = len(DATA)
        if odd == "whole":
            return _send(handler, 200, DATA)
        if odd == "refused":
            return _send(handler, 416, b"")
        if odd == "limited" and not again:
            return _send(handler, 429, b"", {"Retry-After": "0"})
        if odd == "failing":
            return _send(handler, 500, b"")
        if odd == "before":
            start, end = max(0, start - PIECE), end - PIECE if start else end - 1
        if odd == "total":
            total += 1
        body = DATA[start : end + 1]
        if odd == "other":
            body = bytes(len(body))
        if odd == "less":
            body = body[:-1]
        return _send(handler, 206, body, {"Content-Range": f"bytes {start}-{end}/{total}"})


def _send(
    handler: http.server.BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    headers: dict[str, str] | None = None,
) -> None:
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    with contextlib.suppress(OSError):  # of a client that has enough
        handler.wfile.write(body)


def client_of(how: Piecewise = HOW, login: Credentials | None = None) -> RegistryClient:
    transport = Transport({}, backoff_seconds=0.01)
    return RegistryClient(RegistryHosts(), lambda _: login, transport, piecewise=how)


def whole(client: RegistryClient, host: str, start: int = 0, size: int = 10_000) -> bytes:
    with client.blob(parse_reference(f"{host}/app:1"), BLOB, start=start) as stream:
        return b"".join(iter(lambda: stream.read(size), b""))


@pytest.mark.parametrize("start", [0, 5, PIECE * 3 + 7])
@pytest.mark.parametrize("most", [0, 1, 6])
def test_a_large_blob_comes_in_pieces_each_once(start: int, most: int) -> None:
    server = Server()
    how = msgspec.structs.replace(HOW, most_ahead=most)
    with serving(server.answer) as host, client_of(how) as client:
        assert whole(client, host, start) == DATA[start:]
    expected = [
        f"bytes={at}-{min(at + PIECE, len(DATA)) - 1}" for at in range(start, len(DATA), PIECE)
    ]
    assert sorted(server.asked) == sorted(expected)


def test_a_small_blob_and_the_end_of_a_large_one_come_in_one_request() -> None:
    server = Server()
    with serving(server.answer) as host, client_of(Piecewise()) as client:
        assert whole(client, host) == DATA
    with serving(server.answer) as host, client_of() as client:
        assert whole(client, host, 250_000) == DATA[250_000:]
    assert server.asked == ["", "bytes=250000-"]


@pytest.mark.parametrize("at", [None, 0, 5, PIECES - 1])
@pytest.mark.parametrize(
    "odd", ["whole", "refused", "limited", "failing", "before", "total", "less"]
)
def test_whatever_is_odd_about_a_range_ends_in_one_request(odd: str, at: int | None) -> None:
    server = Server(odd, at)
    with serving(server.answer) as host, client_of() as client:
        assert whole(client, host) == DATA
        assert whole(client, host, 0, 1 << 20) == DATA
    open_ended = [each for each in server.asked[:-1] if each and each.endswith("-")]
    assert len(open_ended) <= 1
    if odd == "limited":
        assert not open_ended


def test_a_server_without_ranges_gets_one_request() -> None:
    server = Server("whole")
    with serving(server.answer) as host, client_of() as client:
        assert whole(client, host) == DATA
    assert len(server.asked) == 1


def test_what_was_damaged_in_pieces_is_asked_for_in_one_request() -> None:
    server = Server("other", 4)
    with serving(server.answer) as host, client_of() as client:
        damaged = whole(client, host)
        assert len(damaged) == len(DATA)
        assert damaged != DATA
        assert whole(client, host) == DATA
    assert server.asked[-1] == ""


def test_where_a_redirect_leads_nobody_gets_credentials() -> None:
    there = Server()

    def registry(handler: http.server.BaseHTTPRequestHandler) -> None:
        if not handler.headers.get("Authorization"):
            _send(handler, 401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
        else:
            place = f"http://localhost:{port}{handler.path}"
            _send(handler, 307, b"", {"Location": place} if "/blobs/" in handler.path else {})

    with serving(there.answer) as store, serving(registry) as host:
        port = store.rpartition(":")[2]
        with client_of(login=Credentials("me", "secret")) as client:
            assert whole(client, host) == DATA
    assert len(there.asked) == PIECES
    assert set(there.seen) == {None}


def test_a_reader_that_stops_leaves_nothing_taken() -> None:
    server = Server()
    with serving(server.answer) as host, client_of() as client:
        for start in (0, 1):
            with client.blob(parse_reference(f"{host}/app:1"), BLOB, start=start) as stream:
                stream.read(PIECE)
                stream.read(PIECE)
        _until(lambda: client._pieces.free._value == HOW.most_ahead)


def _until(true: Callable[[], bool]) -> None:
    ended = threading.Event()
    for _ in range(500):
        if true():
            return
        ended.wait(0.01)
    raise AssertionError("it never becomes true")


class _Answer(io.BytesIO):
    def read(self, size: int | None = -1, /, *, decode_content: bool = False) -> bytes:
        return super().read(size)

    def release_conn(self) -> None: ...


def _pieces(
    seconds: float, fetch: Callable[[int, int], bytes | None], how: Piecewise = HOW
) -> Pieces:
    times = iter([0.0, seconds])
    first: Any = _Answer(DATA[:PIECE])
    return Pieces(first, 0, BLOB, fetch, PieceBudget(how), lambda: next(times))


@pytest.mark.parametrize("seconds", [0.001, 9.0], ids=["fast", "slow"])
def test_a_line_that_limits_no_connection_or_is_slow_itself_gets_one_request(
    seconds: float,
) -> None:
    def fetch(_offset: int, _length: int) -> bytes:
        raise AssertionError("nothing is fetched")

    pieces = _pieces(seconds, fetch, msgspec.structs.replace(HOW, least_seconds=0.03))
    assert pieces.read(PIECE, decode_content=False) == DATA[:PIECE]
    assert pieces.read(PIECE, decode_content=False) == b""


def test_a_piece_that_fails_ends_the_pieces_before_it() -> None:
    def fetch(offset: int, length: int) -> bytes:
        if offset == 3 * PIECE:
            raise RegistryError("no")
        return DATA[offset : offset + length]

    pieces = _pieces(0.1, fetch)
    got = b"".join(iter(lambda: pieces.read(7000, decode_content=False), b""))
    assert got == DATA[: 3 * PIECE]
    pieces.close()
