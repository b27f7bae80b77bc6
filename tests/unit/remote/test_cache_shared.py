"""Records of caches become claims, which never change what the store knows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cache_rig import digest, pack, record, write
from image_rig import Rig
from jettison.cache.key import selector_digest
from jettison.cache.record import BuildCache
from jettison.oci.digest import Digest
from jettison.provenance.store import OriginStore
from jettison.remote.local import LocalCache
from jettison.remote.reader import CacheReader
from jettison.remote.record import CacheRecord, Pack, answer_key
from jettison.remote.shared import SharedMemo, SharedRecords
from jettison.store.claims import find_claim
from jettison.store.layer import LayerId, image_layer_id
from jettison.store.layers import LayerFacts


class Shared:
    """A store, and a cache in a directory behind it."""

    def __init__(self, rig: Rig, place: Path) -> None:
        self.rig = rig
        self.backend = LocalCache(str(place), "latest")
        self.said: list[str] = []
        self.refused: set[LayerId] = set()
        self.local = BuildCache(rig.store.database)

    def records(self) -> SharedRecords:
        return SharedRecords(
            self.local.records,
            self.rig.store,
            self.rig.layer_store,
            OriginStore(self.rig.store.database),
            [self.reader()],
            refused=self.refused,
            warn=self.said.append,
        )

    def reader(self) -> CacheReader:
        return CacheReader("cache", self.backend, seconds=9, warn=self.said.append)


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Shared]:
    with Rig(tmp_path / "store") as rig:
        yield Shared(rig, tmp_path / "cache")


def key_of(found: CacheRecord) -> Digest:
    return Digest("sha256:" + found.key.hex())


def test_a_record_becomes_a_claim_and_is_known_from_then_on(shared: Shared) -> None:
    a = record("a", origins=("name", b"origins"))
    write(shared.backend, Pack({a.key: a}))
    found = shared.records().find(key_of(a))
    assert found is not None
    assert (found.layer, found.content, found.name) == (a.layer, a.content, "RUN a")
    layer = shared.rig.store.layers.find(a.layer)
    assert (layer.diff_id, layer.content) == (a.diff_id, f"content:{a.content}")
    assert layer.remote is not None
    assert layer.remote.source == shared.backend.source
    assert layer.facts == LayerFacts(3, 1)
    assert shared.local.records.find(key_of(a)) is not None
    assert shared.rig.store.layers.named(a.diff_id) == image_layer_id(a.diff_id)
    assert find_claim(shared.rig.store.database, a.layer) == layer.claim
    shared.rig.store.layers.drop_remote(a.layer)
    assert find_claim(shared.rig.store.database, a.layer) is None
    assert shared.said == []


def test_what_the_store_knows_is_not_contradicted(shared: Shared) -> None:
    a = record("a")
    write(shared.backend, Pack({a.key: a}))
    shared.rig.store.layers.set_facts(a.layer, LayerFacts(5, 5), digest("known"))
    assert shared.records().find(key_of(a)) is None
    assert "not what the store knows" in shared.said[0]
    layer = shared.rig.store.layers.find(a.layer)
    assert layer.content == f"content:{digest('known')}"
    assert layer.remote is None


def test_a_refused_layer_is_not_taken_again(shared: Shared) -> None:
    a = record("a")
    write(shared.backend, Pack({a.key: a}))
    shared.refused.add(a.layer)
    assert shared.records().find(key_of(a)) is None


def test_answers_are_found_kept_and_remembered_for_export(shared: Shared) -> None:
    stack, selector = digest("stack"), selector_digest("question")
    answer = digest("answer")
    write(shared.backend, Pack(answers={answer_key(stack, selector): bytes.fromhex(answer[7:])}))
    memo = SharedMemo(shared.local.selections, [shared.reader()])
    assert memo.find(stack, selector) == answer
    assert memo.find(stack, selector_digest("other")) is None
    assert shared.local.selections.find(stack, selector) == answer
    memo.keep(stack, selector_digest("new"), digest("new"))
    assert len(memo.seen) == 2


def test_a_cache_that_does_not_answer_in_time_is_left_out(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = threading.Event()
    monkeypatch.setattr(shared.backend, "entries", wait.wait)
    reader = CacheReader("cache", shared.backend, seconds=0.05, warn=shared.said.append)
    assert reader.find(digest("k")) is None
    assert reader.find(digest("l")) is None
    wait.set()
    assert ["takes too long" in each for each in shared.said] == [True]


def test_equal_packs_are_merged_by_key() -> None:
    old, new = (
        pack("a", "b"),
        Pack({record("a").key: msgspec.structs.replace(record("a"), used_s=5)}),
    )
    assert new.over(old).records[record("a").key].used_s == 5
