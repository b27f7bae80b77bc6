"""Bytes copied between descriptors, holes and files that change included."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.fs import bytes as fs_bytes
from jettison.fs.bytes import ByteCopier, write_all
from jettison.fs.holes import data_regions

MIB = 1 << 20


def copied(origin: Path, target: Path, copier: ByteCopier | None = None, st=None) -> bytes:
    with open(origin, "rb") as read, open(target, "wb") as written:
        (copier or ByteCopier()).copy(read.fileno(), written.fileno(), st or os.stat(origin))
    return target.read_bytes()


@pytest.mark.parametrize("size", [0, 1, 4096, 3 * MIB + 1])
def test_a_file_has_the_same_bytes(tmp_path, size):
    (tmp_path / "a").write_bytes(os.urandom(size))
    assert copied(tmp_path / "a", tmp_path / "b") == (tmp_path / "a").read_bytes()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no second file system")
def test_one_copier_copies_within_and_across_file_systems(tmp_path):
    copier = ByteCopier()
    (tmp_path / "a").write_bytes(b"x" * 5000)
    across = Path("/dev/shm") / f"jettison-bytes-{os.getpid()}"
    try:
        assert copied(tmp_path / "a", across, copier) == b"x" * 5000
        assert copied(across, tmp_path / "b", copier) == b"x" * 5000
        assert copied(tmp_path / "b", tmp_path / "c", copier) == b"x" * 5000
    finally:
        across.unlink()


def test_holes_stay_holes(tmp_path):
    with open(tmp_path / "a", "wb") as file:
        file.seek(2 * MIB)
        file.write(b"data")
        file.truncate(5 * MIB)
    assert copied(tmp_path / "a", tmp_path / "b") == (tmp_path / "a").read_bytes()
    with open(tmp_path / "b", "rb") as file:
        ((start, end),) = data_regions(file.fileno(), 5 * MIB)
    assert start <= 2 * MIB < end < 3 * MIB
    assert os.stat(tmp_path / "b").st_blocks * 512 < MIB


@pytest.mark.parametrize("kernel_copies", [True, False])
def test_a_file_that_became_shorter_ends_early_and_one_that_grew_is_not_read_on(
    tmp_path, kernel_copies, monkeypatch
):
    if not kernel_copies:
        monkeypatch.setattr(fs_bytes.os, "copy_file_range", _refused)
    (tmp_path / "a").write_bytes(b"x" * 10_000)
    st = os.stat(tmp_path / "a")
    os.truncate(tmp_path / "a", 100)
    assert copied(tmp_path / "a", tmp_path / "b", st=st) == b"x" * 100
    (tmp_path / "a").write_bytes(b"x" * 20_000)
    assert copied(tmp_path / "a", tmp_path / "c", st=st) == b"x" * 10_000


def test_what_the_kernel_refuses_is_copied_here(tmp_path, monkeypatch):
    monkeypatch.setattr(fs_bytes.os, "copy_file_range", _refused)
    monkeypatch.setattr(fs_bytes.os, "sendfile", _refused)
    (tmp_path / "a").write_bytes(os.urandom(2 * MIB + 7))
    assert copied(tmp_path / "a", tmp_path / "b") == (tmp_path / "a").read_bytes()


def test_other_errors_of_the_kernel_are_errors(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    with open(tmp_path / "a", "rb") as file, pytest.raises(OSError, match="Bad file descriptor"):
        ByteCopier().copy(file.fileno(), file.fileno(), os.stat(tmp_path / "a"))


def test_all_bytes_are_written_at_their_position(tmp_path):
    with open(tmp_path / "a", "wb") as file:
        write_all(file.fileno(), b"abc", 2)
        write_all(file.fileno(), b"")
    assert (tmp_path / "a").read_bytes() == b"\0\0abc"


def _refused(*_: object) -> int:
    raise OSError(95, "Operation not supported")
