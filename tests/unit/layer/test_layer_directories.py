"""Directories of a tree being unpacked: links stay inside, nothing is left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from copy_rig import fill
from jettison.errors import UnsafeArchiveError
from jettison.layer.directories import Directories

OPAQUE = "user.test.opaque"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    return fill(
        tmp_path / "root",
        {"usr/lib/x": "", "lib": "-> usr/lib", "abs": "-> /usr", "up": "-> ../../outside",
         "deep/down/back": "-> ../../usr", "a": "-> b", "b": "-> a", "file": "", "to": "-> new/dir"},
    )  # fmt: skip


@pytest.fixture
def directories(root: Path) -> Iterator[Directories]:
    with Directories(root, OPAQUE) as opened:
        yield opened


def path_of(descriptor: int) -> str:
    return os.readlink(f"/proc/self/fd/{descriptor}")


@pytest.mark.parametrize(
    ("name", "real"),
    [
        (b"", b""),
        (b"usr/lib", b"usr/lib"),
        (b"lib", b"usr/lib"),
        (b"abs/lib", b"usr/lib"),
        (b"deep/down/back/lib", b"usr/lib"),
    ],
)
def test_links_are_followed_inside_the_root(root, directories, name, real):
    descriptor, found = directories.enter(name)
    assert found == real
    assert path_of(descriptor) == os.fsdecode(os.fsencode(root) + (b"/" + real if real else b""))
    assert directories.made == set()


def test_a_link_that_leads_out_ends_at_the_root(root, directories):
    descriptor, found = directories.enter(b"up/x")
    assert found == b"outside/x"
    assert path_of(descriptor) == f"{root}/outside/x"
    assert os.listdir(root.parent / "outside") == []
    assert directories.made == {b"outside", b"outside/x"}


def test_what_is_missing_is_made_also_behind_links(root, directories):
    assert directories.enter(b"to/sub")[1] == b"new/dir/sub"
    assert directories.made == {b"new", b"new/dir", b"new/dir/sub"}
    assert os.stat(root / "new/dir").st_mode & 0o7777 == 0o700
    with pytest.raises(FileNotFoundError):
        directories.enter(b"nothing/x", make=False)
    assert not (root / "nothing").exists()


def test_a_cycle_of_links_is_an_error(directories):
    with pytest.raises(UnsafeArchiveError) as caught:
        directories.enter(b"a/x")
    assert caught.value.message == "`a/x` goes through too many symbolic links"


def test_a_file_is_no_directory(directories):
    with pytest.raises(UnsafeArchiveError) as caught:
        directories.enter(b"file/x")
    assert caught.value.message == "`file` is used as a directory but is none"


@pytest.mark.needs_root
def test_a_directory_takes_the_place_of_a_whiteout_and_hides_what_is_below(root, directories):
    os.mknod(root / "gone", 0o020000, os.makedev(0, 0))
    with pytest.raises(FileNotFoundError):
        directories.enter(b"gone", make=False)
    directories.hidden.add(b"gone")
    descriptor, _ = directories.enter(b"gone/x")
    assert path_of(descriptor) == f"{root}/gone/x"
    assert os.getxattr(root / "gone", OPAQUE) == b"y"
    assert OPAQUE not in os.listxattr(root / "gone/x")


def test_what_is_removed_is_forgotten_with_all_below(root, directories):
    directories.enter(b"new/one/two")
    directories.forget(b"new/one")
    (root / "new/one/two").rmdir()
    (root / "new/one").rmdir()
    assert directories.made == {b"new"}
    descriptor, _ = directories.enter(b"new/one/two")
    assert path_of(descriptor) == f"{root}/new/one/two"


def test_few_directories_are_open_at_a_time(root, directories):
    before = len(os.listdir("/proc/self/fd"))
    for number in range(200):
        directories.enter(b"many/%d/x" % number)
    deep, _ = directories.enter(b"/".join([b"d"] * 200))
    assert path_of(deep).endswith("/d" * 200)
    assert len(os.listdir("/proc/self/fd")) - before <= 64
    assert directories.enter(b"many/0/x")[1] == b"many/0/x"
