"""Blobs are whole, verified and immutable."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jettison.errors import DigestMismatchError, SizeMismatchError, StorageError
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.store.blobs import BlobStore
from jettison.store.store import Store


def descriptor(data: bytes, **changes: object) -> Descriptor:
    facts = {"media_type": "text/plain", "digest": sha256_digest(data), "size": len(data)}
    return Descriptor(**{**facts, **changes})  # type: ignore[arg-type]


def unfinished(store: Store) -> list[Path]:
    return [path for path in (store.root / "tmp").glob("*/*") if path.is_file()]


def write_megabytes(store: Store, count: int) -> None:
    with store.blobs.writer() as writer:
        for _ in range(count):
            writer.write(b"x" * (1 << 20))


def test_bytes_come_back_under_their_digest(store: Store) -> None:
    digest = store.blobs.put(b"hello")
    assert digest == sha256_digest(b"hello")
    assert store.blobs.has(digest)
    assert store.blobs.size(digest) == 5
    assert store.blobs.read(digest, limit=5) == b"hello"
    assert store.blobs.path(digest).read_bytes() == b"hello"
    assert store.blobs.put(b"hello") == digest
    assert store.blobs.all() == [digest]
    assert unfinished(store) == []


def test_a_stream_is_visible_only_when_it_is_committed(store: Store) -> None:
    expected = descriptor(b"hello")
    with store.blobs.writer(expected) as writer:
        writer.write(b"hel")
        writer.write(memoryview(b"lo"))
        assert not store.blobs.has(expected.digest)
        assert writer.commit() == expected.digest
    assert store.blobs.read(expected.digest, limit=100) == b"hello"
    assert store.blobs.path(expected.digest).stat().st_mode & 0o777 == 0o644
    assert unfinished(store) == []


def test_a_stream_that_is_not_committed_leaves_nothing(store: Store) -> None:
    with store.blobs.writer() as writer:
        writer.write(b"hello")
        assert len(unfinished(store)) == 1
    assert unfinished(store) == []
    assert store.blobs.all() == []


def test_a_longer_stream_is_cut_at_once(store: Store) -> None:
    with store.blobs.writer(descriptor(b"hello")) as writer:
        writer.write(b"hello")
        with pytest.raises(SizeMismatchError, match="longer than the 5 bytes"):
            writer.write(b"!")
    assert store.blobs.all() == []


def test_a_shorter_stream_is_refused(store: Store) -> None:
    with store.blobs.writer(descriptor(b"hello")) as writer:
        writer.write(b"hell")
        with pytest.raises(SizeMismatchError, match="4 bytes instead of 5"):
            writer.commit()
    assert store.blobs.all() == []
    assert unfinished(store) == []


def test_other_bytes_of_the_same_size_are_refused(store: Store) -> None:
    with store.blobs.writer(descriptor(b"hello")) as writer:
        writer.write(b"HELLO")
        with pytest.raises(DigestMismatchError):
            writer.commit()
    assert store.blobs.all() == []


def test_a_sha512_descriptor_is_verified_as_such(store: Store) -> None:
    digest = Digest("sha512:" + hashlib.sha512(b"hello").hexdigest())
    with store.blobs.writer(descriptor(b"hello", digest=digest)) as writer:
        writer.write(b"hello")
        assert writer.commit() == digest
    assert store.blobs.read(digest, limit=5) == b"hello"
    assert store.blobs.all() == [digest]


def test_reading_is_bounded(store: Store) -> None:
    digest = store.blobs.put(b"hello")
    with pytest.raises(SizeMismatchError, match="larger than 4 bytes"):
        store.blobs.read(digest, limit=4)


def test_a_missing_blob_is_a_storage_error(store: Store) -> None:
    digest = sha256_digest(b"unknown")
    assert not store.blobs.has(digest)
    for ask in (lambda: store.blobs.read(digest, limit=9), lambda: store.blobs.size(digest)):
        with pytest.raises(StorageError, match="is not in the store") as caught:
            ask()
        assert caught.value.hint
    store.blobs.remove(digest)


def test_damage_on_disk_is_found_when_reading(store: Store) -> None:
    digest = store.blobs.put(b"hello")
    store.blobs.path(digest).write_bytes(b"jello")
    with pytest.raises(DigestMismatchError, match="damaged"):
        store.blobs.read(digest, limit=100)


def test_a_removed_blob_is_gone(store: Store) -> None:
    digest = store.blobs.put(b"hello")
    store.blobs.remove(digest)
    assert not store.blobs.has(digest)


def test_many_writers_of_one_blob_do_not_disturb_each_other(store: Store) -> None:
    data = os.urandom(1 << 20)

    def write(_: int) -> Digest:
        with store.blobs.writer(descriptor(data)) as writer:
            for start in range(0, len(data), 70_000):
                writer.write(data[start : start + 70_000])
            return writer.commit()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(16))) == {sha256_digest(data)}
    assert store.blobs.read(sha256_digest(data), limit=1 << 20) == data
    assert unfinished(store) == []


@pytest.mark.needs_root
def test_a_full_disk_is_a_storage_error_and_nothing_half_written_stays(small_disk: Path) -> None:
    with Store.open(small_disk / "store") as store:
        kept = store.blobs.put(b"kept")
        with pytest.raises(StorageError, match="no space left") as caught:
            write_megabytes(store, 10)
        assert caught.value.hint is not None
        assert "prune" in caught.value.hint
        with pytest.raises(StorageError, match="no space left"):
            store.blobs.put(b"y" * (8 << 20))
        assert store.blobs.all() == [kept]
        assert unfinished(store) == []
        assert store.blobs.put(b"fits again")


def test_a_new_blob_is_leased_before_it_is_there_and_an_old_one_is_not(store: Store) -> None:
    leased: list[tuple[Digest, bool]] = []
    blobs: BlobStore = store.blobs

    def lease(digests: Iterable[Digest]) -> None:
        leased.extend((each, blobs.has(each)) for each in digests)

    blobs.lease = lease
    put = blobs.put(b"put")
    with blobs.writer() as writer:
        writer.write(b"written")
        written = writer.commit()
    blobs.put(b"put")
    assert leased == [(put, False), (written, False)]


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_blobs_of_other_digests_are_kept_under_theirs(store: Store, algorithm: str) -> None:
    digest = Digest(f"{algorithm}:{hashlib.new(algorithm, b'data').hexdigest()}")
    with store.blobs.writer(descriptor(b"data", digest=digest)) as writer:
        writer.write(memoryview(b"data"))
        assert writer.commit() == digest
    assert store.blobs.read(digest, limit=4) == b"data"
    assert digest in store.blobs.all()
    store.blobs.remove(digest)
    store.blobs.remove(digest)
    assert not store.blobs.has(digest)
