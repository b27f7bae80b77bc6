"""What a stack of layers shows, as files and as outlines, rule by rule; ``property/test_stack_tree`` asks the kernel."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from jettison.fs.overlay_form import make_opaque, make_whiteout
from jettison.fs.resolve import resolve
from jettison.snapshot.outlined import OutlinedTree
from jettison.snapshot.stack import StackTree
from outline_rig import in_place, outlined
from ownership_rig import OWNERSHIP

Build = Callable[..., StackTree | OutlinedTree]


@pytest.fixture(params=["files", "outlines", "in place"])
def build(tmp_path: Path, request: pytest.FixtureRequest) -> Build:
    """Make a stack from ``{path: text}`` layers: None is a whiteout, ``path/`` a directory,
    ``path//`` an opaque one."""

    def build(*layers: dict[str, str | None]) -> StackTree | OutlinedTree:
        directories = []
        for index, layer in enumerate(layers):
            root = tmp_path / str(index)
            root.mkdir()
            directories.append(root)
            for path, text in layer.items():
                target = root / path
                target.parent.mkdir(parents=True, exist_ok=True)
                if text is None:
                    make_whiteout(os.fspath(target))
                elif path.endswith("/"):
                    target.mkdir(exist_ok=True)
                    if path.endswith("//"):
                        make_opaque(os.fspath(target))
                else:
                    target.write_text(text)
        if request.param == "outlines":
            return outlined(directories)
        if request.param == "in place":
            return in_place(directories)
        return StackTree(directories, OWNERSHIP)

    return build


def read(tree: StackTree | OutlinedTree, path: str) -> str:
    return Path(tree.host_path(path)).read_text()


def test_the_empty_stack_is_an_empty_root(build: Build) -> None:
    tree = build()
    root = tree.lstat("/")
    assert root is not None
    assert stat.S_ISDIR(root.mode)
    assert tree.names("/") == []
    assert tree.xattrs("/") == {}
    assert tree.lstat("/a") is None


def test_the_topmost_file_wins(build: Build) -> None:
    tree = build({"a": "1"}, {"a": "2"}, {"b": "3"})
    assert read(tree, "/a") == "2"
    assert tree.names("/") == ["a", "b"]


def test_directories_merge(build: Build) -> None:
    tree = build({"d/a": "1", "d/b": "1"}, {"d/b": "2"}, {"d/c": "3"})
    assert tree.names("/d") == ["a", "b", "c"]
    assert [read(tree, f"/d/{name}") for name in "abc"] == ["1", "2", "3"]


def test_a_whiteout_hides_a_name_below_and_itself(build: Build) -> None:
    tree = build({"a": "1", "d/x": "1"}, {"a": None, "d": None})
    assert tree.names("/") == []
    assert tree.lstat("/a") is None
    assert tree.lstat("/d/x") is None
    with pytest.raises(FileNotFoundError):
        tree.host_path("/d/x")


def test_a_name_can_come_back_after_a_whiteout(build: Build) -> None:
    tree = build({"d/old": "1"}, {"d": None}, {"d/new": "3"})
    assert tree.names("/d") == ["new"]


def test_an_opaque_directory_hides_what_is_below(build: Build) -> None:
    tree = build({"d/a": "1", "d/s/x": "1"}, {"d//": "", "d/b": "2"}, {"d/c": "3"})
    assert tree.names("/d") == ["b", "c"]
    assert tree.lstat("/d/s/x") is None


def test_an_opaque_root_hides_all_layers_below(build: Build) -> None:
    tree = build({"a": "1"}, {".//": "", "b": "2"}, {"c": "3"})
    assert tree.names("/") == ["b", "c"]


def test_a_file_over_a_directory_hides_it_for_good(build: Build) -> None:
    tree = build({"d/a": "1"}, {"d": "file"}, {"d/b": "3"})
    assert tree.names("/d") == ["b"]
    assert build is not None
    assert tree.lstat("/d/a") is None


def test_a_directory_over_a_file_is_a_directory(build: Build) -> None:
    tree = build({"a": "file"}, {"a/x": "2"})
    assert tree.names("/a") == ["x"]


def test_nothing_is_below_a_link(build: Build, tmp_path: Path) -> None:
    tree = build({"real/x": "1"}, {"real/y": "2"})
    (tmp_path / "1/link").symlink_to("real")
    (tmp_path / "0/escape").symlink_to("/etc")
    assert tree.lstat("/link/x") is None
    assert tree.lstat("/escape/passwd") is None
    assert tree.names("/escape") == []
    assert tree.readlink("/escape") == "/etc"
    assert resolve(tree, "/link/x") == "/real/x"


def test_paths_with_dots_name_nothing(build: Build) -> None:
    tree = build({"d/a": "1"})
    for path in ("/d/../d/a", "/./d", "/d/.", "/../0/d/a"):
        assert tree.lstat(path) is None, path
        assert tree.names(path) == []


def test_the_root_has_the_facts_of_the_topmost_layer_that_changes_it(
    build: Build, tmp_path: Path
) -> None:
    build({"a": "1"}, {"b": "2"}, {"c": "3"})
    for name, mode in (("0", 0o700), ("1", 0o555), ("2", 0o755)):
        (tmp_path / name).chmod(mode)
    tree = StackTree([tmp_path / name for name in "012"], OWNERSHIP)
    root = tree.lstat("/")
    assert root is not None
    assert stat.S_IMODE(root.mode) == 0o555
    assert tree.host_path("/") == f"{tmp_path}/1/"
    (tmp_path / "1").chmod(0o755)
    os.setxattr(tmp_path / "2", "user.a", b"1")
    assert StackTree([tmp_path / name for name in "012"], OWNERSHIP).xattrs("/") == {"user.a": b"1"}


def test_only_names_in_one_layer_are_one_file(build: Build, tmp_path: Path) -> None:
    tree = build({"a": "1"}, {})
    (tmp_path / "0/b").hardlink_to(tmp_path / "0/a")
    (tmp_path / "1/c").hardlink_to(tmp_path / "0/a")
    facts = {name: tree.lstat(f"/{name}") for name in "abc"}
    identities = {name: each.identity for name, each in facts.items() if each is not None}
    assert identities["a"] == identities["b"] != identities["c"]


def test_a_file_is_hashed_once_for_all_its_names(build: Build, tmp_path: Path) -> None:
    tree = build({"a": "hello"})
    (tmp_path / "0/b").hardlink_to(tmp_path / "0/a")
    expected = hashlib.sha256(b"hello").digest()
    assert tree.file_digest("/a") == expected
    (tmp_path / "0/a").write_text("never written again, so never seen")
    assert tree.file_digest("/a") == tree.file_digest("/b") == expected


def test_names_are_sorted_by_their_bytes(build: Build, tmp_path: Path) -> None:
    tree = build({"é": "", "z": "", "B": "", "a": ""})
    (tmp_path / "0" / os.fsdecode(b"\xff")).touch()
    assert [os.fsencode(name) for name in tree.names("/")] == [
        b"B", b"a", b"z", "é".encode(), b"\xff",
    ]  # fmt: skip


def test_four_hundred_layers_are_fine(build: Build) -> None:
    layers = [
        {f"d{number % 7}/f{number}": str(number), "top": str(number)} for number in range(400)
    ]
    tree = build(*layers)
    assert read(tree, "/top") == "399"
    assert len(tree.names("/d3")) == 57
    assert read(tree, "/d0/f0") == "0"


def test_a_very_deep_path_is_just_not_there(build: Build) -> None:
    assert build({"x/y": ""}).lstat("/x" * 3000) is None


def test_image_attributes_are_seen_and_others_not(build: Build, tmp_path: Path) -> None:
    tree = build({"d//": "", "d/f": "1"})
    os.setxattr(tmp_path / "0/d", "user.kept", b"1")
    assert tree.xattrs("/d") == {"user.kept": b"1"}
