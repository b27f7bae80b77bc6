"""Control groups, on directories that look like the kernel's."""

from __future__ import annotations

import pytest

from jettison.errors import HostError
from jettison.linux.cgroup import Group, make_group


def test_no_limits_make_no_group(tmp_path):
    assert make_group("g", 0, 0.0, tmp_path / "nowhere") == Group()


def test_the_unified_hierarchy_gets_one_group(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    (tmp_path / "cgroup.subtree_control").write_text("cpu\n")
    group = make_group("g", 1 << 20, 1.5, tmp_path)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory"
    assert (tmp_path / "g/memory.max").read_text() == "1048576"
    assert (tmp_path / "g/cpu.max").read_text() == "150000 100000"
    assert group.joins == [bytes(tmp_path / "g/cgroup.procs")]


def test_each_old_hierarchy_gets_a_group(tmp_path):
    for name in ("memory", "cpu"):
        (tmp_path / name).mkdir()
    group = make_group("g", 4096, 0.5, tmp_path)
    assert (tmp_path / "memory/g/memory.limit_in_bytes").read_text() == "4096"
    assert (tmp_path / "cpu/g/cpu.cfs_quota_us").read_text() == "50000"
    assert len(group.joins) == 2


def test_a_host_without_controllers_is_an_error_and_nothing_stays(tmp_path):
    (tmp_path / "memory").mkdir()
    with pytest.raises(HostError, match="cannot limit"):
        make_group("g", 4096, 1.0, tmp_path)
