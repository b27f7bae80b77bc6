"""Paths below a root, by openat2 and by the walk that replaces it on old kernels."""

from __future__ import annotations

import errno
import os

import pytest

from jettison.linux import files
from jettison.linux.files import RENAME_EXCHANGE, open_in_root, rename


@pytest.fixture
def root(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    tree = tmp_path / "root"
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/b/file").write_text("inside")
    (tree / "absolute").symlink_to("/a/b")
    (tree / "relative").symlink_to("a/b/../b/file")
    (tree / "escape").symlink_to("../../../../outside/secret")
    (tree / "host").symlink_to(tmp_path / "outside/secret")
    (tree / "loop").symlink_to("loop")
    (tree / "a/up").symlink_to("../..")
    descriptor = os.open(tree, os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def by_kernel(root: int, path: bytes, flags: int = os.O_RDONLY) -> int:
    return open_in_root(root, path, flags)


def by_walk(root: int, path: bytes, flags: int = os.O_RDONLY) -> int:
    return files._walk(root, path, flags | os.O_CLOEXEC)


both = pytest.mark.parametrize("opened", [by_kernel, by_walk])


@both
@pytest.mark.parametrize(
    "path",
    [b"a/b/file", b"/a/b/file", b"absolute/file", b"relative", b"../../a/b/file", b"a/up/a/b/file"],
)
def test_links_and_dots_stay_below_the_root(root, opened, path):
    with open(opened(root, path), "rb") as file:
        assert file.read() == b"inside"


@both
@pytest.mark.parametrize("path", [b"escape", b"host", b"a/up/../outside/secret", b"nothing"])
def test_what_is_outside_is_not_there(root, opened, path):
    with pytest.raises(FileNotFoundError):
        opened(root, path)


@both
def test_a_loop_ends(root, opened):
    with pytest.raises(OSError, match="symbolic links") as caught:
        opened(root, b"loop")
    assert caught.value.errno == errno.ELOOP


@both
@pytest.mark.parametrize("path", [b"", b"/", b".", b".."])
def test_the_root_itself_can_be_opened(root, opened, path):
    descriptor = opened(root, path)
    assert os.path.samestat(os.fstat(descriptor), os.fstat(root))
    os.close(descriptor)


@both
def test_a_file_is_no_directory(root, opened):
    with pytest.raises(NotADirectoryError):
        opened(root, b"a/b/file/x")


def test_the_walk_loses_no_descriptors(root):
    before = len(os.listdir("/proc/self/fd"))
    for path in (b"a/b/file", b"escape", b"loop", b"absolute/../up"):
        try:
            os.close(by_walk(root, path))
        except OSError:
            continue
    assert len(os.listdir("/proc/self/fd")) == before


def test_renaming_does_not_replace_unless_told_to(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    with pytest.raises(FileExistsError) as caught:
        rename(os.fsencode(one), os.fsencode(two))
    assert caught.value.filename == str(two)
    rename(os.fsencode(one), os.fsencode(two), RENAME_EXCHANGE)
    assert (one.read_text(), two.read_text()) == ("2", "1")
