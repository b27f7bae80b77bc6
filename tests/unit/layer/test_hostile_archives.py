"""Each attack on whoever unpacks an archive, by name."""

from __future__ import annotations

import io
import os
import tarfile

import pytest

from jettison.errors import UnsafeArchiveError
from jettison.layer.header import TarEntry, format_entry
from jettison.layer.limits import ArchiveLimits
from jettison.layer.pax import format_pax
from jettison.layer.unpack import unpack
from layer_archives import archive, directory, hard_link, member, symlink
from ownership_rig import OWNERSHIP


@pytest.fixture
def outside(tmp_path):
    """A directory that no archive may change, beside the one to unpack into."""
    path = tmp_path / "outside"
    path.mkdir()
    (path / "secret").write_text("secret")
    (path / "secret").chmod(0o600)
    return path


@pytest.fixture
def into(tmp_path, outside):
    path = tmp_path / "into"
    path.mkdir()
    before = {name: (outside / name).lstat() for name in os.listdir(outside)}
    yield path
    assert {name: (outside / name).lstat() for name in os.listdir(outside)} == before
    assert (outside / "secret").read_text() == "secret"
    assert sorted(os.listdir(path.parent)) == ["into", "outside"]


def put(into, *members, **options):
    return unpack(io.BytesIO(archive(*members)), into, OWNERSHIP, **options)


@pytest.mark.parametrize(
    "name",
    ["../outside/evil", "a/../../outside/evil", "..", "/../outside/evil", "./../outside/evil"],
)
def test_names_with_dots_never_leave_the_root(into, name):
    with pytest.raises(UnsafeArchiveError, match="leaves the root"):
        put(into, member(name, b"evil"))


def test_absolute_names_stay_below_the_root(into, outside):
    put(into, member(f"{outside}/evil", b"1"))
    assert (into / f"{outside}/evil".lstrip("/")).read_bytes() == b"1"


@pytest.mark.parametrize("up", ["", "../", "../../../../../../../../../../../../"])
def test_a_symlink_as_parent_is_followed_inside_the_root_only(into, outside, up):
    target = f"{up}outside" if up else os.fspath(outside)
    put(into, symlink("link", target), member("link/evil", b"1"))
    inside = into / ("outside/evil" if up else f"{outside}/evil".lstrip("/"))
    assert inside.read_bytes() == b"1"


def test_a_symlink_to_a_symlink_stays_inside(into):
    put(
        into,
        directory("usr/lib/"),
        symlink("lib", "/usr/lib"),
        symlink("alias", "lib/../../../lib/."),
        member("alias/f", b"1"),
        member("lib/sub/g", b"2"),
    )
    assert (into / "usr/lib/f").read_bytes() == b"1"
    assert (into / "usr/lib/sub/g").read_bytes() == b"2"


def test_a_symlink_to_itself_is_refused(into):
    with pytest.raises(UnsafeArchiveError, match="too many symbolic links"):
        put(into, symlink("loop", "loop"), member("loop/f"))


def test_symlinks_in_a_circle_are_refused(into):
    with pytest.raises(UnsafeArchiveError, match="too many symbolic links"):
        put(into, symlink("a", "b/x"), symlink("b", "a/y"), member("a/f"))


def test_a_symlink_that_grows_without_end_is_refused(into):
    with pytest.raises(UnsafeArchiveError, match="too many symbolic links"):
        put(into, symlink("a", "a/" * 2000), member("a/f"))


def test_a_file_over_a_symlink_replaces_the_link(into, outside):
    put(into, symlink("f", f"{outside}/secret"), member("f", b"mine"))
    assert not (into / "f").is_symlink()
    assert (into / "f").read_bytes() == b"mine"


def test_a_directory_over_a_symlink_replaces_the_link(into, outside):
    put(into, symlink("d", os.fspath(outside)), directory("d/", mode=0o777), member("d/evil"))
    assert not (into / "d").is_symlink()
    assert (into / "d/evil").exists()


def test_a_directory_swapped_for_a_symlink_is_not_followed(into, outside):
    put(
        into,
        directory("d/"),
        member("d/warm"),
        symlink("d", os.fspath(outside)),
        member("d/evil", b"1"),
    )
    assert (into / "d").is_symlink()
    assert (into / f"{outside}/evil".lstrip("/")).read_bytes() == b"1"


def test_a_whiteout_through_a_symlink_stays_inside(into, outside):
    put(into, symlink("d", os.fspath(outside)), member("d/.wh.secret"), member("d/.wh..wh..opq"))
    assert (into / f"{outside}/secret".lstrip("/")).is_char_device()


@pytest.mark.parametrize("target", ["../outside/secret", "a/../../outside/secret"])
def test_hard_links_with_dots_are_refused(into, target):
    with pytest.raises(UnsafeArchiveError, match="leaves the root"):
        put(into, hard_link("evil", target))


def test_a_hard_link_to_an_absolute_name_is_taken_below_the_root(into, outside):
    with pytest.raises(UnsafeArchiveError, match="not there"):
        put(into, hard_link("evil", f"{outside}/secret"))


def test_a_hard_link_through_a_symlink_stays_inside(into, outside):
    with pytest.raises(UnsafeArchiveError, match="not there"):
        put(into, symlink("d", os.fspath(outside)), hard_link("evil", "d/secret"))


def test_a_hard_link_to_a_symlink_links_the_link(into, outside):
    put(into, symlink("s", f"{outside}/secret"), hard_link("h", "s"), member("h", b"mine"))
    assert (into / "s").is_symlink()
    assert (into / "h").read_bytes() == b"mine"


@pytest.mark.parametrize("target", [".", "/", "d"])
def test_hard_links_to_directories_are_refused(into, target):
    with pytest.raises(UnsafeArchiveError, match="hard link to the"):
        put(into, directory("d/"), hard_link("h", target))


def test_a_hard_link_to_a_whiteout_is_refused(into):
    with pytest.raises(UnsafeArchiveError, match="deleted"):
        put(into, member(".wh.gone"), hard_link("h", "gone"))


@pytest.mark.parametrize("name", [".wh.", "d/.wh..", ".wh..."])
def test_a_whiteout_of_the_root_or_of_a_parent_is_refused(into, name):
    with pytest.raises(UnsafeArchiveError, match="whiteout of no name"):
        put(into, member(name))


def test_a_device_that_overlayfs_takes_for_a_whiteout_is_left_out(into):
    result = put(into, member("passwd", type=tarfile.CHRTYPE, devmajor=0, devminor=0))
    assert os.listdir(into) == []
    assert result.notes == ("left out device `passwd`: 0:0 is not a device",)


def test_an_impossible_device_is_refused(into):
    with pytest.raises(UnsafeArchiveError, match="impossible device"):
        put(into, member("d", type=tarfile.CHRTYPE, devmajor=0o7777777, devminor=1))


def test_overlay_attributes_of_an_archive_are_not_set(into):
    info, data = directory("d/")
    info.pax_headers = {
        "SCHILY.xattr.trusted.overlay.redirect": "/etc",
        "SCHILY.xattr.trusted.overlay.opaque": "y",
        "SCHILY.xattr.user.overlay.metacopy": "",
    }
    put(into, (info, data))
    assert not [name for name in os.listxattr(into / "d") if "overlay" in name]


def test_a_file_as_parent_is_refused(into):
    with pytest.raises(UnsafeArchiveError, match="used as a directory but is none"):
        put(into, member("f", b"1"), member("f/x"))


def test_a_fifo_as_parent_does_not_hang(into):
    with pytest.raises(UnsafeArchiveError, match="used as a directory"):
        put(into, member("p", type=tarfile.FIFOTYPE), member("p/x"))


def test_a_file_in_the_place_of_the_root_is_refused(into):
    for name in ("./", "/", "."):
        with pytest.raises(UnsafeArchiveError, match="root"):
            put(into, symlink(name, "x"))


def test_a_file_that_claims_an_exabyte_is_refused_by_the_limit(into):
    header = format_entry(TarEntry(b"f", b"0", 0o644, 0, 0, 1 << 60, 0, stored_size=1 << 60))
    with pytest.raises(UnsafeArchiveError, match="larger than"):
        unpack(io.BytesIO(header), into, OWNERSHIP)


def test_a_sparse_bomb_is_refused_by_the_limit(into):
    pax = format_pax({b"GNU.sparse.size": b"%d" % (1 << 50), b"GNU.sparse.map": b""})
    data = (
        format_entry(TarEntry(b"p", b"x", 0, 0, 0, 0, 0, stored_size=len(pax)))
        + pax.ljust(512, b"\0")
        + format_entry(TarEntry(b"s", b"0", 0o644, 0, 0, 0, 0))
        + bytes(1024)
    )
    with pytest.raises(UnsafeArchiveError, match="`s` makes the archive larger"):
        unpack(io.BytesIO(data), into, OWNERSHIP)


def test_a_flood_of_entries_is_refused_by_the_limit(into):
    with pytest.raises(UnsafeArchiveError, match="more than 10 entries"):
        put(into, *[member(f"f{i}") for i in range(20)], limits=ArchiveLimits(max_entries=10))


@pytest.mark.parametrize("length", [256, 5000])
def test_names_that_no_file_system_has_are_refused(into, length):
    with pytest.raises(UnsafeArchiveError, match="longer than Linux allows"):
        put(into, member("n" * length))


def test_a_very_deep_tree_replaced_by_a_file_is_removed(into):
    deep = "/".join("d" * 1500)
    put(into, member(f"top/{deep}/f", b"1"), member("top", b"2"))
    assert (into / "top").read_bytes() == b"2"


def test_owner_minus_one_is_refused(into):
    with pytest.raises(UnsafeArchiveError, match="out of range"):
        put(into, member("f", uid=2**32 - 1))


def test_bytes_that_are_no_tar_are_refused(into):
    with pytest.raises(UnsafeArchiveError, match="byte 0"):
        unpack(io.BytesIO(b"<!doctype html>".ljust(2000)), into, OWNERSHIP)


def test_names_in_messages_cannot_drive_the_terminal(into):
    with pytest.raises(UnsafeArchiveError) as caught:
        put(into, hard_link("a\x1b]0;evil\x07", "gone"))
    assert caught.value.message.isprintable()
