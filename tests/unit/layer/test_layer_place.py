"""Single files with exactly the attributes of an entry."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from jettison.errors import UnsafeArchiveError
from jettison.layer.header import CHARACTER, FIFO, FILE, SYMLINK, TarEntry
from jettison.layer.place import Placer
from ownership_rig import OWNERSHIP

MTIME = 1_500_000_000_123_456_789


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def placer(parent: int) -> Placer:
    return Placer(parent, OWNERSHIP)


def entry(kind: bytes = FILE, mode: int = 0o644, **fields) -> TarEntry:
    return TarEntry(b"x", kind, mode, os.geteuid(), os.getegid(), 0, MTIME, **fields)


def test_probing_leaves_nothing(tmp_path, placer):
    assert os.listdir(tmp_path) == []
    assert placer.notes == ()


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o000, 0o777, 0o4755, 0o2711, 0o1644])
def test_a_file_has_its_mode_and_time_whatever_the_umask(tmp_path, parent, mode):
    before = os.umask(0o077)
    try:
        placer = Placer(parent, OWNERSHIP)
        descriptor = placer.create(entry(mode=mode), parent, b"x")
        os.write(descriptor, b"data")
        placer.finish(entry(mode=mode), descriptor)
        os.close(descriptor)
    finally:
        os.umask(before)
    st = os.stat(tmp_path / "x")
    assert (stat.S_IMODE(st.st_mode), st.st_mtime_ns) == (mode, MTIME)
    with pytest.raises(FileExistsError):
        placer.create(entry(), parent, b"x")


@pytest.mark.needs_root
def test_owners_are_set_before_bits_that_this_would_clear(tmp_path, parent, placer):
    owned = TarEntry(b"x", FILE, 0o6755, 70, 71, 0, MTIME, xattrs={"user.a": b"1"})
    descriptor = placer.create(owned, parent, b"x")
    placer.finish(owned, descriptor)
    os.close(descriptor)
    st = os.stat(tmp_path / "x")
    assert (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) == (70, 71, 0o6755)
    assert os.getxattr(tmp_path / "x", "user.a") == b"1"


def test_links_and_pipes_are_made_as_they_are(tmp_path, parent, placer):
    placer.special(entry(SYMLINK, link=b"/no\xff"), parent, b"link")
    placer.special(entry(FIFO, 0o640), parent, b"pipe")
    assert os.readlink(os.fsencode(tmp_path) + b"/link") == b"/no\xff"
    assert os.lstat(tmp_path / "link").st_mtime_ns == MTIME
    assert (tmp_path / "pipe").is_fifo()
    assert stat.S_IMODE(os.stat(tmp_path / "pipe").st_mode) == 0o640


def test_a_device_that_overlayfs_takes_for_a_whiteout_is_left_out(tmp_path, parent, placer):
    placer.special(entry(CHARACTER), parent, b"x")
    assert os.listdir(tmp_path) == []
    assert placer.notes == ("left out device `x`: 0:0 is not a device",)


@pytest.mark.parametrize("device", [(1 << 12, 0), (1, 1 << 20), (-1, 0)])
def test_impossible_devices_are_an_error(parent, placer, device):
    with pytest.raises(UnsafeArchiveError) as caught:
        placer.special(entry(CHARACTER, device=device), parent, b"x")
    assert caught.value.message == ("`x` has an impossible device number (tar header at byte 0)")


def test_a_directory_gets_its_attributes_at_the_end(tmp_path, parent, placer):
    (tmp_path / "dir").mkdir()
    placer.finish_directory(entry(mode=0o1750, xattrs={"user.a": b"1"}), parent, b"dir")
    st = os.stat(tmp_path / "dir")
    assert (stat.S_IMODE(st.st_mode), st.st_mtime_ns) == (0o1750, MTIME)
    assert os.getxattr(tmp_path / "dir", "user.a") == b"1"


def test_notes_are_kept_once_and_not_without_end(placer):
    for number in range(300):
        placer.note(f"note {number // 2}")
    assert len(placer.notes) == 100
    assert placer.notes[:2] == ("note 0", "note 1")
