"""Blobs made of layers, and layers whose files were changed since."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from image_rig import Rig
from jettison.errors import DigestMismatchError, StorageError
from jettison.image.packer import LayerPacker
from jettison.image.parallel import Abandoned, Stop
from jettison.store.layer import LayerId


@pytest.fixture
def rig(tmp_path: Path):
    with Rig(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def packer(rig: Rig) -> LayerPacker:
    return LayerPacker(rig.store, rig.layer_store, lambda _layer, descriptor: descriptor)


def test_a_blob_is_a_compressed_tar_whose_digest_the_layer_gets(rig, packer):
    layer = rig.layer({"a": "1", "d/b": "2"})
    descriptor = packer.blob(layer, "gzip", None, "name")
    data = rig.store.blobs.read(descriptor.digest, limit=1 << 20)
    tar = gzip.decompress(data)
    assert descriptor.size == len(data)
    assert rig.store.layers.find(layer).diff_id == f"sha256:{hashlib.sha256(tar).hexdigest()}"
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        names = {each.name.removeprefix("./").rstrip("/") for each in archive}
    assert {"a", "d", "d/b"} <= names


def test_the_digest_of_a_tar_is_the_same_without_keeping_it(rig, packer):
    layer = rig.layer({"a": "1"})
    diff_id = packer.diff_id(layer)
    assert rig.store.layers.find(layer).diff_id == diff_id
    assert rig.store.blobs.all() == []
    packer.blob(layer, "none", None, "name")
    assert rig.store.blobs.has(diff_id)


def test_a_layer_that_was_changed_behind_our_back_is_an_error(rig, packer):
    layer = rig.layer({"a": "1"})
    packer.diff_id(layer)
    (rig.layer_store.directory(layer) / "a").write_text("changed")
    with pytest.raises(DigestMismatchError) as caught:
        packer.blob(layer, "gzip", None, "name")
    assert f"layer `{layer}` now packs to `" in caught.value.message
    assert rig.store.blobs.all() == []


def test_a_layer_that_is_gone_is_an_error(packer):
    gone = LayerId("sha256:" + "1" * 64)
    for call in (packer.diff_id, lambda layer: packer.blob(layer, "gzip", None, "name")):
        with pytest.raises(StorageError, match="is not in the store any more"):
            call(gone)


def test_packing_ends_when_nobody_wants_it_and_leaves_nothing(rig, packer):
    layer = rig.layer({"a": "x" * 100_000})
    stop = Stop()
    stop.set()
    with pytest.raises(Abandoned):
        packer.blob(layer, "none", None, "name", stop)
    assert rig.store.blobs.all() == []
