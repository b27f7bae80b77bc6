"""Beginnings of blobs: what stays of a fetch that was interrupted, and what does not."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from jettison.errors import DigestMismatchError, SourceError
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.store.partial import PartialBlobs
from jettison.store.store import Store

DATA = os.urandom(1 << 20) * 9
BLOB = Descriptor("x", sha256_digest(DATA), len(DATA))
HALF = 5 << 20


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "store") as opened:
        yield opened


def interrupt(store: Store, data: bytes = DATA[:HALF], blob: Descriptor = BLOB) -> None:
    def fetch() -> None:
        with store.partial.writer(blob) as writer:
            writer.write(data)
            raise SourceError("the connection broke")

    with pytest.raises(SourceError):
        fetch()


def kept(store: Store) -> list[int]:
    directory = store.root / "partial"
    return [each.stat().st_size for each in directory.iterdir()] if directory.exists() else []


def test_a_fetch_goes_on_where_another_process_left_it(store: Store) -> None:
    assert isinstance(store.partial, PartialBlobs)
    interrupt(store)
    with Store.open(store.root) as later:
        assert kept(later) == [HALF]
        with later.partial.writer(BLOB) as writer:
            assert writer.size_bytes == HALF
            with writer.beginning() as beginning:
                assert hashlib.sha256(beginning.read()).digest() == (
                    hashlib.sha256(DATA[:HALF]).digest()
                )
            writer.write(DATA[HALF:])
            writer.commit()
        assert later.blobs.path(BLOB.digest).read_bytes() == DATA
        assert kept(later) == []


@pytest.mark.parametrize("wrong", [b"x" * HALF, b"x" * (len(DATA) + 1)], ids=["other", "too long"])
def test_a_wrong_beginning_is_removed(store: Store, wrong: bytes) -> None:
    interrupt(store)
    (file,) = (store.root / "partial").iterdir()
    file.write_bytes(wrong)

    def go_on() -> None:
        with store.partial.writer(BLOB) as writer:
            if writer.size_bytes == 0:
                raise DigestMismatchError("too long: begun anew")
            writer.write(DATA[HALF:])
            writer.commit()

    with pytest.raises(DigestMismatchError):
        go_on()
    assert kept(store) == []
    assert not store.blobs.has(BLOB.digest)


def test_two_at_once_do_not_write_one_file(store: Store) -> None:
    interrupt(store)
    with store.partial.writer(BLOB) as one, store.partial.writer(BLOB) as other:
        assert (one.size_bytes, other.size_bytes) == (HALF, 0)
        other.write(DATA)
        other.commit()
    assert store.blobs.has(BLOB.digest)


def test_small_blobs_leave_nothing(store: Store) -> None:
    small = Descriptor("x", sha256_digest(b"small"), 5)
    interrupt(store, b"sma", small)
    assert kept(store) == []


def test_old_beginnings_go_but_not_those_in_use(store: Store) -> None:
    interrupt(store)
    (file,) = (store.root / "partial").iterdir()
    store.partial.remove(file.stat().st_mtime - 1)
    assert kept(store) == [HALF]
    with store.partial.writer(BLOB):
        store.partial.remove(file.stat().st_mtime + 1)
        assert kept(store) == [HALF]
    store.partial.remove(file.stat().st_mtime + 1)
    assert kept(store) == []
