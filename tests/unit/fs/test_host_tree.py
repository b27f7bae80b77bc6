"""A host directory as a tree."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from jettison.fs.host_tree import HostTree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").write_text("secret")
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a/file").write_text("hello")
    (root / "a/é").write_text("")
    (root / "a/B").write_text("")
    (root / "link").symlink_to("a")
    (root / "out").symlink_to(tmp_path)
    return root


def test_names_are_sorted_by_their_bytes(root: Path) -> None:
    assert HostTree(root).names("/a") == ["B", "file", "é"]
    assert HostTree(root).names("/") == ["a", "link", "out"]


def test_what_is_no_directory_has_no_names(root: Path) -> None:
    tree = HostTree(root)
    assert tree.names("/a/file") == tree.names("/none") == tree.names("/link") == []


def test_facts_are_those_of_the_file_itself(root: Path) -> None:
    tree = HostTree(root)
    file, link = tree.lstat("/a/file"), tree.lstat("/link")
    assert file is not None
    assert link is not None
    assert (file.is_file, file.size, file.uid) == (True, 5, os.getuid())
    assert link.is_symlink
    assert tree.readlink("/link") == "a"
    assert tree.lstat("/none") is None


def test_nothing_is_below_a_link_or_outside_the_root(root: Path) -> None:
    tree = HostTree(root)
    for path in ("/link/file", "/out/outside", "/../outside", "/a/../../outside", "/a/../a"):
        assert tree.lstat(path) is None, path
        with pytest.raises(FileNotFoundError):
            tree.host_path(path)
        assert tree.names(path) == []


def test_a_very_deep_path_is_just_not_there(root: Path) -> None:
    assert HostTree(root).lstat("/x" * 3000) is None


@pytest.mark.parametrize("path", ["/" + "x" * 300, "/a/" + "x" * 300 + "/y", "/a\0b"])
def test_an_impossible_name_is_just_not_there(root: Path, path: str) -> None:
    assert HostTree(root).lstat(path) is None


def test_the_files_of_a_context_belong_to_root(root: Path) -> None:
    os.chmod(root / "a/file", 0o640)
    facts = HostTree(root, context=True).lstat("/a/file")
    assert facts is not None
    assert (facts.uid, facts.gid, facts.mode & 0o777) == (0, 0, 0o640)


def test_names_of_one_inode_have_one_identity(root: Path) -> None:
    (root / "second").hardlink_to(root / "a/file")
    tree = HostTree(root)
    first, second, other = tree.lstat("/a/file"), tree.lstat("/second"), tree.lstat("/a/B")
    assert first is not None
    assert second is not None
    assert other is not None
    assert first.identity == second.identity != other.identity


def test_a_digest_is_the_sha256_of_the_bytes(root: Path) -> None:
    assert HostTree(root).file_digest("/a/file") == hashlib.sha256(b"hello").digest()
    with pytest.raises(OSError, match="symbolic links"):
        HostTree(root).file_digest("/link")


def test_a_link_as_root_is_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    assert HostTree(tmp_path / "alias").names("/a") == ["B", "file", "é"]


def test_only_image_attributes_are_seen(root: Path) -> None:
    path = os.fspath(root / "a/file")
    os.setxattr(path, "user.kept", b"1")
    os.setxattr(path, "user.overlay.opaque", b"y")
    assert HostTree(root).xattrs("/a/file") == {"user.kept": b"1"}
