"""What a client asks, and what it makes of the answers."""

from __future__ import annotations

import json

import pytest

from jettison.errors import DigestMismatchError, InvalidManifestError, RegistryError
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import parse_reference
from jettison.registry.client import PulledManifest
from jettison.registry.credentials import Credentials

TYPE = "application/vnd.oci.image.manifest.v1+json"
DATA = b'{"schemaVersion":2}'
DIGEST = sha256_digest(DATA)
MANIFEST = "/v2/a/b/manifests/1"


def test_a_tag_is_resolved_by_its_headers(registry, client_of):
    registry.give(
        f"HEAD {MANIFEST}",
        body=DATA,
        Docker_Content_Digest=DIGEST,
        Content_Type=f"{TYPE}; charset=utf-8",
    )
    assert client_of().resolve(registry.reference()) == Descriptor(TYPE, DIGEST, len(DATA))
    assert TYPE in registry.asked[0].headers["accept"]


@pytest.mark.parametrize("header", [{}, {"Docker_Content_Digest": "sha256:" + "0" * 64}])
def test_an_answer_without_a_digest_or_with_another_is_read_in_full(registry, client_of, header):
    by_digest = f"/v2/a/b/manifests/{DIGEST}"
    registry.give(f"HEAD {by_digest}", body=DATA, Content_Type=TYPE, **header)
    registry.give(f"GET {by_digest}", body=DATA, Content_Type=TYPE)
    found = client_of().resolve(registry.reference(f"a/b@{DIGEST}"))
    assert found == Descriptor(TYPE, DIGEST, len(DATA))
    assert registry.lines == [f"HEAD {by_digest}", f"GET {by_digest}"]


def test_what_is_not_there_is_none(registry, client_of):
    client = client_of()
    assert client.resolve(registry.reference()) is None
    assert client.manifest(registry.reference()) is None


def test_a_manifest_is_its_bytes_and_their_digest(registry, client_of):
    registry.give(f"GET {MANIFEST}", body=DATA, Content_Type=TYPE)
    found = client_of().manifest(registry.reference())
    assert found == PulledManifest(Descriptor(TYPE, DIGEST, len(DATA)), DATA)


def test_a_manifest_of_another_digest_is_an_error(registry, client_of):
    registry.give(f"GET /v2/a/b/manifests/{DIGEST}", body=DATA + b" ", Content_Type=TYPE)
    with pytest.raises(DigestMismatchError):
        client_of().manifest(registry.reference(f"a/b@{DIGEST}"))


def test_a_page_of_a_proxy_is_no_manifest(registry, client_of):
    registry.give(f"GET {MANIFEST}", body=b"<html>log in</html>", Content_Type="text/html")
    with pytest.raises(RegistryError, match=registry.host):
        client_of().manifest(registry.reference())


def test_a_document_is_bounded_and_verified(registry, client_of):
    registry.give(f"GET /v2/a/b/blobs/{DIGEST}", body=DATA)
    client, reference = client_of(), registry.reference()
    assert client.document(reference, Descriptor(TYPE, DIGEST, len(DATA))) == DATA
    with pytest.raises(InvalidManifestError, match="is too large"):
        client.document(reference, Descriptor(TYPE, DIGEST, 1 << 40))
    registry.answers = {}
    registry.give(f"GET /v2/a/b/blobs/{DIGEST}", body=DATA.replace(b"2", b"3"))
    with pytest.raises(DigestMismatchError):
        client.document(reference, Descriptor(TYPE, DIGEST, len(DATA)))


def test_a_missing_blob_is_named(registry, client_of):
    with pytest.raises(RegistryError) as caught:
        client_of().blob(registry.reference(), Descriptor(TYPE, DIGEST, 1))
    assert caught.value.message == f"registry `{registry.host}` lacks blob `{DIGEST}` of `a/b`"
    assert caught.value.status == 404


def test_tags_are_read_page_by_page(registry, client_of):
    pages = [["1", "2"], ["3"], None]
    lines = ["/v2/a/b/tags/list?n=1000", "/v2/a/b/tags/list?last=2", "/v2/a/b/tags/list?last=3"]
    links = [f'<{lines[1]}>; rel="next"', '<?last=3>; rel="next"', ""]
    for line, tags, link in zip(lines, pages, links, strict=True):
        registry.give(f"GET {line}", body=json.dumps({"tags": tags}).encode(), Link=link)
    assert client_of().tags(registry.reference()) == ["1", "2", "3"]
    assert registry.lines == [f"GET {line}" for line in lines]


@pytest.mark.parametrize(
    ("body", "link", "message"),
    [
        (b"[", "", "the list of tags is not valid JSON"),
        (b"[" * 100_000, "", "the list of tags is not valid JSON"),
        (b"{}", '<ftp://h/>; rel="next"', "names more of a list at a place that cannot be asked"),
    ],
    ids=["json", "deep", "scheme"],
)
def test_lists_of_tags_that_are_none_are_errors(registry, client_of, body, link, message):
    registry.give("GET /v2/a/b/tags/list?n=1000", body=body, Link=link)
    with pytest.raises(RegistryError, match=message):
        client_of().tags(registry.reference())


def test_endless_pages_of_tags_end(registry, client_of, monkeypatch):
    monkeypatch.setattr("jettison.registry.client._MAX_TAGS", 5)
    line = "/v2/a/b/tags/list?n=1000"
    registry.give(f"GET {line}", body=b'{"tags":["x","y"]}', Link=f'<{line}>; rel="next"')
    with pytest.raises(RegistryError, match="lists more than 5 tags of `a/b`"):
        client_of().tags(registry.reference())


@pytest.mark.parametrize("status", [404, 500])
def test_what_a_mirror_lacks_the_registry_has(registry, client_of, status):
    mirror = "HEAD /v2/mirror/library/x/manifests/latest"
    registry.give(mirror, status)
    registry.give("HEAD /v2/library/x/manifests/latest", 200, DATA, Docker_Content_Digest=DIGEST)
    client = client_of(None, f"http://{registry.host}/mirror", f"http://{registry.host}")
    found = client.resolve(parse_reference("x"))
    assert found.digest == DIGEST
    assert set(registry.lines) == {mirror, "HEAD /v2/library/x/manifests/latest"}


def test_credentials_are_tried(registry, client_of):
    registry.give("GET /v2/", 200)
    registry.give("GET /v2/", 401, WWW_Authenticate='Basic realm="x"')
    registry.give("GET /v2/", 200)
    client_of().check(registry.host, Credentials("me", "secret"))
    sent = [each.headers.get("authorization") for each in registry.asked]
    assert sent == [None, None, "Basic bWU6c2VjcmV0"]


def test_pages_of_referrers_are_one_index(registry, client_of):
    line = f"/v2/a/b/referrers/{DIGEST}"
    entries = [
        {"mediaType": TYPE, "digest": "sha256:" + letter * 64, "size": 1, "artifactType": "a/b"}
        for letter in "12"
    ]
    first, second = (
        json.dumps({"schemaVersion": 2, "manifests": [each]}).encode() for each in entries
    )
    registry.give(f"GET {line}", body=first, Link=f'<{line}?next=2>; rel="next"')
    registry.give(f"GET {line}?next=2", body=second)
    found = json.loads(client_of().referrers(registry.reference(), DIGEST) or b"")
    assert found["manifests"] == entries


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_registry_that_lists_no_referrers_says_nothing(registry, client_of, status):
    registry.give(f"GET /v2/a/b/referrers/{DIGEST}", status)
    assert client_of().referrers(registry.reference(), DIGEST) is None


def test_referrers_without_end_are_an_error(registry, client_of, monkeypatch):
    monkeypatch.setattr("jettison.registry.client._MAX_REFERRER_PAGES", 3)
    line = f"/v2/a/b/referrers/{DIGEST}"
    body = b'{"schemaVersion":2,"manifests":[]}'
    registry.give(f"GET {line}", body=body, Link=f'<{line}>; rel="next"')
    with pytest.raises(RegistryError, match="referrers without end"):
        client_of().referrers(registry.reference(), DIGEST)
    assert len(registry.asked) == 3


def test_bytes_that_were_damaged_on_their_way_are_asked_for_once_more(registry, client_of):
    for line in (f"GET {MANIFEST}", f"GET /v2/a/b/blobs/{DIGEST}"):
        registry.give(line, body=DATA + b" ", Content_Type=TYPE, Docker_Content_Digest=DIGEST)
        registry.give(line, body=DATA, Content_Type=TYPE, Docker_Content_Digest=DIGEST)
    client, reference = client_of(), registry.reference()
    assert client.manifest(reference).data == DATA
    spoilt = DATA.replace(b"2", b"3")
    registry.answers[f"GET /v2/a/b/blobs/{DIGEST}"][0] = (200, {}, spoilt)
    assert client.document(reference, Descriptor(TYPE, DIGEST, len(DATA))) == DATA


def test_a_tag_s_manifest_is_compared_with_the_digest_that_the_registry_names(registry, client_of):
    registry.give(f"GET {MANIFEST}", body=DATA, Docker_Content_Digest="sha256:" + "0" * 64)
    with pytest.raises(DigestMismatchError):
        client_of().manifest(registry.reference())
