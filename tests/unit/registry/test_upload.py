"""Blobs and manifests on their way into a repository."""

from __future__ import annotations

import io

import pytest

from jettison.errors import DigestMismatchError, RegistryError
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import parse_reference
from jettison.registry.upload import Uploaded, Uploader

DATA = b"layer" * 1000
BLOB = Descriptor("application/octet-stream", sha256_digest(DATA), len(DATA))
ESCAPED = BLOB.digest.replace(":", "%3A")
HEAD = f"HEAD /v2/a/b/blobs/{BLOB.digest}"
POST = "POST /v2/a/b/blobs/uploads/"
MOUNT = f"POST /v2/a/b/blobs/uploads/?mount={ESCAPED}&from=c%2Fd"


@pytest.fixture
def uploader(registry, client_of, monkeypatch):
    monkeypatch.setattr("jettison.registry.blob_upload._PAUSE_SECONDS", 0)
    return Uploader(client_of(), registry.reference())


def test_a_blob_that_is_there_is_not_sent(registry, uploader):
    registry.give(HEAD, 200)
    assert uploader.blob(BLOB, lambda: io.BytesIO(DATA)) is Uploaded.EXISTED
    assert registry.lines == [HEAD]


def test_a_blob_is_sent_to_where_the_registry_wants_it(registry, uploader):
    registry.give(POST, 202, Location="/there?state=x")
    registry.give(f"PUT /there?state=x&digest={ESCAPED}", 201)
    reported: list[tuple[str, int, int]] = []
    how = uploader.blob(BLOB, lambda: io.BytesIO(DATA), report=lambda *each: reported.append(each))
    assert how is Uploaded.SENT
    assert registry.asked[-1].body == DATA
    assert registry.asked[-1].headers["content-type"] == "application/octet-stream"
    assert reported[-1] == (BLOB.digest, len(DATA), len(DATA))


def test_a_blob_of_another_repository_is_mounted(registry, uploader):
    registry.give(MOUNT, 201)
    source = registry.reference("c/d")
    assert uploader.blob(BLOB, lambda: io.BytesIO(DATA), mount_from=source) is Uploaded.MOUNTED
    assert registry.lines == [HEAD, MOUNT]


def test_a_mount_that_is_refused_is_an_upload_that_is_given_up(registry, uploader):
    registry.give(MOUNT, 202, Location="/v2/begun")
    registry.give("DELETE /v2/begun", 500)
    assert not uploader.mount(BLOB.digest, registry.reference("c/d"))
    assert registry.lines == [MOUNT, "DELETE /v2/begun"]


def test_other_registries_cannot_be_mounted_from(registry, uploader):
    assert not uploader.mount(BLOB.digest, parse_reference("r.example.org/c/d"))
    assert registry.lines == []
    registry.give(HEAD, 200)
    assert uploader.mount(BLOB.digest, registry.reference("a/b:2"))
    assert registry.lines == [HEAD]


def test_a_server_that_fails_gets_the_blob_anew_at_a_new_place(registry, uploader):
    registry.give(POST, 202, Location="/one")
    registry.give(POST, 202, Location="/two")
    registry.give(f"PUT /one?digest={ESCAPED}", 500)
    registry.give(f"PUT /two?digest={ESCAPED}", 201)
    opened: list[io.BytesIO] = []

    def open_blob() -> io.BytesIO:
        opened.append(io.BytesIO(DATA))
        return opened[-1]

    assert uploader.blob(BLOB, open_blob) is Uploaded.SENT
    assert [line.split("?")[0] for line in registry.lines[1:]] == [
        POST,
        "PUT /one",
        "GET /one",
        HEAD,
        POST,
        "PUT /two",
    ]
    assert all(each.closed for each in opened)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("", "names no upload location"),
        ("ftp://h/", "names an upload location that cannot be used"),
    ],
)
def test_a_place_that_is_none_is_an_error(registry, uploader, location, message):
    registry.give(POST, 202, **({"Location": location} if location else {}))
    with pytest.raises(RegistryError) as caught:
        uploader.blob(BLOB, lambda: io.BytesIO(DATA))
    assert f"registry `{registry.host}` {message}" in caught.value.message


def test_a_manifest_is_put_under_its_name(registry, uploader):
    registry.give("PUT /v2/a/b/manifests/1", 201)
    uploader.manifest("1", "application/x", b"{}")
    assert registry.asked[-1].body == b"{}"
    assert registry.asked[-1].headers["content-type"] == "application/x"


def test_a_manifest_that_is_refused_is_an_error(registry, uploader):
    said = b'{"errors":[{"code":"MANIFEST_INVALID","message":"no layers"}]}'
    registry.give("PUT /v2/a/b/manifests/1", 400, said)
    with pytest.raises(RegistryError, match="no layers"):
        uploader.manifest("1", "application/x", b"{}")


def test_a_manifest_that_was_damaged_on_its_way_is_put_again(registry, uploader):
    line = "PUT /v2/a/b/manifests/1"
    registry.give(line, 201, Docker_Content_Digest="sha256:" + "0" * 64)
    registry.give(line, 201, Docker_Content_Digest=sha256_digest(b"{}"), OCI_Subject="x")
    assert uploader.manifest("1", "application/x", b"{}")
    assert registry.lines == [line, line]
    registry.answers = {}
    registry.give(line, 201, Docker_Content_Digest="sha256:" + "0" * 64)
    with pytest.raises(DigestMismatchError, match="keeps other bytes of manifest `1`"):
        uploader.manifest("1", "application/x", b"{}")


def test_an_upload_that_a_refused_mount_began_is_used(registry, uploader):
    registry.give(MOUNT, 202, Location="/begun")
    registry.give(f"PUT /begun?digest={ESCAPED}", 201)
    source = registry.reference("c/d")
    assert uploader.blob(BLOB, lambda: io.BytesIO(DATA), mount_from=source) is Uploaded.SENT
    assert registry.lines == [HEAD, MOUNT, f"PUT /begun?digest={ESCAPED}"]


@pytest.mark.parametrize("status", [403, 404, 405])
def test_a_registry_that_knows_no_mounts_gets_the_blob(registry, uploader, status):
    registry.give(MOUNT, status)
    registry.give(POST, 202, Location="/u")
    registry.give(f"PUT /u?digest={ESCAPED}", 201)
    source = registry.reference("c/d")
    assert uploader.blob(BLOB, lambda: io.BytesIO(DATA), mount_from=source) is Uploaded.SENT
