"""A change is committed and packed in one pass; packing is never needed for the result."""

from __future__ import annotations

import hashlib
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from image_rig import Rig
from jettison.image.background import BackgroundPacker
from jettison.image.manifest import Compression
from jettison.oci.digest import Digest
from jettison.snapshot.base import ActiveSnapshot, Change, LayerInfo
from jettison.store.layer import LayerId


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "store") as made:
        yield made


def change(rig: Rig, name: str = "file", *, seconds: int = 1) -> ActiveSnapshot:
    active = rig.layer_store.prepare()
    (active.upper / "dir").mkdir()
    (active.upper / "dir" / name).write_bytes(hashlib.sha256(b"seed").digest() * 100_000)
    for path in (active.upper / "dir" / name, active.upper / "dir", active.upper):
        os.utime(path, (seconds, seconds))
    return active


def committed(
    rig: Rig,
    active: ActiveSnapshot,
    kind: str = "gzip",
    *,
    stop: int = -1,
    previous: Callable[[Digest], LayerInfo | None] | None = None,
) -> LayerId:
    """Commit; from piece ``stop`` of the tar on the user does not want it any more."""
    asked = iter(range(1 << 30))
    return rig.blobs.commit(
        active, Change(previous=previous), kind, None, cancelled=lambda: 0 <= stop <= next(asked)
    ).id


def staged(rig: Rig) -> list[Path]:
    found = (rig.store.root / "tmp").glob("*/*")  # what belongs to an owner, but for its lock
    return [path for path in found if path.suffix != ".lock"]


@pytest.mark.parametrize("kind", ["", "none", "gzip", "zstd"])
def test_the_layer_and_its_tar_are_what_they_are_when_made_apart(
    rig: Rig, tmp_path: Path, kind: str
):
    layer = committed(rig, change(rig), kind)
    with Rig(tmp_path / "other") as other:
        apart = other.layer_store.commit(change(other))
        assert rig.layer_store.info(layer) == apart
        assert rig.store.layers.find(layer).diff_id == other.blobs.diff_id(layer)
        assert rig.store.layers.find(layer).facts == other.store.layers.find(layer).facts
        if kind:
            packed = rig.store.layers.find(layer).blobs.get(kind)
            assert packed is not None
            assert packed == other.blobs.blob(layer, kind)
    assert len(rig.store.blobs.all()) == bool(kind)
    assert staged(rig) == []


def test_the_tar_of_the_layer_that_stands_in_stays(rig: Rig):
    layer = committed(rig, change(rig, seconds=1), "")
    first = rig.store.layers.find(layer).diff_id
    made = rig.layer_store.info(layer)
    assert committed(rig, change(rig, seconds=2), previous=lambda _: made) == layer
    assert rig.store.layers.find(layer).diff_id == first
    assert rig.store.blobs.all() == []
    rig.blobs.blob(layer)
    assert rig.store.layers.find(layer).diff_id == first


@pytest.mark.parametrize("piece", [0, 1])
def test_what_is_not_wanted_any_more_is_committed_without_a_blob(rig: Rig, piece: int):
    layer = committed(rig, change(rig), stop=piece)
    assert rig.layer_store.info(layer) == rig.layer_store.commit(change(rig))
    assert rig.store.layers.find(layer).diff_id is None
    assert rig.store.blobs.all() == []
    assert staged(rig) == []


def test_a_change_that_no_tar_can_hold_is_committed(rig: Rig):
    layer = committed(rig, change(rig, ".wh.file"))
    assert (rig.layer_store.directory(layer) / "dir/.wh.file").exists()
    assert rig.store.layers.find(layer).diff_id is None
    assert rig.store.blobs.all() == []


def test_a_full_disk_costs_the_blob_only(rig: Rig):
    active = change(rig)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, old[1]))
    try:
        layer = committed(rig, active, "none")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert rig.layer_store.info(layer) == rig.layer_store.commit(change(rig))
    assert rig.store.blobs.all() == []
    assert staged(rig) == []


def test_a_likely_push_packs_what_was_made_now_and_nothing_else(rig: Rig):
    previous, now = rig.layer({"a": "1"}), rig.layer({"b": "2"})
    with BackgroundPacker(rig.blobs, Compression(), needed=False) as packer:
        packer.add(now)
        packer.finish((previous, now))
        assert rig.store.layers.find(now).blobs.get("gzip") is not None
        assert rig.store.layers.find(previous).blobs.get("gzip") is None


def test_a_likely_push_that_cannot_be_prepared_is_no_error(rig: Rig):
    bad = rig.layer({".wh.file": "1"})
    with BackgroundPacker(rig.blobs, Compression(), needed=False) as packer:
        packer.add(bad)
        packer.finish((bad,))
    assert rig.store.blobs.all() == []
