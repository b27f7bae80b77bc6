from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import tarfile

import pytest

from jettison.errors import InternalError, UnsafeArchiveError
from jettison.fs.zstd import ZstdCompressor
from jettison.layer.archive import open_archive
from jettison.layer.header import TarEntry, format_entry
from jettison.layer.limits import ArchiveLimits
from jettison.layer.pax import format_pax
from layer_archives import archive, directory, hard_link, member, symlink

PACK = {
    "none": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: ZstdCompressor().compress(data, ZstdCompressor.FLUSH_FRAME),
}


@pytest.fixture
def save(tmp_path):
    def write(data):
        path = tmp_path / "file"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("name", sorted(PACK))
def test_a_tar_is_found_by_its_content_however_compressed(save, name):
    data = archive(directory("d/"), member("d/f", b"bytes" * 1000))
    with open_archive(save(PACK[name](data))) as found:
        assert found.compression == name
        entries = [(entry.name, entry.read()) for entry in found]
    assert entries == [("d", b""), ("d/f", b"bytes" * 1000)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"#!/bin/sh\n",
        b"text " * 1000,
        bytes(10_240),
        gzip.compress(b"no tar inside " * 100),
        gzip.compress(b""),
        gzip.compress(archive(member("f")))[:40],
        b"\x1f\x8b\x08 is no gzip",
        b"BZh",
        archive(member("f"))[:500],
    ],
    ids=[
        "empty",
        "script",
        "text",
        "empty tar",
        "text.gz",
        "empty.gz",
        "cut",
        "magic",
        "short",
        "half",
    ],
)
def test_other_files_are_no_archives(save, data):
    assert open_archive(save(data)) is None


def test_directories_links_and_fifos_are_no_archives(tmp_path):
    (tmp_path / "real").write_bytes(archive(member("f")))
    (tmp_path / "link").symlink_to("real")
    os.mkfifo(tmp_path / "fifo")
    for name in (".", "link", "fifo"):
        assert open_archive(tmp_path / name) is None


def test_facts_of_all_kinds_of_entries(save):
    info, data = member("a/f", b"123", mode=0o4755, uid=5, gid=6)
    info.pax_headers = {"SCHILY.xattr.user.k": "v", "mtime": "1.5"}
    path = save(
        archive(
            directory("./"),
            directory("a/", mode=0o1777),
            (info, data),
            symlink("/a/s", "../../up"),
            hard_link("h", "./a/f"),
            member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
            member("pipe", type=tarfile.FIFOTYPE),
            member("skipped", b"data", type=b"V"),
            member("last", b"end"),
        )
    )
    with open_archive(path) as found:
        entries = {entry.name: entry for entry in found}
    assert list(entries) == ["", "a", "a/f", "a/s", "h", "null", "pipe", "last"]
    assert entries[""].is_dir
    assert entries["a"].mode == stat.S_IFDIR | 0o1777
    file = entries["a/f"]
    assert (file.is_file, file.mode, file.uid, file.gid) == (True, stat.S_IFREG | 0o4755, 5, 6)
    assert (file.size, file.mtime_ns, file.xattrs) == (3, 1_500_000_000, {"user.k": b"v"})
    assert (entries["a/s"].is_symlink, entries["a/s"].link) == (True, "../../up")
    assert (entries["h"].hard_link, entries["h"].is_file) == ("a/f", False)
    assert (entries["null"].rdev, stat.S_ISCHR(entries["null"].mode)) == (os.makedev(1, 3), True)
    assert stat.S_ISFIFO(entries["pipe"].mode)


def test_bytes_are_copied_to_a_file(save, tmp_path):
    path = save(archive(member("a", b"1" * 100_000), member("b", b"2")))
    with open_archive(path) as found, (tmp_path / "out").open("wb") as out:
        for entry in found:
            if entry.name == "a":
                entry.copy_to(out.fileno())
    assert (tmp_path / "out").read_bytes() == b"1" * 100_000


def test_sparse_files_are_read_and_copied_with_their_holes(save, tmp_path):
    pax = format_pax({b"GNU.sparse.size": b"9000", b"GNU.sparse.map": b"2,3,8000,2"})
    path = save(
        format_entry(TarEntry(b"p", b"x", 0, 0, 0, 0, 0, stored_size=len(pax)))
        + pax.ljust(512, b"\0")
        + format_entry(TarEntry(b"s", b"0", 0o644, 0, 0, 0, 0, stored_size=5))
        + b"abcde".ljust(512, b"\0")
        + bytes(1024)
    )
    expected = b"\0\0abc".ljust(8000, b"\0") + b"de".ljust(1000, b"\0")
    with open_archive(path) as found:
        assert [entry.read() for entry in found] == [expected]
    with open_archive(path) as found, (tmp_path / "out").open("wb") as out:
        for entry in found:
            entry.copy_to(out.fileno())
    assert (tmp_path / "out").read_bytes() == expected


def test_bytes_of_an_earlier_entry_are_not_mixed_up(save):
    path = save(archive(member("a", b"1"), member("b", b"2")))
    with open_archive(path) as found:
        first, second = iter(found), None
        entry = next(first)
        second = next(first)
        with pytest.raises(InternalError):
            entry.read()
        assert second.read() == b"2"


def test_a_file_larger_than_the_limit_is_not_read_into_memory(save):
    with open_archive(save(archive(member("a", b"1" * 100)))) as found:
        for entry in found:
            with pytest.raises(UnsafeArchiveError, match="more than 99 bytes"):
                entry.read(limit=99)


@pytest.mark.parametrize(
    "entry",
    [
        member("../evil"),
        hard_link("h", "../../etc/passwd"),
        hard_link("h", "/"),
        symlink("s", ""),
        member("n" * 300),
        member("d", type=tarfile.CHRTYPE, devmajor=0o7777777),
    ],
    ids=["name", "hard link", "root", "no target", "long", "device"],
)
def test_entries_that_try_to_escape_are_errors(save, entry):
    path = save(archive(member("fine"), entry))
    with open_archive(path) as found, pytest.raises(UnsafeArchiveError):
        list(found)


def test_damage_behind_the_first_header_is_an_error(save):
    path = save(archive(member("a", b"1" * 5000))[:3000])
    with open_archive(path) as found, pytest.raises(UnsafeArchiveError, match="ends early"):
        [entry.read() for entry in found]


def test_limits_hold(save):
    path = save(archive(member("a"), member("b")))
    with (
        open_archive(path, limits=ArchiveLimits(max_entries=1)) as found,
        pytest.raises(UnsafeArchiveError, match="more than 1 entries"),
    ):
        list(found)


def test_whiteout_names_are_ordinary_names(save):
    with open_archive(save(archive(member(".wh.f"), member("d/.wh..wh..opq")))) as found:
        assert [entry.name for entry in found] == [".wh.f", "d/.wh..wh..opq"]


def test_nothing_is_left_open(save):
    before = len(os.listdir("/proc/self/fd"))
    with open_archive(save(archive(member("f")))):
        pass
    open_archive(save(b"no archive" * 100))
    open_archive(save(gzip.compress(b"no archive" * 100)))
    assert len(os.listdir("/proc/self/fd")) == before
