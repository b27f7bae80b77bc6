"""Uploads in chunks, uploads that break and go on, and registries that refuse one form."""

from __future__ import annotations

import io

import pytest

from jettison.errors import AuthenticationError, RegistryError, RegistryUnavailableError
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.registry.blob_upload import BlobUpload, Repository
from jettison.registry.credentials import Credentials

DATA = bytes(range(250)) * 4
BLOB = Descriptor("application/octet-stream", sha256_digest(DATA), len(DATA))
QUERY = f"digest={BLOB.digest.replace(':', '%3A')}"
POST = "POST /v2/a/b/blobs/uploads/"


@pytest.fixture
def upload(registry, client_of, monkeypatch):
    monkeypatch.setattr("jettison.registry.blob_upload._PAUSE_SECONDS", 0)
    client = client_of(Credentials("me", "secret"))
    endpoint = client.hosts.endpoints(registry.reference(), push=True)[0]
    repository = Repository(client.session, endpoint, ("repository:a/b:pull,push",))

    def make(chunk_bytes: int = 0) -> BlobUpload:
        return BlobUpload(repository, BLOB, lambda: io.BytesIO(DATA), lambda *_: None, chunk_bytes)

    return make


def patches(registry) -> list[tuple[str, str, int]]:
    """Return path, range and size of each chunk."""
    return [
        (each.line.split()[1], each.headers["content-range"], len(each.body))
        for each in registry.asked
        if each.line.startswith("PATCH")
    ]


def body(registry, method: str) -> bytes:
    return b"".join(each.body for each in registry.asked if each.line.startswith(method))


def test_a_blob_goes_in_chunks_each_to_where_the_last_one_led(registry, upload):
    registry.give(POST, 202, Location="/u/0")
    for number, end in ((0, 399), (1, 799), (2, 999)):
        registry.give(f"PATCH /u/{number}", 202, Location=f"/u/{number + 1}", Range=f"0-{end}")
    registry.give(f"PUT /u/3?{QUERY}", 201)
    upload(400).send()
    assert patches(registry) == [
        ("/u/0", "0-399", 400),
        ("/u/1", "400-799", 400),
        ("/u/2", "800-999", 200),
    ]
    assert body(registry, "PATCH") == DATA
    assert registry.asked[-1].body == b""


def test_a_registry_names_the_least_size_of_a_chunk(registry, upload):
    registry.give(POST, 202, Location="/u")
    registry.give("PATCH /u", 202, OCI_Chunk_Min_Length="600")
    registry.give(f"PUT /u?{QUERY}", 201)
    upload(400).send()
    assert [each[1] for each in patches(registry)] == ["0-399", "400-999"]


def test_what_a_registry_did_not_keep_of_a_chunk_is_sent_again(registry, upload):
    registry.give(POST, 202, Location="/u")
    registry.give("PATCH /u", 202, Range="0-299")
    registry.give("PATCH /u", 202, Range="0-699")
    registry.give("PATCH /u", 202, Range="0-999")
    registry.give(f"PUT /u?{QUERY}", 201)
    upload(400).send()
    assert [each[1] for each in patches(registry)] == ["0-399", "300-699", "700-999"]


def test_a_chunk_that_breaks_goes_on_at_what_the_registry_has(registry, upload):
    registry.give(POST, 202, Location="/u")
    registry.give("PATCH /u", 202, Location="/v")
    registry.give("PATCH /v", 503)
    registry.give("GET /v", 204, Range="0-549", Location="/w")
    registry.give("PATCH /w", 202)
    registry.give(f"PUT /w?{QUERY}", 201)
    upload(400).send()
    assert [each[:2] for each in patches(registry)][2:] == [("/w", "550-949"), ("/w", "950-999")]
    assert POST in registry.lines
    assert registry.lines.count(POST) == 1


def test_a_blob_in_one_request_that_breaks_goes_on_too(registry, upload):
    registry.give(POST, 202, Location="/u")
    registry.give(f"PUT /u?{QUERY}", 502)
    registry.give("GET /u", 204, Range="0-499")
    registry.give("PATCH /u", 202)
    registry.give(f"PUT /u?{QUERY}", 201)
    upload().send()
    assert patches(registry) == [("/u", "500-999", 500)]
    assert registry.asked[-1].body == b""


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_registry_without_chunks_gets_all_in_one_request(registry, upload, status):
    registry.give(POST, 202, Location="/u")
    registry.give("PATCH /u", status)
    registry.give(f"PUT /u?{QUERY}", 201)
    upload(400).send()
    assert registry.asked[-1].body == DATA


def test_what_is_too_large_goes_in_smaller_chunks(registry, upload, monkeypatch):
    monkeypatch.setattr("jettison.registry.blob_upload._LEAST_CHUNK_BYTES", 100)
    registry.give(POST, 202, Location="/u")
    registry.give(f"PUT /u?{QUERY}", 413)
    registry.give("PATCH /u", 413)
    registry.give("PATCH /u", 202)
    registry.give(f"PUT /u?{QUERY}", 201)
    upload().send()
    assert [each[2] for each in patches(registry)] == [250, *[100] * 10]


def test_what_is_too_large_however_it_is_sent_is_an_error(registry, upload, monkeypatch):
    monkeypatch.setattr("jettison.registry.blob_upload._LEAST_CHUNK_BYTES", 100)
    registry.give(POST, 202, Location="/u")
    registry.give(f"PUT /u?{QUERY}", 413)
    registry.give("PATCH /u", 405)
    with pytest.raises(RegistryError) as raised:
        upload().send()
    assert raised.value.status == 413
    assert len(registry.asked) < 10


@pytest.mark.parametrize("status", [400, 404, 416])
def test_an_upload_that_is_lost_or_damaged_is_begun_anew_once(registry, upload, status):
    registry.give(POST, 202, Location="/u")
    registry.give(f"PUT /u?{QUERY}", status, b'{"errors":[{"code":"DIGEST_INVALID"}]}')
    with pytest.raises(RegistryError, match="DIGEST_INVALID"):
        upload().send()
    assert registry.lines.count(POST) == 2


def test_an_answer_that_got_lost_is_no_failure(registry, upload):
    registry.give(POST, 202, Location="/u")
    registry.give(f"PUT /u?{QUERY}", 502)
    registry.give(f"HEAD /v2/a/b/blobs/{BLOB.digest}", 200)
    upload().send()
    assert registry.lines.count(POST) == 1


def test_a_pause_that_is_asked_for_is_made_unless_it_is_long(registry, upload, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(
        "jettison.registry.blob_upload.pause", lambda seconds, _: waited.append(seconds)
    )
    registry.give(POST, 202, Location="/u")
    registry.give(f"PUT /u?{QUERY}", 429, Retry_After="7")
    registry.give(f"PUT /u?{QUERY}", 429, Retry_After="3600")
    with pytest.raises(RegistryError) as raised:
        upload().send()
    assert waited == [7.0]
    assert raised.value.wait_seconds == 3600


def test_who_may_not_push_is_told_at_once(registry, upload):
    registry.give(POST, 403)
    with pytest.raises(AuthenticationError):
        upload().send()
    assert registry.lines == [POST]


def test_a_registry_that_stays_away_is_given_up(registry, upload):
    registry.give(POST, 202, Location="/u")
    registry.give(f"PUT /u?{QUERY}", 500)
    with pytest.raises(RegistryUnavailableError):
        upload().send()
    assert sum(line.startswith("PUT") for line in registry.lines) == 4


def test_an_upload_that_another_host_takes_gets_no_credentials(registry, upload):
    registry.give(POST, 401, WWW_Authenticate="Basic realm=x")
    registry.give(POST, 202, Location=f"http://localhost:{registry.host.partition(':')[2]}/u")
    registry.give(f"PUT /u?{QUERY}", 201)
    upload().send()
    sent = [each.headers.get("authorization") for each in registry.asked]
    assert sent == [None, "Basic bWU6c2VjcmV0", None]
