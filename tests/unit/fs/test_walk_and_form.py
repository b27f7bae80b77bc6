"""Walks, image attributes and the overlay form."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.fs.overlay_form import (
    is_opaque,
    is_whiteout,
    lowers_in_effect,
    make_opaque,
    make_whiteout,
    opaque_xattr,
    overlay_xattr_prefix,
)
from jettison.fs.walk import walk
from jettison.fs.xattr import (
    USER_PREFIX,
    get_xattr,
    is_image_xattr,
    read_xattrs,
    remove_xattr,
    set_xattr,
)


def test_a_walk_is_sorted_by_bytes_and_parents_come_first(tmp_path: Path) -> None:
    for name in ("b/x", "a/é", "a/z", "a.c", "B"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "b/up").symlink_to("..")
    expected = ["B", "a", "a/z", "a/é", "a.c", "b", "b/up", "b/x"]
    assert [path for path, _ in walk(tmp_path)] == expected


def test_names_that_are_no_text_come_escaped(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\xfe")).write_text("")
    ((path, facts),) = walk(tmp_path)
    assert os.fsencode(path) == b"\xff\xfe"
    assert facts.st_size == 0


@pytest.mark.parametrize(
    ("name", "belongs"),
    [
        ("security.capability", True),
        ("user.anything", True),
        ("user.overlay.opaque", False),
        ("security.selinux", False),
        ("security.ima", False),
        ("trusted.overlay.opaque", False),
        ("trusted.mine", False),
        ("system.posix_acl_access", False),
    ],
)
def test_only_portable_attributes_belong_to_images(name: str, belongs: bool) -> None:
    assert is_image_xattr(name) is belongs


def test_attributes_are_read_and_set_by_path_and_descriptor(tmp_path: Path) -> None:
    path = os.fspath(tmp_path / "file")
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        set_xattr(path, "user.b", b"2")
        set_xattr(descriptor, "user.a", b"")
        assert list(read_xattrs(path).items()) == [("user.a", b""), ("user.b", b"2")]
        assert read_xattrs(descriptor) == read_xattrs(path)
        remove_xattr(descriptor, "user.a")
        remove_xattr(path, "user.a")
        assert get_xattr(path, "user.a") is None
    finally:
        os.close(descriptor)


def test_attributes_are_never_those_of_a_links_target(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    set_xattr(os.fspath(tmp_path / "file"), "user.a", b"1")
    (tmp_path / "link").symlink_to("file")
    assert read_xattrs(os.fspath(tmp_path / "link")) == {}
    with pytest.raises(OSError, match="link"):
        set_xattr(os.fspath(tmp_path / "link"), "user.b", b"1")


def test_a_whiteout_is_a_device_that_anybody_may_make(tmp_path: Path) -> None:
    make_whiteout(os.fspath(tmp_path / "gone"))
    assert is_whiteout(os.lstat(tmp_path / "gone"))
    assert not is_whiteout(os.lstat(tmp_path))
    assert not is_whiteout(os.lstat("/dev/null"))


def test_an_opaque_directory_has_the_attribute_of_this_process(tmp_path: Path) -> None:
    path = os.fspath(tmp_path)
    assert not is_opaque(path)
    os.setxattr(path, opaque_xattr(), b"x")  # "x" means: may hold whiteouts of another form
    assert not is_opaque(path)
    make_opaque(path)
    assert is_opaque(path)
    assert os.getxattr(path, overlay_xattr_prefix() + "opaque") == b"y"


@pytest.mark.skipif(overlay_xattr_prefix() == USER_PREFIX, reason="that is this process's form")
def test_the_other_form_means_nothing_here(tmp_path: Path) -> None:
    os.setxattr(tmp_path, USER_PREFIX + "opaque", b"y")
    assert not is_opaque(os.fspath(tmp_path))


def test_a_stack_is_in_effect_from_its_last_opaque_root(tmp_path: Path) -> None:
    layers = [tmp_path / str(number) for number in range(4)]
    for layer in layers:
        layer.mkdir()
    assert list(lowers_in_effect(layers)) == layers
    make_opaque(os.fspath(layers[1]))
    make_opaque(os.fspath(layers[2]))
    assert list(lowers_in_effect(layers)) == layers[2:]
    assert list(lowers_in_effect([])) == []


def test_a_layer_that_comes_twice_is_mounted_once_where_it_is_on_top(tmp_path):
    one, two, three = (tmp_path / name for name in "123")
    for each in (one, two, three):
        each.mkdir()
    assert list(lowers_in_effect([one, two, one, three, two])) == [one, three, two]
