"""Rules of groups that open a few devices only, in both versions of control groups."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.linux.cgroup import hierarchies
from jettison.linux.device_group import (
    DeviceGroup,
    make_device_group,
    restrict_devices,
    rules_program,
    unrestricted,
)
from unit.linux.ebpf_machine import result

MKNOD, READ, WRITE = 1, 2, 4
BLOCK, CHARACTER = 1, 2


@pytest.mark.parametrize(
    ("access", "kind", "major", "minor", "allowed"),
    [
        (READ | WRITE, CHARACTER, 1, 3, True),  # /dev/null
        (READ, CHARACTER, 1, 9, True),
        (READ, CHARACTER, 1, 1, False),  # /dev/mem
        (READ, CHARACTER, 1, 2, False),
        (READ | WRITE, CHARACTER, 136, 4711, True),  # any terminal
        (READ, CHARACTER, 10, 229, True),  # fuse
        (READ, CHARACTER, 10, 228, False),
        (READ, BLOCK, 1, 3, False),
        (READ, BLOCK, 8, 0, False),
        (MKNOD, BLOCK, 8, 0, True),
        (MKNOD, CHARACTER, 1, 1, True),
        (MKNOD | READ, BLOCK, 8, 0, False),
        (READ, CHARACTER, 2**32 - 1, 2**32 - 1, False),
    ],
)
def test_a_program_opens_the_usual_devices_and_makes_any(access, kind, major, minor, allowed):
    assert result(rules_program(), access, kind, major, minor) == allowed


def test_a_program_opens_further_devices_of_their_kind_only():
    program = rules_program([("b", 7, 0, "rwm"), ("c", 195, 255, "rwm")])
    for kind, major, minor, allowed in [
        (BLOCK, 7, 0, True),
        (CHARACTER, 7, 0, False),
        (BLOCK, 7, 1, False),
        (CHARACTER, 195, 255, True),
        (BLOCK, 195, 255, False),
        (CHARACTER, 1, 3, True),
        (BLOCK, 8, 0, False),
    ]:
        assert result(program, READ, kind, major, minor) == allowed, (kind, major, minor)


@pytest.mark.parametrize(("given", "bits"), [("r", READ), ("w", WRITE), ("rw", READ | WRITE)])
def test_a_program_gives_a_device_for_some_access_only(given, bits):
    program = rules_program([("b", 7, 0, given), ("b", 7, 1, "rwm")])
    for access in (READ, WRITE, READ | WRITE):
        assert result(program, access, BLOCK, 7, 0) == (access & ~bits == 0)
        assert result(program, access, BLOCK, 7, 1)
        assert not result(program, access, BLOCK, 7, 2)
    assert result(program, MKNOD, BLOCK, 7, 0)  # any may be made


def test_rules_of_version_1_close_all_before_they_open_some(tmp_path):
    for name in ("devices.deny", "devices.allow"):
        os.mkfifo(tmp_path / name)
    reading = {
        name: os.open(tmp_path / name, os.O_RDWR) for name in ("devices.deny", "devices.allow")
    }
    restrict_devices(tmp_path, [("b", 7, 3, "r")], unified=False)
    denied, allowed = (os.read(descriptor, 4096).decode() for descriptor in reading.values())
    for descriptor in reading.values():
        os.close(descriptor)
    assert denied == "a"
    assert allowed.startswith("c *:* mb *:* mc 1:3 rwm")
    assert "c 136:* rwm" in allowed
    assert allowed.endswith("b 7:3 r")


def described(tmp_path: Path, cgroup: str, mountinfo: str) -> Path:
    (tmp_path / "cgroup").write_text(cgroup)
    (tmp_path / "mountinfo").write_text(mountinfo)
    return tmp_path


def test_without_a_hierarchy_there_is_no_group(tmp_path):
    proc = described(tmp_path, "", "")
    assert make_device_group("g", found=hierarchies(proc)) == "there is no hierarchy for devices"
    assert unrestricted(hierarchies(proc)) == []


def test_what_cannot_be_made_is_told_and_leaves_nothing(tmp_path):
    top = tmp_path / "top"
    (top / "own").mkdir(parents=True)
    proc = described(
        tmp_path,
        "3:devices:/own\n",
        f"30 24 0:26 / {top} rw - cgroup cgroup rw,devices\n",
    )
    assert unrestricted(hierarchies(proc)) == [os.fsencode(top / "own" / "cgroup.procs")]
    os.mkdir(top / "own" / "g")
    assert make_device_group("g", found=hierarchies(proc)) == "file exists"
    (top / "own" / "g").rmdir()


def test_a_group_takes_processes_and_goes_when_it_is_empty(tmp_path):
    group = DeviceGroup(tmp_path / "g", unified=False)
    group.directory.mkdir()
    group.add(4711)
    assert (group.directory / "cgroup.procs").read_text() == "4711"
    group.remove()  # this one is no real group, and stays
    (group.directory / "cgroup.procs").unlink()
    group.remove()
    assert not group.directory.exists()
    group.remove()
