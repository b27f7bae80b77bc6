"""Trees of any kind can be removed, and nothing but them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jettison.fs.remove import remove_tree


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("x")
    (tmp_path / "tree/sub").mkdir(parents=True)
    (tmp_path / "tree/sub/link").symlink_to(tmp_path / "kept")
    (tmp_path / "tree/file").symlink_to(tmp_path / "kept/file")
    remove_tree(tmp_path / "tree")
    assert (tmp_path / "kept/file").read_text() == "x"
    assert os.listdir(tmp_path) == ["kept"]


def test_a_link_as_the_tree_is_removed_itself(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept")
    remove_tree(tmp_path / "link")
    assert os.listdir(tmp_path) == ["kept"]


def test_what_is_not_there_needs_no_removal(tmp_path: Path) -> None:
    remove_tree(tmp_path / "none")
    remove_tree(tmp_path / "none/below")


def test_files_of_all_types_are_removed(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    os.mkfifo(tree / "fifo")
    (tree / "file").write_text("x")
    (tree / "second").hardlink_to(tree / "file")
    (tree / os.fsdecode(b"\xff\n")).mkdir()
    remove_tree(tree)
    assert not tree.exists()


def test_directories_without_permissions_are_opened_up(tmp_path: Path) -> None:
    (tmp_path / "tree/closed/inner").mkdir(parents=True)
    (tmp_path / "tree/closed/inner/file").write_text("x")
    (tmp_path / "tree/closed/inner").chmod(0o500)
    (tmp_path / "tree/closed").chmod(0)
    remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_depth_has_no_limit(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    os.mkdir("tree", dir_fd=here)
    for name in ["tree"] + ["d" * 100] * 300:
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
        os.mkdir("d" * 100, dir_fd=here)
        os.mkdir(".deep-1-0", dir_fd=here)
    os.close(here)
    remove_tree(tmp_path / "tree")
    assert os.listdir(tmp_path) == []


def test_two_may_remove_the_same_tree(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"tree/{number}/x").mkdir(parents=True)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(remove_tree, [tmp_path / "tree"] * 4))
    assert not (tmp_path / "tree").exists()


@pytest.mark.needs_root
@pytest.mark.skipif(os.geteuid() != 0, reason="changes owners")
def test_a_file_is_removed_as_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    os.chown(tmp_path / "file", 1234, 1234)
    remove_tree(tmp_path / "file")
    assert os.listdir(tmp_path) == []
