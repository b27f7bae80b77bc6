"""What a chroot has in ``/proc`` and ``/dev``."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from jettison.sandbox.driver.chroot_files import make_devices, make_proc


def test_facts_of_the_machine_are_copied_and_places_are_empty(tmp_path):
    make_proc(tmp_path / "proc")
    proc = tmp_path / "proc"
    assert (proc / "version").read_bytes() == Path("/proc/version").read_bytes()
    assert (proc / "sys/kernel/ostype").read_text() == "Linux\n"
    for name in ("self/exe", "self/mounts", "net/dev", "mounts", "self/fd/2"):
        assert (proc / name).read_bytes() == b""
    assert not (proc / "self/exe").is_symlink()


@pytest.mark.needs_root
def test_devices_are_made_where_they_may_be(tmp_path):
    make_devices(str(tmp_path))
    null = os.stat(tmp_path / "null")
    if stat.S_ISCHR(null.st_mode):
        assert (os.major(null.st_rdev), os.minor(null.st_rdev)) == (1, 3)
    assert stat.S_IMODE(null.st_mode) == 0o666
    assert os.readlink(tmp_path / "fd") == "/proc/self/fd"
    assert os.readlink(tmp_path / "stderr") == "/proc/self/fd/2"
    assert stat.S_IMODE(os.stat(tmp_path / "shm").st_mode) == 0o1777
    assert (tmp_path / "pts").is_dir()


def test_files_do_where_devices_may_not_be_made(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "mknod", refused)
    make_devices(str(tmp_path))
    assert (tmp_path / "null").read_bytes() == b""
    assert (tmp_path / "zero").read_bytes() == b""
    random, urandom = ((tmp_path / name).read_bytes() for name in ("random", "urandom"))
    assert len(random) == len(urandom) == 1 << 16
    assert random != urandom
    assert stat.S_IMODE(os.stat(tmp_path / "random").st_mode) == 0o666
