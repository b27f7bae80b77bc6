"""After a power loss, nothing that is half on disk is used."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jettison.oci.digest import Digest, sha256_digest
from jettison.snapshot import recovery
from jettison.snapshot.base import LayerInfo
from jettison.snapshot.overlay import OverlayLayerStore
from jettison.snapshot.recovery import recover_after_boot, suspects
from jettison.store.layer import image_layer_id
from jettison.store.store import Store
from ownership_rig import OWNERSHIP

LATER = 3600.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def rebooted(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store whose files are older than the start of the machine: the clock goes ahead."""
    now = time.time() + LATER
    monkeypatch.setattr(recovery.time, "time", lambda: now)
    monkeypatch.setattr(recovery.time, "clock_gettime", lambda _: 60.0)
    return store


def snapshots(store: Store) -> Path:
    """Return where this process has its layers."""
    return store.recorded_snapshots if OWNERSHIP.is_recorded else store.snapshots


def recover(store: Store) -> list[Path]:
    """Look at the store for the first time after a start of the machine."""
    (store.root / "boot").write_text("another boot")
    return recover_after_boot(store, snapshots(store), OWNERSHIP)


def blob(store: Store, data: bytes) -> Digest:
    with store.blobs.writer() as writer:
        writer.write(data)
        return writer.commit()


def layers(store: Store) -> tuple[LayerInfo, LayerInfo]:
    """A change made here and an image layer, each with one file."""
    layer_store = OverlayLayerStore(store, OWNERSHIP)
    made, pulled = layer_store.prepare(), layer_store.prepare()
    (made.upper / "file").write_text("made here")
    (pulled.upper / "file").write_text("pulled")
    name = image_layer_id(sha256_digest(b"tar"))
    return layer_store.commit(made), layer_store.commit_as(pulled, name)


def test_what_is_whole_stays(rebooted: Store) -> None:
    digest, infos = blob(rebooted, b"whole"), layers(rebooted)
    assert recover(rebooted) == []
    assert rebooted.blobs.has(digest)
    assert all(OverlayLayerStore(rebooted, OWNERSHIP).info(info.id) for info in infos)


def test_a_cut_blob_goes(rebooted: Store) -> None:
    kept, cut = blob(rebooted, b"kept"), blob(rebooted, b"cut off")
    os.truncate(rebooted.blobs.path(cut), 0)
    assert recover(rebooted) == [rebooted.blobs.path(cut)]
    assert rebooted.blobs.all() == [kept]


def test_cut_layers_go(rebooted: Store) -> None:
    layer_store = OverlayLayerStore(rebooted, OWNERSHIP)
    infos = layers(rebooted)
    for info in infos:
        os.truncate(layer_store.directory(info.id) / "file", 0)
    assert len(recover(rebooted)) == 2
    assert layer_store.all() == []


def test_a_layer_of_the_right_size_with_other_bytes_goes(rebooted: Store) -> None:
    made, _ = layers(rebooted)
    (OverlayLayerStore(rebooted, OWNERSHIP).directory(made.id) / "file").write_text("MADE HERE")
    recover(rebooted)
    assert OverlayLayerStore(rebooted, OWNERSHIP).info(made.id) is None


def test_a_snapshotter_looks_by_itself(rebooted: Store) -> None:
    cut = blob(rebooted, b"cut off")
    os.truncate(rebooted.blobs.path(cut), 0)
    (rebooted.root / "boot").write_text("another boot")
    OverlayLayerStore(rebooted, OWNERSHIP)
    assert not rebooted.blobs.has(cut)


def test_a_layer_without_its_facts_goes(rebooted: Store) -> None:
    made, pulled = layers(rebooted)
    os.truncate(OverlayLayerStore(rebooted, OWNERSHIP).directory(made.id).with_name("meta"), 0)
    OverlayLayerStore(rebooted, OWNERSHIP).directory(pulled.id).with_name("meta").unlink()
    assert len(recover(rebooted)) == 2


def test_a_boot_is_looked_at_once(rebooted: Store) -> None:
    recover(rebooted)
    cut = blob(rebooted, b"cut off")
    os.truncate(rebooted.blobs.path(cut), 0)
    assert recover_after_boot(rebooted, snapshots(rebooted), OWNERSHIP) == []
    locks = {path.name for path in (rebooted.root / "tmp").glob("*.lock")}
    assert locks == {"collect.lock", "create.lock"}


def test_what_was_written_since_the_machine_started_is_not_looked_at(store: Store) -> None:
    blob(store, b"fresh, or a store that was copied here")
    started = time.time() - 60
    assert suspects(store, snapshots(store), started) == []
    assert len(suspects(store, snapshots(store), time.time() + LATER)) == 1


def test_what_the_kernel_had_time_to_write_is_not_looked_at(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.blobs.path(blob(store, b"first"))
    second = store.blobs.path(blob(store, b"second"))
    while second.stat().st_ctime_ns == first.stat().st_ctime_ns:
        os.utime(second)
    between = second.stat().st_ctime - first.stat().st_ctime
    started = time.time() + LATER
    assert suspects(store, snapshots(store), started) == sorted([first, second])
    monkeypatch.setattr(recovery, "WRITEBACK_SECONDS", between / 2)
    assert suspects(store, snapshots(store), started) == [second]
