"""Blobs across connections that break."""

from __future__ import annotations

import time

import pytest

from jettison.errors import RegistryError, RegistryUnavailableError, SizeMismatchError
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import parse_reference
from jettison.registry.blob import BlobPart, BlobStream
from jettison.registry.blob_request import request_blob

DATA = bytes(range(256)) * 40
BLOB = Descriptor("application/octet-stream", sha256_digest(DATA), len(DATA))
PATH = f"GET /v2/a/b/blobs/{BLOB.digest}"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("jettison.registry.blob._PAUSE_SECONDS", 0)


@pytest.fixture
def stream(registry, client_of):
    def opened() -> BlobStream:
        return client_of().blob(registry.reference(), BLOB)

    return opened


def whole(stream: BlobStream, size: int = 1000) -> bytes:
    with stream:
        return b"".join(iter(lambda: stream.read(size), b""))


def ranges(registry) -> list[str]:
    return [each.headers.get("range", "") for each in registry.asked]


@pytest.mark.parametrize("size", [1, 999, 1 << 20])
def test_a_blob_is_read_in_pieces(registry, stream, size):
    registry.give(PATH, body=DATA)
    assert whole(stream(), max(size, 64)) == DATA
    assert ranges(registry) == [""]


def test_a_broken_connection_is_resumed_where_it_broke(registry, stream):
    registry.give(PATH, body=DATA[:3000], Content_Length=str(len(DATA)))
    registry.give(
        PATH,
        206,
        DATA[3000:5000],
        Content_Range="bytes 3000-/*",
        Content_Length=str(len(DATA) - 3000),
    )
    registry.give(PATH, 206, DATA[5000:], Content_Range="bytes 5000-/*")
    assert whole(stream()) == DATA
    assert ranges(registry)[0] == ""
    assert ranges(registry)[1] == "bytes=3000-"
    assert ranges(registry)[2] == "bytes=5000-"


def test_a_registry_without_ranges_sends_all_again_and_what_is_known_is_skipped(registry, stream):
    registry.give(PATH, body=DATA[:3000], Content_Length=str(len(DATA)))
    registry.give(PATH, body=DATA)
    assert whole(stream()) == DATA


def test_an_answer_that_ends_too_early_is_resumed_too(registry, stream):
    registry.give(PATH, body=DATA[:100])
    registry.give(PATH, 206, DATA[100:], Content_Range="bytes 100-/*")
    assert whole(stream()) == DATA


def test_more_bytes_than_promised_are_an_error(registry, stream):
    registry.give(PATH, body=DATA + b"x")
    with pytest.raises(SizeMismatchError) as caught:
        whole(stream())
    assert caught.value.message == f"blob `{BLOB.digest}` is larger than its {len(DATA)} bytes"


def test_a_connection_that_breaks_without_end_is_an_error(registry, stream):
    registry.give(PATH, body=b"", Content_Length=str(len(DATA)))
    began = time.monotonic()
    with pytest.raises(RegistryUnavailableError) as caught:
        whole(stream())
    assert caught.value.message == (
        f"the connection broke 5 times while downloading `{BLOB.digest}`"
    )
    assert len(registry.asked) == 6
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("there", [b"", DATA[:100]])
def test_a_blob_that_is_shorter_at_the_registry_is_damaged_content(registry, stream, there):
    registry.give(PATH, body=there)  # each time, whole by its own account
    with pytest.raises(SizeMismatchError) as caught:
        whole(stream())
    assert caught.value.message == (
        f"blob `{BLOB.digest}` has {len(there)} of its {len(DATA)} bytes at the registry"
    )
    assert len(registry.asked) == 6


def test_a_range_that_begins_behind_the_end_says_so_at_once(registry, stream):
    registry.give(PATH, body=DATA[:100])
    registry.give(PATH, 416)
    with pytest.raises(SizeMismatchError, match=f"has 100 of its {len(DATA)} bytes"):
        whole(stream())
    assert len(registry.asked) == 2


def test_a_blob_that_goes_while_it_is_read_is_an_error(registry, stream):
    registry.give(PATH, body=DATA[:100])
    registry.give(PATH, 404)
    with pytest.raises(RegistryError, match="vanished"):
        whole(stream())


def test_a_closed_stream_ends(registry, stream):
    registry.give(PATH, body=DATA)
    opened = stream()
    assert len(opened.read(10)) == 10
    opened.close()
    opened.close()
    assert registry.lines == [PATH]


def test_a_range_that_starts_before_is_skipped_to_where_it_broke(registry, stream):
    registry.give(PATH, body=DATA[:3000], Content_Length=str(len(DATA)))
    registry.give(PATH, 206, DATA[1000:], Content_Range=f"bytes 1000-{len(DATA) - 1}/{len(DATA)}")
    assert whole(stream()) == DATA


@pytest.mark.parametrize("said", ["bytes */10240", "bytes 4000-10239/10240", "items 3000-9/10"])
def test_a_range_of_other_bytes_is_not_taken(registry, stream, said):
    registry.give(PATH, body=DATA[:3000], Content_Length=str(len(DATA)))
    registry.give(PATH, 206, DATA[4000:], Content_Range=said)
    registry.give(PATH, 206, DATA[3000:], Content_Range=f"bytes 3000-{len(DATA) - 1}/{len(DATA)}")
    assert whole(stream()) == DATA


def test_where_a_mirror_breaks_off_another_one_goes_on(registry, client_of):
    mirrors = [f"http://{registry.host}/m{n}" for n in (1, 2)]
    path = f"/library/x/blobs/{BLOB.digest}"
    registry.give(f"GET /v2/m1{path}", body=DATA[:3000], Content_Length=str(len(DATA)))
    registry.give(f"GET /v2/m1{path}", 200, b"", Content_Length=str(len(DATA)))
    registry.give(f"GET /v2/m2{path}", 206, DATA[3000:], Content_Range="bytes 3000-/*")
    client = client_of(None, *mirrors)
    assert whole(client.blob(parse_reference("x"), BLOB)) == DATA
    assert registry.lines[-1] == f"GET /v2/m2{path}"


def test_a_server_that_drips_is_asked_again_and_then_given_up(registry, client_of):
    now = [0.0]

    def clock() -> float:
        now[0] += 61
        return now[0]

    client = client_of()
    opened = []

    def open_at(offset: int, _failures: int) -> BlobPart:
        opened.append(offset)
        endpoint = client.hosts.endpoints(registry.reference())[0]
        part = request_blob(client.session, endpoint, BLOB, 0)
        assert part is not None
        return part

    registry.give(PATH, body=DATA)
    dripping = BlobStream(BLOB, open_at, open_at(0, 0), clock)
    with pytest.raises(RegistryError, match="less than 64 KiB"):
        whole(dripping, 10)
    assert len(opened) == 6


def test_a_range_that_says_nothing_is_the_one_that_was_asked_for(registry, stream):
    registry.give(PATH, body=DATA[:3000], Content_Length=str(len(DATA)))
    registry.give(PATH, 206, DATA, Content_Type="multipart/byteranges; boundary=x")
    registry.give(PATH, 206, DATA[3000:])
    assert whole(stream()) == DATA
