"""Layers that are here are asked name by name; what whole stacks show is in ``test_stack``."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from jettison.fs.overlay_form import make_opaque, make_whiteout
from jettison.snapshot.directory_outline import DirectoryOutline
from jettison.snapshot.outline import Outline, OutlineEntry, read_outline
from ownership_rig import OWNERSHIP


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """A layer with every kind of name."""
    (layer := tmp_path / "layer").mkdir()
    (layer / "usr/lib").mkdir(parents=True)
    (layer / "usr/lib/libc.so").write_bytes(b"c" * 500)
    (layer / "usr/lib/libc.so").chmod(0o4751)
    os.setxattr(layer / "usr/lib/libc.so", "user.note", b"1")
    (layer / "lib").symlink_to("usr/lib")
    (layer / "first").write_text("two names")
    (layer / "second").hardlink_to(layer / "first")
    (layer / "hiding").mkdir()
    make_opaque(os.fspath(layer / "hiding"))
    make_whiteout(os.fspath(layer / "gone"))
    os.mkfifo(layer / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.fspath(layer / "socket"))
    return layer


def but_the_inode(entry: OutlineEntry | None) -> dict[str, object] | None:
    if entry is None:
        return None
    return {name: getattr(entry, name) for name in entry.__struct_fields__ if name != "inode"}


def facts(outline: Outline | DirectoryOutline, path: str) -> tuple[object, ...]:
    found = outline.find(path)
    if found is None or found.is_whiteout:
        return (but_the_inode(found),)
    return but_the_inode(found), outline.target(path), outline.xattrs_of(path)


def test_every_name_is_what_a_whole_outline_says(layer: Path) -> None:
    asked, whole = DirectoryOutline(layer, OWNERSHIP), read_outline(layer, OWNERSHIP)
    for path in [
        *whole.paths,
        "/socket",
        "/nowhere",
        "/first/below",
        "/usr/lib/none",
        "/usr/.",
        "/usr/../usr",
    ]:
        assert facts(asked, path) == facts(whole, path), path
    assert sorted(asked.names("/usr")) == whole.names("/usr") == ["lib"]
    assert asked.plain_root == whole.plain_root
    assert but_the_inode(asked.root) == but_the_inode(whole.root)


def test_two_names_of_a_file_are_one(layer: Path) -> None:
    asked = DirectoryOutline(layer, OWNERSHIP)
    first, second = asked.find("/first"), asked.find("/second")
    assert first is not None
    assert first == second
    assert first.nlink == 2


def test_a_root_that_says_something_is_not_plain(layer: Path) -> None:
    layer.chmod(0o700)
    assert not DirectoryOutline(layer, OWNERSHIP).plain_root


def test_a_layer_that_is_gone_is_no_empty_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _ = DirectoryOutline(tmp_path / "gone", OWNERSHIP).root
