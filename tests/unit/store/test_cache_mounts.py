"""Cache mounts: how large they are, who uses them, which go."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from copy_rig import fill
from jettison.store.cache_mounts import CacheMount, cache_mounts, remove, use

SECOND = 10**9


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fill(tmp_path / "mounts/one", {"a": b"x" * 1000, "d/b": b"y" * 500, "link": "-> a"})
    fill(tmp_path / "mounts/two", {"a": b"x" * 10})
    os.link(tmp_path / "mounts/one/a", tmp_path / "mounts/one/again")
    return tmp_path / "mounts"


def used_at(root: Path, name: str, seconds: int) -> None:
    lock = use(root / name)
    os.utime(lock.path, ns=(seconds * SECOND, seconds * SECOND))
    lock.release()


def test_there_may_be_none(tmp_path):
    assert cache_mounts(tmp_path / "missing") == []


def test_the_one_whose_use_is_longest_ago_comes_first_with_links_counted_once(root):
    used_at(root, "one", 200)
    used_at(root, "two", 100)
    (root / "two.lock").write_text("")
    assert cache_mounts(root) == [
        CacheMount(root / "two", 10, 100 * SECOND),
        CacheMount(root / "one", 1000 + 500 + len("a"), 200 * SECOND),
    ]


def test_one_that_was_never_used_has_the_time_of_its_directory(root):
    os.utime(root / "two", ns=(7 * SECOND, 7 * SECOND))
    found = {each.path.name: each for each in cache_mounts(root)}
    assert found["two"].used_ns == 7 * SECOND
    assert not (root / "two.used").exists()


def test_a_size_that_was_just_found_is_good_enough_and_keeps_the_time_of_use(root):
    used_at(root, "two", 100)
    assert [each.size_bytes for each in cache_mounts(root) if each.path.name == "two"] == [10]
    (root / "two/more").write_bytes(b"z" * 90)

    def size(measured_s: float) -> int:
        (found,) = (e for e in cache_mounts(root, measured_s=measured_s) if e.path.name == "two")
        assert found.used_ns == 100 * SECOND
        return found.size_bytes

    assert size(3600) == 10
    assert size(0) == 100


@pytest.mark.parametrize("note", [b"", b"\xff", b"\x92\x01"])
def test_a_damaged_note_is_measured_again(root, note):
    (root / "two.used").write_bytes(note)
    sizes = {each.path.name: each.size_bytes for each in cache_mounts(root, measured_s=3600)}
    assert sizes["two"] == 10


def test_one_in_use_is_not_removed(root):
    began = time.time_ns()
    trashed: list[Path] = []
    lock = use(root / "two")
    (mount,) = (each for each in cache_mounts(root) if each.path.name == "two")
    assert mount.used_ns >= began - SECOND
    assert mount.in_use
    assert not remove(mount, trashed.append)
    lock.release()
    assert not mount.in_use
    assert remove(mount, trashed.append)
    assert trashed == [root / "two"]
    assert not (root / "two.used").exists()
