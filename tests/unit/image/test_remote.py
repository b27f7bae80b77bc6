"""Blobs of layouts and registries, on their way into the store."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from image_rig import LayoutFiles
from jettison.errors import DigestMismatchError, ImageNotFoundError, SizeMismatchError
from jettison.image.layout import SCHEME
from jettison.image.remote import RemoteBlobs, TeeReader
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.store.store import Store

DATA = bytes(range(256)) * 100
BLOB = Descriptor("application/octet-stream", sha256_digest(DATA), len(DATA))


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def source(tmp_path: Path) -> str:
    LayoutFiles(tmp_path / "layout").blob(DATA, BLOB.media_type)
    return f"{SCHEME}{tmp_path}/layout"


def test_a_blob_of_a_layout_is_kept_and_counted(store, source):
    reported: list[tuple[str, int, int]] = []
    blobs = RemoteBlobs(None)
    blobs.fetch(store, BLOB, source, report=lambda *each: reported.append(each))
    assert store.blobs.read(BLOB.digest, limit=len(DATA)) == DATA
    assert reported[-1] == (BLOB.digest, len(DATA), len(DATA))
    reported.clear()
    blobs.fetch(store, BLOB, source, report=lambda *each: reported.append(each))
    assert reported == []  # it is here


def test_bytes_that_are_others_are_not_kept(store, source, tmp_path):
    path = tmp_path / "layout/blobs/sha256" / BLOB.digest.partition(":")[2]
    path.write_bytes(DATA[::-1])
    with pytest.raises(DigestMismatchError):
        RemoteBlobs(None).fetch(store, BLOB, source)
    path.write_bytes(DATA + b"x")
    with pytest.raises(SizeMismatchError):
        RemoteBlobs(None).fetch(store, BLOB, source)
    assert not store.blobs.has(BLOB.digest)


def test_without_the_network_a_registry_s_blob_is_not_here(store):
    with pytest.raises(ImageNotFoundError) as caught:
        RemoteBlobs(None).fetch(store, BLOB, "docker.io/library/x:1")
    assert (
        "of `docker.io/library/x:1` is not here, and the build is offline" in caught.value.message
    )


def test_what_is_read_is_kept_too_and_a_reader_may_be_without_a_writer(store):
    counts: list[int] = []
    with store.blobs.writer(BLOB) as writer:
        tee = TeeReader(io.BytesIO(DATA), writer, BLOB, lambda _i, n, _t: counts.append(n), None)
        assert b"".join(iter(lambda: tee.read(10_000), b"")) == DATA
        assert writer.commit() == BLOB.digest
    assert counts == [10_000, 20_000, len(DATA), len(DATA)]
    alone = TeeReader(io.BytesIO(DATA), None, BLOB, lambda *_: None, None)
    assert alone.read(5) == DATA[:5]
