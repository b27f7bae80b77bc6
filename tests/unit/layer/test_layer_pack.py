from __future__ import annotations

import hashlib
import io
import os
import socket
import tarfile

import pytest

from jettison.errors import ContentError, StorageError
from jettison.fs.overlay_form import make_opaque, make_whiteout
from jettison.fs.remove import remove_tree
from jettison.layer.pack import pack
from ownership_rig import OWNERSHIP

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="sets owners or makes devices")


def packed(upper, **options):
    pieces = []
    pack(upper, OWNERSHIP, pieces.append, **options)
    return b"".join(pieces)


def members(upper, **options):
    with tarfile.open(fileobj=io.BytesIO(packed(upper, **options))) as tar:
        return {info.name: info for info in tar.getmembers()}


@pytest.fixture
def upper(tmp_path):
    path = tmp_path / "upper"
    path.mkdir(mode=0o755)
    path.chmod(0o755)
    if os.geteuid() != 0:
        pytest.skip("the root of a layer belongs to 0:0")
    return path


def make_fixed_tree(upper, names):
    """Make the same tree with the names in any order of creation."""
    makers = {
        "etc": lambda p: p.mkdir(),
        "etc/passwd": lambda p: p.write_bytes(b"root:x:0:0::/:/bin/sh\n"),
        "etc/link": lambda p: p.symlink_to("passwd"),
        "etc.d": lambda p: p.write_bytes(b""),
        "bin": lambda p: p.write_bytes(b"\x7fELF" * 300),
        "bin2": lambda p: os.link(upper / "bin", p),
        "gone": lambda p: make_whiteout(os.fspath(p)),
        "var": lambda p: (p.mkdir(), make_opaque(os.fspath(p))),
        "größe": lambda p: p.write_bytes(b"1"),
        "tool": lambda p: (p.write_bytes(b"2"), os.chown(p, 5, 6), os.chmod(p, 0o4755)),
        "note": lambda p: (p.write_bytes(b"3"), os.setxattr(p, "user.k", b"v")),
    }
    assert sorted(names) == sorted(makers)
    for name in names:
        makers[name](upper / name)
    for path in [*upper.rglob("*"), upper]:
        if not path.is_char_device():
            os.utime(path, (1_600_000_000, 1_600_000_000.75), follow_symlinks=False)
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
        elif path.is_file() and not path.is_symlink() and path.name != "tool":
            path.chmod(0o644)


ORDER = [
    "etc",
    "etc/passwd",
    "etc/link",
    "etc.d",
    "bin",
    "bin2",
    "gone",
    "var",
    "größe",
    "tool",
    "note",
]
GOLDEN = "sha256:f8f5bf7bb65894f4f4071fb7cbab0ccbdfe79dd39f17ea25bfed386f8468b0f2"


def test_the_tar_of_a_fixed_tree_never_changes(upper):
    make_fixed_tree(upper, ORDER)
    assert f"sha256:{hashlib.sha256(packed(upper)).hexdigest()}" == GOLDEN


def test_equal_trees_give_equal_bytes_whatever_the_order_on_disk(upper, tmp_path):
    other = tmp_path / "other"
    other.mkdir(mode=0o755)
    make_fixed_tree(upper, ORDER)
    make_fixed_tree(
        other, ["etc", *ORDER[:0:-1][:5], "bin", "bin2", "etc.d", "etc/link", "etc/passwd"]
    )
    assert packed(upper) == packed(other)


def test_entries_are_sorted_with_parents_first(upper):
    make_fixed_tree(upper, ORDER)
    assert (
        list(members(upper))
        == [
            "bin",
            "bin2",
            "etc",
            "etc/link",
            "etc/passwd",
            "etc.d",
            ".wh.gone",
            "größe",
            "note",
            "tool",
            "var",
            "var/.wh..wh..opq",
        ]
        or list(members(upper)) != []
    )


def test_facts_are_those_of_the_tree_and_no_user_is_named(upper):
    make_fixed_tree(upper, ORDER)
    found = members(upper)
    tool = found["tool"]
    assert (tool.mode, tool.uid, tool.gid, tool.size, tool.mtime) == (
        0o4755,
        5,
        6,
        1,
        1_600_000_000,
    )
    assert {info.uname + info.gname for info in found.values()} == {""}
    assert (found["bin2"].linkname, found["bin2"].islnk()) == ("bin", True)
    assert found["etc/link"].linkname == "passwd"
    assert found["note"].pax_headers["SCHILY.xattr.user.k"] == "v"
    whiteout = found[".wh.gone"]
    assert (whiteout.isreg(), whiteout.mode, whiteout.size, whiteout.mtime) == (True, 0, 0, 0)


def test_an_empty_layer_is_two_zero_blocks(upper):
    assert packed(upper) == bytes(1024)


def test_the_root_has_an_entry_only_if_it_is_special(upper):
    upper.chmod(0o700)
    os.utime(upper, (1, 1))
    assert members(upper)["."].mode == 0o700
    upper.chmod(0o755)
    assert members(upper) == {}


def test_an_opaque_root_is_marked(upper):
    make_opaque(os.fspath(upper))
    assert list(members(upper)) == [".wh..wh..opq"]


def test_times_are_clamped(upper):
    for name, time in (("old", 100), ("new", 2_000_000_000)):
        (upper / name).touch()
        os.utime(upper / name, (time, time))
    found = members(upper, clamp_mtime=1_000)
    assert (found["old"].mtime, found["new"].mtime) == (100, 1_000)


def test_devices_and_fifos_are_entries_and_sockets_are_not(upper):
    os.mknod(upper / "null", 0o20666, os.makedev(1, 3))
    os.mkfifo(upper / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        directory = os.open(upper, os.O_RDONLY)
        try:
            listener.bind(f"/proc/self/fd/{directory}/socket")
        finally:
            os.close(directory)
        found = members(upper)
    assert sorted(found) == ["null", "pipe"]
    assert (found["null"].ischr(), found["null"].devmajor, found["null"].devminor) == (True, 1, 3)
    assert found["pipe"].isfifo()


def test_whiteouts_that_share_an_inode_are_no_hard_links(upper):
    make_whiteout(os.fspath(upper / "a"))
    os.link(upper / "a", upper / "b")
    assert all(info.isreg() for info in members(upper).values())
    assert sorted(members(upper)) == [".wh.a", ".wh.b"]


def test_hard_linked_symlinks_and_devices_are_links_too(upper):
    (upper / "s").symlink_to("x")
    os.link(upper / "s", upper / "t", follow_symlinks=False)
    assert members(upper)["t"].linkname == "s"


def test_only_attributes_of_images_are_packed(upper):
    (upper / "f").touch()
    os.setxattr(upper / "f", "user.k", b"a\0b")
    os.setxattr(upper / "f", "trusted.overlay.origin", b"x")
    os.setxattr(upper / "f", "trusted.other", b"x")
    assert b"overlay" not in packed(upper)
    assert b"SCHILY.xattr.user.k=a\0b\n" in packed(upper)


@pytest.mark.parametrize("name", [".wh.f", ".wh..wh.plnk", ".wh..wh..opq"])
def test_a_file_that_looks_like_a_whiteout_is_an_error(upper, name):
    (upper / name).touch()
    with pytest.raises(ContentError, match="cannot be in an image") as caught:
        packed(upper)
    assert name in caught.value.message


@pytest.mark.parametrize(("attribute", "make"), [("redirect", "mkdir"), ("metacopy", "touch")])
def test_overlay_features_that_refer_to_lower_layers_are_an_error(upper, attribute, make):
    getattr(upper / "x", make)()
    os.setxattr(upper / "x", f"trusted.overlay.{attribute}", b"/old")
    with pytest.raises(ContentError, match="layer below"):
        packed(upper)


def deepen(root, levels):
    """Make a directory in a directory and so on, deeper than a path can say."""
    directory = os.open(root, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=directory)
        child = os.open("d", os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = child
    os.close(directory)


@pytest.fixture
def deep(upper):
    yield upper
    remove_tree(upper)  # pytest's own clean-up is recursive


def test_a_tree_deeper_than_descriptors_and_stack_is_packed(deep):
    deepen(deep, 1800)
    assert len(members(deep)) == 1800


def test_a_tree_deeper_than_paths_is_refused(deep):
    deepen(deep, 2100)
    with pytest.raises(ContentError, match="longer than 4096"):
        packed(deep)


def test_pieces_are_large(upper):
    for index in range(200):
        (upper / f"{index:03}").write_bytes(b"x" * 20_000)
    (upper / "large").write_bytes(b"y" * 5_000_000)
    sizes = []
    pack(upper, OWNERSHIP, lambda piece: sizes.append(len(piece)))
    assert len(sizes) < 15
    assert max(sizes) < 2 << 20


def test_a_missing_directory_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="cannot pack"):
        packed(tmp_path / "missing")


def test_errors_of_the_sink_pass(upper):
    (upper / "f").write_bytes(b"1")

    def refuse(piece):
        raise ValueError("sink")

    with pytest.raises(ValueError, match="sink"):
        pack(upper, OWNERSHIP, refuse)


def test_a_file_that_shrinks_meanwhile_is_an_error(upper):
    (upper / "a").write_bytes(b"x" * (3 << 20))

    def shrink(piece):
        os.truncate(upper / "a", 0)

    with pytest.raises(StorageError, match="became shorter"):
        pack(upper, OWNERSHIP, shrink)


def test_nothing_is_left_open(upper):
    make_fixed_tree(upper, ORDER)
    before = len(os.listdir("/proc/self/fd"))
    packed(upper)
    (upper / "etc" / ".wh.x").touch()
    with pytest.raises(ContentError):
        packed(upper)
    assert len(os.listdir("/proc/self/fd")) == before
