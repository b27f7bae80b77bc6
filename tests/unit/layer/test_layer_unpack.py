from __future__ import annotations

import io
import os
import resource
import signal
import stat
import tarfile

import pytest

from jettison.errors import HostError, SourceError, StorageError, UnsafeArchiveError
from jettison.fs.overlay_form import is_opaque, is_whiteout
from jettison.fs.remove import remove_tree
from jettison.layer.header import TarEntry, format_entry
from jettison.layer.limits import ArchiveLimits
from jettison.layer.pax import format_pax
from jettison.layer.unpack import unpack
from layer_archives import archive, directory, facts, hard_link, member, symlink
from ownership_rig import OWNERSHIP

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="sets owners or makes devices")


@pytest.fixture
def into(tmp_path):
    path = tmp_path / "into"
    path.mkdir()
    return path


def put(into, *members, **options):
    return unpack(io.BytesIO(archive(*members)), into, OWNERSHIP, **options)


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def test_files_get_their_bytes_modes_and_times(into):
    result = put(into, directory("d/", mode=0o750), member("d/f", b"data", mode=0o640))
    assert (into / "d/f").read_bytes() == b"data"
    assert mode(into / "d") == 0o750
    assert mode(into / "d/f") == 0o640
    assert (into / "d").stat().st_mtime == (into / "d/f").stat().st_mtime == 1_700_000_000
    assert (result.entries, result.size_bytes, result.implied, result.notes) == (2, 4, (), ())


@pytest.mark.parametrize("bits", [0o4755, 0o2755, 0o1777, 0o7777, 0o000, 0o222])
def test_modes_do_not_depend_on_the_umask(into, bits):
    old = os.umask(0o077)
    try:
        put(into, member("f", b"x", mode=bits), directory("d/", mode=bits))
    finally:
        os.umask(old)
    assert mode(into / "f") == bits
    assert mode(into / "d") == bits


@as_root
def test_set_user_id_survives_the_change_of_owner(into):
    put(into, member("f", b"x", mode=0o6755, uid=12, gid=34), directory("d/", mode=0o2755, uid=5))
    info = (into / "f").stat()
    assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (12, 34, 0o6755)
    assert (into / "d").stat().st_uid == 5


@as_root
def test_a_directory_that_hands_down_its_group_changes_no_owner(tmp_path):
    into = tmp_path / "shared"
    into.mkdir()
    os.chown(into, 0, 77)
    into.chmod(0o2777)
    put(into, member("f", b"x"), directory("d/"), member("d/g"), symlink("s", "f"))
    assert {path.lstat().st_gid for path in into.rglob("*")} == {0}
    assert mode(into / "d") == 0o755


@as_root
def test_capabilities_are_kept_behind_owner_and_bytes(into):
    value = b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    info, data = member("ping", b"elf", uid=3)
    info.pax_headers = {"SCHILY.xattr.security.capability": value.decode("latin-1")}
    put(into, (info, data))
    assert os.getxattr(into / "ping", "security.capability") == value


def test_only_attributes_of_images_are_set(into):
    info, data = directory("d/")
    info.pax_headers = {
        f"SCHILY.xattr.{name}": "y"
        for name in (
            "user.k",
            "trusted.overlay.redirect",
            "user.overlay.opaque",
            "security.selinux",
        )
    }
    put(into, (info, data))
    assert [n for n in os.listxattr(into / "d") if n != "security.selinux"] == ["user.k"]


def test_links_are_made_as_they_are(into):
    put(
        into,
        symlink("abs", "/etc/passwd"),
        symlink("up", "../../../x"),
        member("f", b"1"),
        hard_link("d/h", "f"),
        hard_link("abs2", "abs"),
    )
    assert (into / "abs").readlink().as_posix() == "/etc/passwd"
    assert (into / "up").readlink().as_posix() == "../../../x"
    assert (into / "d/h").samefile(into / "f")
    assert (into / "abs2").lstat().st_ino == (into / "abs").lstat().st_ino
    assert (into / "abs").lstat().st_mtime == 1_700_000_000


def test_missing_parents_are_made_and_reported(into):
    result = put(into, member("a/b/f"), directory("a/", mode=0o700))
    assert result.implied == ("a/b",)
    assert (mode(into / "a"), mode(into / "a/b")) == (0o700, 0o755)
    assert (into / "a/b").stat().st_mtime == 0


def test_missing_parents_look_like_those_of_the_layers_below(into, tmp_path):
    below = tmp_path / "below"
    (below / "tmp").mkdir(parents=True)
    (below / "tmp").chmod(0o1777)
    os.utime(below / "tmp", (5, 5))
    result = put(into, member("tmp/new/f"), lower=lambda path: _below(below, path))
    assert mode(into / "tmp") == 0o1777
    assert (into / "tmp").stat().st_mtime == 5
    assert mode(into / "tmp/new") == 0o755
    assert result.implied == ("tmp", "tmp/new")


def _below(root, path):
    found = root / path.lstrip("/")
    return os.fspath(found) if os.path.lexists(found) else None


def test_parents_may_come_after_their_children(into):
    put(into, member("d/f", b"1"), directory("d/", mode=0o711))
    assert mode(into / "d") == 0o711
    assert (into / "d").stat().st_mtime == 1_700_000_000


def test_directories_without_permissions_can_be_filled(into):
    put(into, directory("d/", mode=0), directory("d/e/", mode=0o500), member("d/e/f", b"1"))
    assert mode(into / "d") == 0
    (into / "d").chmod(0o700)
    assert (into / "d/e/f").read_bytes() == b"1"


def test_of_equal_names_the_last_wins(into):
    put(
        into,
        member("f", b"first", mode=0o600),
        member("f", b"second", mode=0o644),
        directory("d/", mode=0o700),
        member("d/kept"),
        directory("d/", mode=0o711),
        symlink("s", "f"),
        member("s", b"file now"),
        directory("gone/"),
        directory("gone/deep/"),
        member("gone/deep/x"),
        member("gone", b"was a directory"),
        member("now-dir"),
        directory("now-dir/"),
        hard_link("f", "s"),
    )
    assert (into / "f").read_bytes() == b"file now"
    assert (into / "d/kept").exists()
    assert mode(into / "d") == 0o711
    assert (into / "gone").read_bytes() == b"was a directory"
    assert (into / "now-dir").is_dir()


def test_a_hard_link_to_itself_changes_nothing(into):
    put(into, member("f", b"1"), hard_link("f", "./f"))
    assert (into / "f").read_bytes() == b"1"


def test_the_root_gets_attributes_too(into):
    result = put(into, directory("./", mode=0o711), member("./f"))
    assert mode(into) == 0o711
    assert into.stat().st_mtime == 1_700_000_000
    assert result.implied == ()


def test_whiteouts_hide_what_is_below(into):
    put(into, member("d/.wh.gone"), member(".wh.top"))
    assert is_whiteout((into / "d/gone").lstat())
    assert is_whiteout((into / "top").lstat())
    assert sorted(os.listdir(into)) == ["d", "top"]


def test_the_opaque_marker_hides_all_names_below_in_any_order(into):
    put(into, member("d/new", b"1"), member("d/.wh..wh..opq"), member("d/newer"))
    assert is_opaque(os.fspath(into / "d"))
    assert sorted(os.listdir(into / "d")) == ["new", "newer"]


def test_an_opaque_root_is_marked(into):
    put(into, member(".wh..wh..opq"))
    assert is_opaque(os.fspath(into))


@pytest.mark.parametrize("late", [False, True], ids=["whiteout first", "whiteout last"])
def test_a_whiteout_hides_nothing_of_its_own_layer(into, late):
    whiteouts = [member(".wh.f"), member(".wh.d"), member(".wh.implied")]
    files = [member("f", b"new"), directory("d/"), member("d/x"), member("implied/x")]
    put(into, *(files + whiteouts if late else whiteouts + files))
    assert (into / "f").read_bytes() == b"new"
    assert is_opaque(os.fspath(into / "d"))
    assert is_opaque(os.fspath(into / "implied"))
    assert (into / "d/x").exists()


def test_a_directory_that_replaces_a_file_over_a_whiteout_is_opaque(into):
    put(into, member(".wh.a"), member("a"), directory("a/"))
    assert is_opaque(os.fspath(into / "a"))


def test_metadata_of_aufs_is_ignored(into):
    result = put(
        into,
        directory(".wh..wh.plnk/"),
        member(".wh..wh.plnk/12.34", b"x"),
        member(".wh..wh.aufs"),
        directory(".wh..wh.orph/"),
    )
    assert os.listdir(into) == []
    assert result.implied == ()


def test_files_below_a_whiteout_are_left_out_with_a_note(into):
    result = put(into, member(".wh.d/f"))
    assert os.listdir(into) == []
    assert result.notes == ("left out `.wh.d/f`: it is below a whiteout",)


@as_root
def test_devices_and_fifos_are_made(into):
    result = put(
        into,
        member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
        member("loop", type=tarfile.BLKTYPE, devmajor=7, devminor=0, mode=0o660, gid=6),
        member("pipe", type=tarfile.FIFOTYPE, mode=0o644),
    )
    assert (into / "null").stat().st_rdev == os.makedev(1, 3)
    assert mode(into / "null") == 0o666
    assert stat.S_ISBLK((into / "loop").stat().st_mode)
    assert (into / "loop").stat().st_gid == 6
    assert stat.S_ISFIFO((into / "pipe").stat().st_mode)
    assert result.notes == ()


def test_types_without_meaning_are_left_out_with_a_note(into):
    result = put(into, member("volume", b"data", type=b"V"), member("f", b"1"))
    assert os.listdir(into) == ["f"]
    assert "volume" in result.notes[0]


def test_a_hard_link_to_a_file_of_a_lower_layer_copies_it(into, tmp_path):
    below = tmp_path / "below"
    below.mkdir()
    (below / "tool").write_bytes(b"bytes" * 1000)
    (below / "tool").chmod(0o4711)
    os.setxattr(below / "tool", "user.k", b"v")
    os.utime(below / "tool", (7, 7))
    (below / "link").symlink_to("tool")
    result = put(
        into,
        hard_link("bin/tool", "tool"),
        hard_link("bin/link", "link"),
        hard_link("bin/tool2", "bin/tool"),
        lower=lambda path: _below(below, path),
    )
    copy = into / "bin/tool"
    assert copy.read_bytes() == b"bytes" * 1000
    assert (mode(copy), copy.stat().st_mtime) == (0o4711, 7)
    assert os.getxattr(copy, "user.k") == b"v"
    assert (into / "bin/link").readlink().as_posix() == "tool"
    assert (into / "bin/tool2").samefile(copy)
    assert result.size_bytes == 5000


def test_a_hard_link_to_nothing_is_an_error(into):
    with pytest.raises(UnsafeArchiveError, match="hard link to `usr/gone`, which is not there"):
        put(into, hard_link("h", "usr/gone"))


def test_sparse_files_keep_their_holes(into, tmp_path):
    pax = format_pax({b"GNU.sparse.size": b"10000000", b"GNU.sparse.map": b"0,3,9000000,2"})
    data = (
        format_entry(TarEntry(b"p", b"x", 0, 0, 0, 0, 0, stored_size=len(pax)))
        + pax.ljust(512, b"\0")
        + format_entry(TarEntry(b"s", b"0", 0o644, os.getuid(), os.getgid(), 0, 0, stored_size=5))
        + b"abcde".ljust(512, b"\0")
        + bytes(1024)
    )
    result = unpack(io.BytesIO(data), into, OWNERSHIP)
    content = (into / "s").read_bytes()
    assert len(content) == result.size_bytes == 10_000_000
    assert content[:4] == b"abc\0"
    assert content[9_000_000:9_000_003] == b"de\0"
    assert (into / "s").stat().st_blocks * 512 < 1_000_000


def test_a_directory_that_vanished_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="cannot unpack"):
        unpack(io.BytesIO(archive(member("f"))), tmp_path / "missing", OWNERSHIP)


def test_a_write_that_fails_is_a_storage_error(into):
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, old[1]))
    try:
        with pytest.raises(StorageError, match="cannot unpack `f`") as caught:
            put(into, member("f", b"x" * 5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.hint


def test_a_stream_that_fails_is_not_blamed_on_the_disk(into):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise ConnectionResetError(104, "Connection reset by peer")

    with pytest.raises(SourceError):
        unpack(Broken(), into, OWNERSHIP)


def test_limits_hold_while_unpacking(into):
    with pytest.raises(UnsafeArchiveError):
        put(
            into,
            member("a", b"x" * 600),
            member("b", b"x" * 600),
            limits=ArchiveLimits(max_bytes=1000),
        )


@as_root
def test_owners_that_are_not_mapped_are_an_error(into, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    with pytest.raises(HostError, match="12:34"):
        put(into, member("f", uid=12, gid=34))


@as_root
def test_devices_that_may_not_be_made_are_left_out_with_a_note(into, monkeypatch):
    real = os.mknod

    def refuse(path, mode=0o600, device=0, **kwargs):
        if device:
            raise PermissionError(1, "Operation not permitted")
        return real(path, mode, device, **kwargs)

    monkeypatch.setattr(os, "mknod", refuse)
    result = put(
        into,
        member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        member(".wh.gone"),
        member("f"),
    )
    assert result.notes == ("left out device `null`: it may not be made here",)
    assert sorted(os.listdir(into)) == ["f", "gone"]


def test_many_directories_deep_and_wide_need_few_descriptors(into):
    members = [member(f"{i % 300}/{i}/x/y/f", b"1") for i in range(900)]
    members += [member("/".join(["deep"] * 500) + "/f", b"2")]
    members += [member(f"{i % 300}/{i}/x/z", b"3") for i in range(900)]
    before = len(os.listdir("/proc/self/fd"))
    put(into, *members)
    assert len(os.listdir("/proc/self/fd")) == before
    assert (into / "/".join(["deep"] * 500) / "f").read_bytes() == b"2"
    remove_tree(into)  # pytest's own clean-up is recursive


def test_the_same_archive_gives_the_same_tree(into, tmp_path):
    data = archive(directory("d/"), member("d/f", b"1"), hard_link("h", "d/f"), member("i/j"))
    other = tmp_path / "other"
    other.mkdir()
    unpack(io.BytesIO(data), into, OWNERSHIP)
    unpack(io.BytesIO(data), other, OWNERSHIP)
    assert facts(into) == facts(other)
