"""A stack seen through listings is the tree that the layers' directories make."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.fs.listed_tree import ListedTree
from jettison.fs.listing import decode_listing
from jettison.fs.ownership import process_ownership
from jettison.fs.visible import visible
from jettison.snapshot.changes import layer_listing
from jettison.snapshot.stack import StackTree


@pytest.fixture
def layers(tmp_path: Path) -> list[Path]:
    one, two = tmp_path / "one", tmp_path / "two"
    for path, text in {"a/x": "1", "a/y": "22", "b": "333", "c/d/e": "4"}.items():
        (one / path).parent.mkdir(parents=True, exist_ok=True)
        (one / path).write_text(text)
    os.link(one / "a/x", one / "a/again")
    os.symlink("../b", one / "a/link")
    for path, text in {"a/y": "new", "f": "6"}.items():
        (two / path).parent.mkdir(parents=True, exist_ok=True)
        (two / path).write_text(text)
    (two / "a/y").chmod(0o600)
    return [one, two]


def test_it_is_the_tree_of_the_stack(layers: list[Path]) -> None:
    ownership = process_ownership()
    listings = [decode_listing(layer_listing(each, ownership)) for each in layers]
    tree, stack = ListedTree(visible(listings), layers), StackTree(layers, ownership)

    assert set(tree.entries) == {
        "/a", "/a/again", "/a/link", "/a/x", "/a/y", "/b", "/c", "/c/d", "/c/d/e", "/f",
    }  # fmt: skip
    for path in ("/", "/a", "/c/d", "/b", "/none"):
        assert tree.names(path) == stack.names(path), path
    for path in tree.entries:
        one, other = tree.lstat(path), stack.lstat(path)
        assert one is not None
        assert other is not None
        assert (one.mode, one.uid, one.gid) == (other.mode, other.uid, other.gid)
        assert tree.host_path(path) == stack.host_path(path)
        assert tree.xattrs(path) == stack.xattrs(path)
        if one.is_file:
            assert one.size == other.size
            assert tree.file_digest(path) == stack.file_digest(path)
    assert tree.readlink("/a/link") == "../b"
    assert tree.entries["/a/x"].identity == tree.entries["/a/again"].identity
    assert tree.entries["/a/x"].identity != tree.entries["/a/y"].identity
    root = tree.lstat("/")
    assert root is not None
    assert root.is_dir


def test_what_is_not_there_is_an_error(layers: list[Path]) -> None:
    tree = ListedTree(visible([]), [])
    with pytest.raises(FileNotFoundError):
        tree.host_path("/a")
    listings = [decode_listing(layer_listing(each, process_ownership())) for each in layers]
    with pytest.raises(OSError, match="Invalid argument"):
        ListedTree(visible(listings), layers).readlink("/b")
