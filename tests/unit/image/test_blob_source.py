"""A layout directory that images are loaded from."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_rig import LayoutFiles
from jettison.errors import JettisonError
from jettison.image.blob_source import LayoutBlobSource
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.store.store import Store

DATA = b'{"schemaVersion":2}'
DOCUMENT = Descriptor("application/json", sha256_digest(DATA), len(DATA))


@pytest.fixture
def layout(tmp_path: Path) -> LayoutFiles:
    files = LayoutFiles(tmp_path / "layout")
    files.blob(DATA, DOCUMENT.media_type)
    return files


def test_documents_are_read_and_blobs_are_fetched(tmp_path, layout):
    reported: list[str] = []
    with Store.open(tmp_path / "store") as store:
        source = LayoutBlobSource(store, str(layout.path), lambda item, *_: reported.append(item))
        assert source.document(DOCUMENT) == DATA
        assert not store.blobs.has(DOCUMENT.digest)
        source.fetch(DOCUMENT)
        assert store.blobs.read(DOCUMENT.digest, limit=100) == DATA
    assert set(reported) == {DOCUMENT.digest}


def test_a_document_that_is_another_or_missing_is_an_error(tmp_path, layout):
    blob = layout.path / "blobs/sha256" / DOCUMENT.digest.partition(":")[2]
    with Store.open(tmp_path / "store") as store:
        source = LayoutBlobSource(store, str(layout.path), lambda *_: None)
        blob.write_bytes(DATA.replace(b"2", b"3"))
        with pytest.raises(JettisonError):
            source.document(DOCUMENT)
        with pytest.raises(JettisonError):
            source.fetch(DOCUMENT)
        blob.unlink()
        with pytest.raises(JettisonError):
            source.document(DOCUMENT)
        assert not store.blobs.has(DOCUMENT.digest)
