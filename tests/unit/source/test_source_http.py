"""Downloads."""

from __future__ import annotations

import email.utils
import hashlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from jettison.errors import ContextError, DigestMismatchError, RegistryError
from jettison.registry.headers import parse_http_date
from jettison.registry.transport import Transport
from jettison.source.access import Access
from jettison.source.http import HttpSource
from jettison.store.store import Store

MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"
MODIFIED_NS = 1_700_000_000 * 10**9


@pytest.fixture
def source(store: Store) -> Iterator[HttpSource]:
    transport = Transport({}, attempts=2, backoff_seconds=0.01)
    yield HttpSource(store, Access({}), transport)
    transport.close()


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def test_a_file_has_the_servers_time_and_nobodys_rights(
    source: HttpSource, store: Store, server: Any
) -> None:
    server.give("/f", b"content", Last_Modified=MODIFIED)
    told: list[tuple[str, int, int]] = []
    file = source.fetch(server.url + "/f", report=lambda *args: told.append(args))
    assert (file.digest, file.mtime_ns) == (sha256(b"content"), MODIFIED_NS)
    assert told[-1][1:] == (7, 7)
    tree = file.tree(store, "name")
    facts = tree.lstat("/name")
    assert facts is not None
    assert (facts.mode, facts.size, facts.mtime_ns) == (0o100600, 7, MODIFIED_NS)
    assert tree.names("/") == ["name"]
    assert tree.file_digest("/name").hex() == file.digest.removeprefix("sha256:")


@pytest.mark.parametrize("validator", [{"ETag": '"1"'}, {"Last_Modified": MODIFIED}])
def test_what_is_unchanged_is_not_sent_again(
    source: HttpSource, server: Any, validator: dict[str, str]
) -> None:
    server.give("/f", b"content", **validator)
    first = source.fetch(server.url + "/f")
    server.give("/f", b"", 304)
    assert source.fetch(server.url + "/f") == first
    headers = server.asked[-1][1]
    assert headers.get("if-none-match", headers.get("if-modified-since")) in validator.values()


def test_what_changed_is_taken(source: HttpSource, server: Any) -> None:
    server.give("/f", b"old", ETag='"1"')
    source.fetch(server.url + "/f")
    server.give("/f", b"new", ETag='"2"')
    assert source.fetch(server.url + "/f").digest == sha256(b"new")


def test_a_known_checksum_asks_nobody(source: HttpSource, server: Any) -> None:
    server.give("/f", b"content")
    source.fetch(server.url + "/f", checksum=sha256(b"content"))
    source.fetch(server.url + "/f", checksum=sha256(b"content"))
    assert len(server.asked) == 1


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_a_checksum_is_checked(
    source: HttpSource, store: Store, server: Any, algorithm: str
) -> None:
    server.give("/f", b"content")
    right = f"{algorithm}:{hashlib.new(algorithm, b'content').hexdigest()}"
    wrong = f"{algorithm}:{hashlib.new(algorithm, b'other').hexdigest()}"
    with pytest.raises(DigestMismatchError, match="digest mismatch"):
        source.fetch(server.url + "/f", checksum=wrong)
    assert store.blobs.all() == []
    assert source.fetch(server.url + "/f", checksum=right).digest == sha256(b"content")
    with pytest.raises(DigestMismatchError):
        source.fetch(server.url + "/f", checksum=wrong)


def test_redirects_are_followed(source: HttpSource, server: Any) -> None:
    server.give("/r", b"", 302, Location="/f")
    server.give("/f", b"content")
    assert source.fetch(server.url + "/r").digest == sha256(b"content")


def test_redirects_without_end_are_an_error(source: HttpSource, server: Any) -> None:
    server.give("/r", b"", 302, Location="/r")
    with pytest.raises(RegistryError, match="too often"):
        source.fetch(server.url + "/r")


@pytest.mark.parametrize("status", [404, 403, 500])
def test_a_refusal_is_an_error(source: HttpSource, server: Any, status: int) -> None:
    server.give("/f", b"no", status)
    with pytest.raises(ContextError, match=f"invalid response status {status}"):
        source.fetch(server.url + "/f")


def test_a_body_that_ends_early_is_an_error(source: HttpSource, store: Store, server: Any) -> None:
    server.give("/f", b"half", Content_Length="8")
    with pytest.raises(ContextError, match=r"ended after 4 of 8 bytes|connection broke"):
        source.fetch(server.url + "/f")
    assert store.blobs.all() == []


def test_what_breaks_off_is_begun_anew(source: HttpSource, server: Any) -> None:
    answers = [(200, {"Content-Length": "8"}, b"half")] * 2 + [(200, {}, b"complete")]
    server.answers["/f"] = lambda _: answers.pop(0)
    assert source.fetch(server.url + "/f").digest == sha256(b"complete")


@pytest.mark.parametrize("when", ["1", "date"])
def test_a_server_says_when_to_try_again(source: HttpSource, server: Any, when: str) -> None:
    begun = time.time()
    date = email.utils.formatdate(begun + 2, usegmt=True)
    busy = (503, {"Retry-After": date if when == "date" else when}, b"")
    answers = [busy, (200, {}, b"content")]
    server.answers["/f"] = lambda _: answers.pop(0)
    assert source.fetch(server.url + "/f").digest == sha256(b"content")
    assert time.time() - begun > 0.9


def test_credentials_are_sent_and_not_told(source: HttpSource, server: Any) -> None:
    server.give("/f", b"no", 401)
    url = server.url.replace("//", "//us%3Aer:secret@") + "/f"
    with pytest.raises(ContextError) as caught:
        source.fetch(url)
    assert "secret" not in str(caught.value)
    assert server.asked[-1][1]["authorization"] == "Basic dXM6ZXI6c2VjcmV0"
    assert "xxxxx:xxxxx@127.0.0.1" in str(caught.value)


def test_offline_takes_what_is_known(store: Store, source: HttpSource, server: Any) -> None:
    server.give("/f", b"content")
    known = source.fetch(server.url + "/f")
    offline = HttpSource(store, Access({}, offline=True))
    assert offline.fetch(server.url + "/f") == known
    with pytest.raises(ContextError, match="was never downloaded"):
        offline.fetch(server.url + "/g")
    offline.close()
    assert len(server.asked) == 1


@pytest.mark.parametrize("text", ["", "yesterday", "Tue, 99 Nov 2023 22:13:20 GMT", "0" * 5000])
def test_what_is_no_date_is_no_time(text: str) -> None:
    assert parse_http_date(text) == 0


@pytest.mark.parametrize("url", ["ftp://h/f", "http:///f", "file:///etc/passwd"])
def test_other_urls_are_refused(source: HttpSource, url: str) -> None:
    with pytest.raises(ContextError, match="is no http URL"):
        source.fetch(url)
