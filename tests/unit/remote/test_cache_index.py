"""The index of a cache: few packs, found by filters, within a budget."""

from __future__ import annotations

import msgspec
import pytest

from cache_rig import key, pack, record
from jettison.errors import DigestMismatchError, InvalidManifestError, RegistryUnavailableError
from jettison.oci.codec import decode
from jettison.oci.manifest import Index
from jettison.remote.index import (
    PackEntry,
    add_pack,
    make_index,
    make_pack,
    read_index,
    total_bytes,
    within,
)
from jettison.remote.record import Pack, decode_pack


def test_an_index_lists_what_was_put_into_it() -> None:
    made = make_pack(pack("a", "b"))
    _, data = make_index([made.entry])
    (entry,) = read_index(decode(Index, data))
    assert entry == made.entry
    assert entry.may_hold(key("a"))
    assert not entry.may_hold(key("z"))
    assert (entry.entries, entry.blob_bytes) == (4, 2)


def test_what_is_no_entry_is_left_out_and_what_is_no_cache_is_refused() -> None:
    made = make_pack(pack("a"))
    _, data = make_index([made.entry])
    index = decode(Index, data)
    notes = dict(made.entry.manifest.annotations, **{"vnd.jettison.cache.records-size": "-4"})
    broken = msgspec.structs.replace(made.entry.manifest, annotations=notes)
    bare = msgspec.structs.replace(made.entry.manifest, annotations={})
    index = msgspec.structs.replace(index, manifests=(broken, bare, *index.manifests))
    assert read_index(index) == [made.entry]
    with pytest.raises(InvalidManifestError):
        read_index(msgspec.structs.replace(index, artifact_type=""))


def test_small_packs_become_one_so_that_there_are_few() -> None:
    entries: list[PackEntry] = []
    known: dict[str, Pack] = {}
    most = written = 0
    for number in range(300):
        made, entries = add_pack(pack(str(number)), entries, lambda e: known[e.records.digest])
        known[made.entry.records.digest] = decode_pack(made.records)
        written += len(made.pack.keys)
        most = max(most, len(entries))
    assert most <= 9
    assert written < 300 * 2 * 12  # each is written again a few times only
    keys = {each for entry in entries for each in known[entry.records.digest].keys}
    assert keys == {each for number in range(300) for each in pack(str(number)).keys}


def test_a_damaged_pack_is_dropped_and_one_that_cannot_be_asked_for_stays() -> None:
    (old,) = [make_pack(pack("old")).entry]

    def damaged(_entry: PackEntry) -> Pack:
        raise DigestMismatchError("no")

    def unreachable(_entry: PackEntry) -> Pack:
        raise RegistryUnavailableError("no", status=503)

    assert len(add_pack(pack("new"), [old], damaged)[1]) == 1
    assert add_pack(pack("new"), [old], unreachable)[1][1:] == [old]


def test_what_was_used_last_stays_within_a_budget() -> None:
    records = {key(n): record(n, used_s=int(n), blob_bytes=10) for n in "123456"}
    kept = within(Pack(records), 35)
    assert sorted(each.used_s for each in kept.records.values()) == [4, 5, 6]
    assert total_bytes([make_pack(kept).entry]) == 30


def test_a_large_layer_does_not_push_out_what_was_used_with_it() -> None:
    records = {key(n): record(n, used_s=7, blob_bytes=int(n) * 10) for n in "9123"}
    kept = within(Pack(records), 35)
    assert sorted(each.blob_bytes for each in kept.records.values()) == [10, 20]
