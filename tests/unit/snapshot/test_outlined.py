"""Which layers a question about a stack asks for; what it shows is in ``test_stack``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.fs.overlay_form import make_opaque, make_whiteout
from jettison.fs.resolve import resolve
from jettison.snapshot.outline import decode_outline, encode_outline, read_outline
from jettison.snapshot.outlined import OutlinedTree
from outline_rig import DirectoryLayer
from ownership_rig import OWNERSHIP


def layers(tmp_path: Path, *contents: dict[str, str | None]) -> list[DirectoryLayer]:
    """Make layers; None is a whiteout, a path that ends in a slash an opaque directory."""
    made = []
    for number, files in enumerate(contents):
        (root := tmp_path / str(number)).mkdir()
        for path, text in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.endswith("/"):
                target.mkdir()
                make_opaque(os.fspath(target))
            elif text is None:
                make_whiteout(os.fspath(target))
            else:
                target.write_text(text)
        made.append(DirectoryLayer(root))
    return made


def asked(tree_layers: list[DirectoryLayer]) -> list[bool]:
    return [each.asked for each in tree_layers]


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/usr/bin/tool", [False, False, True]),  # the top layer has it
        ("/usr/bin/gone", [False, True, True]),  # a whiteout settles it, too
        ("/opt/new", [False, True, True]),  # an opaque directory hides what is below
        ("/usr/bin/old", [True, True, True]),
        ("/nowhere", [True, True, True]),
        ("/opt/none", [False, True, True]),
    ],
)
def test_a_path_is_settled_by_the_topmost_layers(
    tmp_path: Path, path: str, most: list[bool]
) -> None:
    made = layers(
        tmp_path,
        {"usr/bin/old": "0", "usr/bin/gone": "0", "opt/hidden": "0"},
        {"usr/bin/gone": None, "opt/": "", "opt/new": "1"},
        {"usr/bin/tool": "2"},
    )
    tree = OutlinedTree(made, [0, 0, 0])
    assert resolve(tree, path) == path
    tree.lstat(path)
    assert asked(made) == most


def test_a_layer_that_cannot_be_had_is_asked_again(tmp_path: Path) -> None:
    made = layers(tmp_path, {"a": "0"}, {"b": "1"})
    tree = OutlinedTree(made, [0, 0])
    there = made[0].directory
    made[0].directory = tmp_path / "gone"
    with pytest.raises(FileNotFoundError):
        tree.lstat("/a")
    made[0].directory = there
    assert tree.lstat("/a") is not None


def test_times_say_something_below_the_clock_of_a_layer(tmp_path: Path) -> None:
    made = layers(tmp_path, {"a": "0"}, {"b": "1"})
    for each, name in zip(made, "ab", strict=True):
        os.utime(each.directory / name, ns=(5, 5))
    tree = OutlinedTree(made, [5, 6])
    assert [tree.lstat(path).dated for path in ("/a", "/b")] == [False, True]


def test_files_are_asked_for_by_layer_at_once(tmp_path: Path) -> None:
    made = layers(tmp_path, {"a": "0", "b": "0"}, {"b": "1", "c": "1"})
    tree = OutlinedTree(made, [0, 0])
    tree.prepare(["/a", "/b", "/c", "/none"], digests_only=True)
    assert made[0].prepared == [("/a", True)]
    assert made[1].prepared == [("/b", True), ("/c", True)]
    assert Path(tree.host_path("/b")).read_text() == "1"
    assert made[1].prepared[-1] == ("/b", False)


def test_a_stored_outline_is_what_it_was_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir(0o750)
    (tmp_path / os.fsdecode(b"not \xff text")).write_bytes(b"12345")
    (tmp_path / "link").symlink_to(os.fsdecode(b"\xfe"))
    (tmp_path / "dir/one").write_text("1")
    (tmp_path / "two").hardlink_to(tmp_path / "dir/one")
    os.setxattr(tmp_path / "two", "user.note", b"x")
    found = read_outline(tmp_path, OWNERSHIP, ["dir"])
    assert found.find("/dir").implied
    assert sorted(found.names_of("/two")) == ["/dir/one", "/two"]
    data = encode_outline(found)
    kept = decode_outline(data)
    assert (kept.paths, kept.entries) == (found.paths, found.entries)
    assert (kept.targets, kept.xattrs, kept.plain_root) == (
        found.targets,
        found.xattrs,
        found.plain_root,
    )
    assert decode_outline(data[:-9]) is None
    assert decode_outline(b"") is None
