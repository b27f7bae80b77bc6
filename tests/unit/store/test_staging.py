"""Places for what is being made, and what becomes of those of dead processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jettison.store.staging import Staging

DIE = """
import os, pathlib, sys
from jettison.store.staging import Staging
staging = Staging(pathlib.Path(sys.argv[1]), lambda path: None)
(staging.fresh_directory() / "half").write_text("x")
staging.lock("cache:key/x").acquire()
print(staging.owner, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def trashed() -> list[Path]:
    return []


@pytest.fixture
def staging_of(tmp_path: Path, trashed: list[Path]) -> Callable[[], Staging]:
    def trash(path: Path) -> None:
        path.rename(tmp_path / f"trash-{len(trashed)}")
        trashed.append(path)

    (tmp_path / "tmp").mkdir()
    return lambda: Staging(tmp_path / "tmp", trash)


def names(tmp_path: Path) -> set[str]:
    """Return what is there; names of owners are random, so that no order is expected."""
    return {path.name for path in (tmp_path / "tmp").iterdir()}


def test_names_are_fresh_and_directories_closed_to_others(staging_of, tmp_path):
    staging = staging_of()
    assert names(tmp_path) == set()  # nothing is made before it is needed
    made = [staging.fresh_directory() for _ in range(3)]
    assert len({*made, staging.fresh_name()}) == 4
    assert {each.parent.name for each in made} == {staging.owner}
    assert made[0].stat().st_mode & 0o7777 == 0o700
    assert names(tmp_path) == {staging.owner, f"{staging.owner}.owner"}
    staging.close()


def test_nothing_stays_of_a_process_that_ends_in_order(staging_of, tmp_path, trashed):
    staging = staging_of()
    staging.fresh_directory().rmdir()
    staging.close()
    staging.close()
    assert (names(tmp_path), trashed) == (set(), [])


def test_what_was_not_finished_goes_to_the_trash(staging_of, tmp_path, trashed):
    staging = staging_of()
    (staging.fresh_directory() / "half").write_text("x")
    owner = staging.owner
    staging.close()
    assert (names(tmp_path), [each.name for each in trashed]) == (set(), [owner])


def test_two_of_one_process_are_two_owners_and_both_are_alive(staging_of):
    one, two = staging_of(), staging_of()
    assert one.owner != two.owner
    assert one.is_alive(two.owner)
    assert one.is_alive(one.owner)
    gone = two.owner
    two.close()
    assert not one.is_alive(gone)
    assert not one.is_alive("never")
    one.close()


def test_what_a_killed_process_left_is_taken_away_by_the_next(staging_of, tmp_path, trashed):
    argv = [sys.executable, "-c", DIE, str(tmp_path / "tmp")]
    owner = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
    assert names(tmp_path) == {owner, f"{owner}.owner", "cache-key-x.lock"}
    alive = staging_of()
    alive.fresh_directory()
    alive.collect()
    assert [each.name for each in trashed] == [owner]
    alive.collect_locks()
    assert names(tmp_path) == {alive.owner, f"{alive.owner}.owner"}
    alive.close()


def test_a_directory_without_an_owner_is_debris_and_held_locks_stay(staging_of, tmp_path, trashed):
    staging = staging_of()
    (tmp_path / "tmp/lost").mkdir()
    with staging.lock("key"):
        staging.collect()
        staging.collect_locks()
        assert names(tmp_path) == {"key.lock"}
    assert [each.name for each in trashed] == ["lost"]
