"""What digests are of is kept once, found again, and forgotten when nobody wants it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jettison.cache import preimage as module
from jettison.cache.preimage import MAX_KEY_BYTES, PreimageStore
from jettison.store.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "state.db")
    yield opened
    opened.close()


def test_bytes_are_found_by_their_digest(database: Database) -> None:
    store = PreimageStore(database)
    store.keep({b"1": b"one", b"2": b"two"})
    store.keep({b"2": b"two", b"3": b"three"})
    assert [store.find(digest) for digest in (b"1", b"2", b"3", b"4")] == [
        b"one",
        b"two",
        b"three",
        None,
    ]


def test_a_key_of_very_many_files_is_not_kept(database: Database) -> None:
    store = PreimageStore(database)
    store.keep({b"1": bytes(MAX_KEY_BYTES), b"2": b"more"})
    assert store.find(b"2") is None


def test_what_nobody_wants_goes_when_there_is_much(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 9)
    store = PreimageStore(database)
    store.keep({b"1": bytes(5), b"2": bytes(4)})
    assert not store.is_full
    store.keep({b"3": b"x"})
    assert store.is_full
    store.keep_only({b"2", b"9"})
    assert [store.find(digest) is not None for digest in (b"1", b"2", b"3")] == [False, True, False]
