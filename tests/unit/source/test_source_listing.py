"""Directories as they were listed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.fs.tree import FileStat, host_stat
from jettison.source.listing import Listing, look_at


def listed(directory: Path) -> Listing:
    names, stats = look_at(sorted(os.scandir(directory), key=lambda entry: entry.name))
    return Listing(1, names, stats, 7)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "b").mkdir()
    (tmp_path / "a").write_text("text")
    (tmp_path / "c").symlink_to("a")
    os.utime(tmp_path / "a", ns=(5, 5))
    return tmp_path


def test_files_are_their_stat_results_and_directories_are_known_at_once(directory):
    listing = listed(directory)
    assert list(listing.files) == ["a", "b", "c"]
    assert listing.files["a"] == FileStat(*host_stat(os.lstat(directory / "a")))
    assert listing.directories == {"b": listing.files["b"]}
    assert (listing.state, listing.listed_ns) == (1, 7)


def test_the_digest_is_of_names_and_all_that_stat_says(directory):
    seen = listed(directory).seen
    assert listed(directory).seen == seen
    os.rename(directory / "a", directory / "aa")
    assert listed(directory).seen != seen
    os.rename(directory / "aa", directory / "a")
    (directory / "a").chmod(0o600)
    assert listed(directory).seen != seen


def test_names_that_are_no_text_count(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff"
    open(path, "w").close()
    assert [os.fsencode(name) for name in listed(tmp_path).files] == [b"\xff"]
    assert len(listed(tmp_path).seen) == 32


@pytest.mark.parametrize("seconds", [-(2**36), 2**35])
def test_times_that_no_number_of_64_bits_holds_count_too(directory, seconds):
    names, stats = look_at(sorted(os.scandir(directory), key=lambda entry: entry.name))
    odd = [(*each[:-2], seconds * 10**9, each[-1]) if name == "a" else each
           for name, each in zip(names, stats, strict=True)]  # fmt: skip
    listing = Listing(1, names, odd, 7)
    assert listing.files["a"] == FileStat(*odd[0])
    assert listing.seen != Listing(1, names, stats, 7).seen


def test_the_newest_time_is_that_of_a_change(directory):
    newest = max(os.lstat(directory / name).st_ctime_ns for name in "abc")
    assert listed(directory).newest_ns() == newest
    (directory / "empty").mkdir()
    assert listed(directory / "empty").newest_ns() == 0


def test_what_vanished_since_is_left_out(directory):
    entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    (directory / "a").unlink()
    names, stats = look_at(entries)
    assert (names, len(stats)) == (["b", "c"], 2)


def test_excluded_directories_that_may_hold_something_are_apart(directory):
    listing = listed(directory)
    assert not listing.has_exceptions
    st = host_stat(os.lstat(directory / "b"))
    listing.exclude(["x"], [st])
    assert listing.has_exceptions
    assert listing.maybe == {"x": FileStat(*st)}
    assert "x" not in listing.files
