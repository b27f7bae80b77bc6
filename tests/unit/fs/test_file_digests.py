"""Remembered digests of files: never wrong, seldom computed."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from jettison.fs import digest as module
from jettison.fs.digest import FileDigests, file_sha256
from jettison.fs.host_tree import HostTree


class Table:
    """A memo table in memory that counts writes."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.writes = 0

    def file_memo(self, root: str) -> bytes | None:
        return self.blobs.get(root)

    def set_file_memo(self, root: str, blob: bytes) -> None:
        self.writes += 1
        self.blobs[root] = blob


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory whose files count as old; ctime cannot be set, so the clock goes ahead."""
    (tmp_path / "old").write_text("old")
    ahead = time.time_ns() + 3_600_000_000_000
    monkeypatch.setattr(module.time, "time_ns", lambda: ahead)
    return tmp_path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the files whose bytes were really read."""
    seen: list[int] = []
    real = module.descriptor_sha256

    def counted(descriptor: int, facts: os.stat_result, path: str | Path) -> bytes:
        seen.append(facts.st_size)
        return real(descriptor, facts, path)

    monkeypatch.setattr(module, "descriptor_sha256", counted)
    return seen


def digest(digests: FileDigests, root: Path, name: str) -> bytes:
    facts = HostTree(root).lstat(f"/{name}")
    assert facts is not None
    return digests.digest(f"/{name}", facts)


def test_a_file_is_read_once_for_many_builds(root: Path, reads: list[int]) -> None:
    table = Table()
    for _ in range(3):
        digests = FileDigests.load(table, root)
        assert digest(digests, root, "old") == hashlib.sha256(b"old").digest()
        digests.save()
    assert reads == [3]
    assert table.writes == 1, "nothing learned, nothing written"


def test_equal_size_and_time_do_not_hide_a_change(root: Path) -> None:
    table = Table()
    digests = FileDigests.load(table, root)
    digest(digests, root, "old")
    digests.save()
    before = os.stat(root / "old")
    (root / "old").write_text("new")
    os.utime(root / "old", ns=(before.st_atime_ns, before.st_mtime_ns))
    again = FileDigests.load(table, root)
    assert digest(again, root, "old") == hashlib.sha256(b"new").digest()


def test_a_replaced_file_is_another_file(root: Path) -> None:
    table = Table()
    digests = FileDigests.load(table, root)
    digest(digests, root, "old")
    digests.save()
    before = os.stat(root / "old")
    (root / "other").write_text("new")
    os.utime(root / "other", ns=(before.st_atime_ns, before.st_mtime_ns))
    (root / "other").rename(root / "old")
    assert digest(FileDigests.load(table, root), root, "old") == hashlib.sha256(b"new").digest()


def test_a_file_changed_a_moment_ago_is_not_remembered(tmp_path: Path, reads: list[int]) -> None:
    (tmp_path / "fresh").write_text("fresh")
    table = Table()
    digests = FileDigests.load(table, tmp_path)
    digest(digests, tmp_path, "fresh")
    digest(digests, tmp_path, "fresh")
    assert reads == [5], "one answer within one build"
    digests.save()
    assert table.writes == 0
    digest(FileDigests.load(table, tmp_path), tmp_path, "fresh")
    assert reads == [5, 5]


def test_a_damaged_memo_is_an_empty_one(root: Path) -> None:
    table = Table()
    for blob in (b"", b"garbage", module._MEMO_VERSION + b"\xff\xff", b"jettison-memo-9\0\x80"):
        table.blobs[os.fspath(root)] = blob
        found = digest(FileDigests.load(table, root), root, "old")
        assert found == hashlib.sha256(b"old").digest()


def test_entries_that_a_build_does_not_ask_for_are_kept(root: Path, reads: list[int]) -> None:
    (root / "second").write_text("2")
    table = Table()
    for name in ("old", "second", "old"):
        digests = FileDigests.load(table, root)
        digest(digests, root, name)
        digests.save()
    assert reads == [3, 1]


def test_files_that_are_gone_are_forgotten_when_they_are_many(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KEEP_ENTRIES", 2)
    table = Table()
    names = [f"f{number}" for number in range(20)]
    for name in names:
        (root / name).write_text(name)
    first = FileDigests.load(table, root)
    for name in names:
        digest(first, root, name)
    first.save()
    size = len(table.blobs[os.fspath(root)])
    for name in names[1:]:
        (root / name).unlink()
    (root / "new").write_text("new")
    second = FileDigests.load(table, root)
    digest(second, root, "new")
    second.save()
    assert len(table.blobs[os.fspath(root)]) < size / 5


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_files_of_every_size_are_hashed_whole(tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    (tmp_path / "file").write_bytes(data)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(data).digest()


def test_a_fifo_in_a_files_place_is_an_error_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="not a regular file"):
        file_sha256(tmp_path / "fifo")
