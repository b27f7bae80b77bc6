"""Packs of records: what is written is read, what is damaged or hostile is refused."""

from __future__ import annotations

import zlib

import msgspec
import pytest

import jettison.remote.record
from cache_rig import digest, key, pack, record
from jettison.errors import InvalidManifestError
from jettison.oci.mediatype import OCI_LAYER_GZIP
from jettison.remote.record import (
    MountLayer,
    MountRecord,
    Pack,
    decode_pack,
    encode_pack,
    key_filter,
    may_hold,
    read_filter,
)


def test_a_pack_is_read_as_it_was_written_and_equal_ones_are_equal() -> None:
    made = pack("a", "b", "c")
    assert decode_pack(encode_pack(made)) == made
    turned = Pack(dict(reversed(made.records.items())), dict(reversed(made.answers.items())))
    assert encode_pack(turned) == encode_pack(made)


@pytest.mark.parametrize("cut", [0, 1, 10, -1, -5])
def test_a_truncated_pack_is_refused(cut: int) -> None:
    with pytest.raises(InvalidManifestError):
        decode_pack(encode_pack(pack("a"))[:cut])


def test_every_changed_byte_is_noticed_or_harmless() -> None:
    data = encode_pack(pack("a"))
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        try:
            assert decode_pack(changed) == pack("a")
        except InvalidManifestError:
            continue


BAD = {
    "layer": "diff:sha256:" + 64 * "0",
    "diff_id": "sha256:../../etc",
    "content": "",
    "blob": "md5:00",
    "key": b"short",
    "media_type": "text/html",
    "size_bytes": -1,
    "blob_bytes": -5,
    "clock_ns": -(1 << 63),
}


@pytest.mark.parametrize("field", BAD)
def test_a_record_that_is_none_makes_the_pack_none(field: str) -> None:
    data = encode_pack(Pack({b"x": record("a", **{field: BAD[field]})}))
    with pytest.raises(InvalidManifestError):
        decode_pack(data)


def test_another_version_and_bombs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jettison.remote.record, "MAX_PACK_BYTES", 1 << 16)
    with pytest.raises(InvalidManifestError, match="version 9"):
        decode_pack(zlib.compress(msgspec.msgpack.encode([9, [], []])))
    with pytest.raises(InvalidManifestError, match="too large"):
        decode_pack(zlib.compress(bytes(9 << 16)))
    with pytest.raises(InvalidManifestError, match="too large"):
        decode_pack(bytes((1 << 16) + 1))


def test_a_filter_never_denies_a_key_that_is_there() -> None:
    keys = [key(str(number)) for number in range(1000)]
    prefixes = read_filter(key_filter(keys))
    assert all(may_hold(prefixes, each) for each in keys)
    others = [key(f"x{number}") for number in range(1000)]
    assert sum(may_hold(prefixes, each) for each in others) < 5
    assert may_hold(read_filter(key_filter(keys * 9)), others[0])  # many: it tells nothing
    assert may_hold(read_filter("§"), others[0])


def layer(name: str) -> MountLayer:
    return MountLayer(OCI_LAYER_GZIP, digest(name), 10, digest("tar " + name))


def mount(*names: str, replaced: tuple[str, ...] = ()) -> MountRecord:
    layers = tuple(map(layer, names))
    return MountRecord(key("mount"), layers, tuple(map(digest, replaced)), 5)


def test_chains_of_two_machines_become_one_that_lacks_nothing() -> None:
    assert mount("a", "c").over(mount("a", "b")).layers == mount("a", "b", "c").layers
    whole = mount("f", replaced=("a", "b"))  # packed anew, and another one has added to the old
    assert whole.over(mount("a", "b", "c")).layers == mount("c", "f").layers
    assert mount("a", "b", "d").over(whole).layers == mount("f", "d").layers


def test_mounts_are_read_as_they_were_written_or_refused() -> None:
    made = Pack(mounts={key("mount"): mount("a", "b", replaced=("c",))})
    assert decode_pack(encode_pack(made)) == made
    assert set(made.blobs) == {digest("a"), digest("b")}
    for bad in (
        mount(*map(str, range(65))),
        msgspec.structs.replace(mount("a"), key=b""),
        msgspec.structs.replace(mount("a"), used_s=-1),
        msgspec.structs.replace(mount("a"), replaced=("../x",)),
    ):
        with pytest.raises(InvalidManifestError):
            decode_pack(encode_pack(Pack(mounts={key("mount"): bad})))
