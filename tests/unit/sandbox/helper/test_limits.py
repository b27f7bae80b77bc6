"""Devices that a container is given, and its control groups."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from jettison.errors import HostError
from jettison.sandbox.helper import limits
from jettison.sandbox.helper.limits import make_limits, numbers_of
from jettison.sandbox.spec import ContainerLimits, DeviceNode, Root, RootKind, SandboxSpec

ROOT = Root(RootKind.DIRECTORY, Path("/upper"))


def spec(*devices: str, **fields) -> SandboxSpec:
    nodes = tuple(DeviceNode(Path(each), each) for each in devices)
    return SandboxSpec(ROOT, ("true",), (), devices=nodes, **fields)


def test_devices_are_kinds_and_numbers(tmp_path):
    (tmp_path / "link").symlink_to("/dev/null")
    found = numbers_of(spec("/dev/null", "/dev/full", str(tmp_path / "link")))
    assert found == [("c", 1, 3, "rwm"), ("c", 1, 7, "rwm"), ("c", 1, 3, "rwm")]
    assert numbers_of(spec()) == []


@pytest.mark.needs_root
def test_block_devices_are_of_their_kind(tmp_path):
    os.mknod(tmp_path / "disk", 0o060600, os.makedev(7, 200))
    assert numbers_of(spec(str(tmp_path / "disk"))) == [("b", 7, 200, "rwm")]


def test_a_device_that_is_gone_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        numbers_of(spec(str(tmp_path / "missing")))


def test_less_access_needs_a_control_group_of_devices(monkeypatch):
    monkeypatch.setattr(limits, "make_device_group", lambda *_: "permission denied")
    assert make_limits(spec("/dev/full")).directories == ()
    some = (DeviceNode(Path("/dev/full"), "/dev/full", "r"),)
    with pytest.raises(HostError, match="for `r` only: there is no control group of devices: perm"):
        make_limits(msgspec.structs.replace(spec(), devices=some))


def test_without_limits_there_is_no_group():
    assert make_limits(spec()).directories == ()
    assert make_limits(spec(privileged=True)).directories == ()


@pytest.mark.needs_root
def test_limits_are_a_group_of_their_own_that_goes():
    try:
        group = make_limits(spec(limits=ContainerLimits(pids=77)))
    except HostError as error:
        pytest.skip(error.message)
    other = make_limits(spec(limits=ContainerLimits(pids=77)))
    assert {(each / "pids.max").read_text() for each in group.directories} == {"77\n"}
    assert not set(other.directories) & set(group.directories)
    for each in (group, other):
        each.remove()
        assert not any(directory.exists() for directory in each.directories)
