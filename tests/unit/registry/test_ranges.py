"""Ranges of blobs, as servers give them or do not."""

from __future__ import annotations

import http.server

import pytest

from jettison.errors import RegistryError
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import parse_reference
from jettison.registry.client import RegistryClient
from jettison.registry.endpoint import RegistryHosts
from jettison.registry.ranges import read_range
from jettison.registry.transport import Transport
from server_rig import serving

DATA = bytes(range(200))
BLOB = Descriptor("x", Digest("sha256:" + "1" * 64), len(DATA))


@pytest.mark.parametrize(
    ("status", "said", "body", "expected"),
    [
        (206, "bytes 10-19/200", DATA[10:20], DATA[10:20]),
        (206, "bytes 0-9/200", DATA[:10], None),  # other bytes
        (206, "", DATA[10:20], None),
        (200, "", DATA, None),  # all of it
        (416, "", b"", None),
        (404, "", b"", None),
    ],
)
def test_exactly_the_bytes_that_were_asked_for_or_none(
    status: int, said: str, body: bytes, expected: bytes | None
) -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        if said:
            handler.send_header("Content-Range", said)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    assert _read(answer) == expected


def test_a_server_that_sends_less_is_asked_again_and_an_error_in_the_end() -> None:
    asked = []

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        if "Range" not in handler.headers:  # whether it speaks http
            handler.send_response(200)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        asked.append(handler.headers["Range"])
        handler.send_response(206)
        handler.send_header("Content-Range", "bytes 10-19/200")
        handler.send_header("Content-Length", "10" if len(asked) == 2 else "4")
        handler.end_headers()
        handler.wfile.write(DATA[10:20] if len(asked) == 2 else DATA[10:14])

    assert _read(answer) == DATA[10:20]
    assert asked == ["bytes=10-19"] * 2
    asked += ["more"] * 2
    with pytest.raises(RegistryError, match="and not the 10"):
        _read(answer)


def _read(answer) -> bytes | None:
    with (
        serving(answer) as host,
        RegistryClient(
            RegistryHosts(), lambda _: None, Transport({}, backoff_seconds=0.01)
        ) as client,
    ):
        return read_range(
            client.session, client.hosts, parse_reference(f"{host}/app:1"), BLOB, 10, 10
        )
