"""Control groups, on directories that look like the kernel's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.errors import HostError
from jettison.linux.cgroup import Group, hierarchies, make_group
from jettison.linux.resources import Resources


class Host:
    """A process in groups of mounted hierarchies."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.proc = top / "proc"
        self.proc.mkdir()
        (self.proc / "cgroup").touch()
        (self.proc / "mountinfo").write_text("21 1 0:19 / /proc rw,nosuid - proc proc rw\n")

    def open(self) -> None:
        """Let everybody see it, below directories of pytest's that nobody else may enter."""
        for path in (self.top, *self.top.parents):
            if path.stat().st_mode & 0o77 == 0:
                path.chmod(0o711)

    def mount(self, kind: str, options: str, own: str, *, root: str = "/") -> Path:
        """Mount a hierarchy in which the process is in a group; return its top."""
        point = self.top / f"hier archy {options}"
        (point / os.path.relpath(own, root)).mkdir(parents=True)
        shown = str(point).replace(" ", r"\040")
        with (self.proc / "mountinfo").open("a") as file:
            file.write(f"30 23 0:26 {root} {shown} rw shared:9 - {kind} {kind} rw,{options}\n")
        with (self.proc / "cgroup").open("a") as file:
            file.write(f"0::{own}\n" if kind == "cgroup2" else f"7:{options}:{own}\n")
        return point

    def unified(self, own: str, enabled: dict[str, str]) -> Path:
        """Mount the unified hierarchy, with the controllers that groups have enabled below."""
        top = self.mount("cgroup2", "nsdelegate", own)
        (top / "cgroup.controllers").write_text("cpu cpuset io memory\n")
        for group in [top, *(path for path in top.rglob("*") if path.is_dir())]:
            (group / "cgroup.procs").touch()
            control = group / "cgroup.subtree_control"
            control.write_text(enabled.get(os.path.relpath(group, top), ""))
        return top


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_no_limits_make_no_group(tmp_path: Path):
    assert make_group("g", Resources(), hierarchies(tmp_path / "nowhere")) == Group()


def test_the_unified_hierarchy_gets_one_group_below_that_of_the_process(host: Host):
    top = host.unified("/a/b", {"a/b": "cpu\n"})
    group = make_group("g", Resources(1 << 20, cpus=1.5), hierarchies(host.proc))
    made = top / "a/b/g"
    assert (top / "a/b/cgroup.subtree_control").read_text() == "+memory"
    assert (made / "memory.max").read_text() == "1048576"
    assert (made / "memory.swap.max").read_text() == "0"
    assert (made / "cpu.max").read_text() == "150000 100000"
    assert group.joins == [os.fsencode(made / "cgroup.procs")]


@pytest.mark.needs_root
def test_where_the_own_group_is_another_s_one_is_made_beside_it(host: Host):
    top = host.unified("/user/app/shell", {"user/app": "cpu memory\n"})
    host.open()
    for name in ("user/app", "user/app/cgroup.procs", "user/app/cgroup.subtree_control"):
        os.chown(top / name, 65534, 65534)
    os.seteuid(65534)
    try:
        group = make_group("g", Resources(1 << 20), hierarchies(host.proc))
    finally:
        os.seteuid(0)
    assert group.directories == (top / "user/app/g",)


def test_each_old_hierarchy_gets_a_group(host: Host):
    memory = host.mount("cgroup", "memory", "/")
    cpu = host.mount("cgroup", "cpu,cpuacct", "/own")
    group = make_group("g", Resources(4096, cpus=0.5), hierarchies(host.proc))
    assert (memory / "g/memory.limit_in_bytes").read_text() == "4096"
    assert (memory / "g/memory.memsw.limit_in_bytes").read_text() == "4096"
    assert (cpu / "own/g/cpu.cfs_quota_us").read_text() == "50000"
    assert len(group.joins) == 2


def test_a_mount_may_show_a_part_of_a_hierarchy_or_not_the_own_part(host: Host):
    part = host.mount("cgroup", "memory", "/docker/1/own", root="/docker/1")
    assert [each.own for each in hierarchies(host.proc)] == [part / "own"]
    (host.proc / "cgroup").write_text("7:memory:/elsewhere\n")
    assert [each.own for each in hierarchies(host.proc)] == [part]


def test_a_host_without_a_controller_is_an_error_and_nothing_stays(host: Host):
    memory = host.mount("cgroup", "memory", "/")
    with pytest.raises(HostError, match="no control groups for `cpu`"):
        make_group("g", Resources(4096, cpus=1.0), hierarchies(host.proc))
    assert not (memory / "g").exists()


def test_groups_of_killed_processes_are_removed_and_young_ones_are_not(host: Host):
    memory = host.mount("cgroup", "memory", "/")
    for name, age in (("jettison-1-1", 0), ("jettison-2-1", 10**9), ("other", 10**9)):
        (memory / name).mkdir()
        if age:
            os.utime(memory / name, (age, age))
    make_group("jettison-3-1", Resources(4096), hierarchies(host.proc))
    assert sorted(path.name for path in memory.iterdir()) == [
        "jettison-1-1",
        "jettison-3-1",
        "other",
    ]


@pytest.mark.needs_root
def test_who_may_not_is_told_what_to_ask_for(host: Host):
    host.mount("cgroup", "memory", "/own")
    host.open()
    os.seteuid(65534)
    try:
        with pytest.raises(HostError, match="cannot limit memory of the container") as raised:
            make_group("g", Resources(4096), hierarchies(host.proc))
    finally:
        os.seteuid(0)
    assert "Delegate=yes" in raised.value.hint


def test_the_unified_hierarchy_is_told_every_limit(host: Host):
    top = host.unified("/", {".": "cpu cpuset memory\n"})
    limits = Resources(
        memory_bytes=4096,
        swap_bytes=6000,
        cpus=0.5,
        cpu_period_us=20_000,
        cpu_shares=1024,
        cpuset_cpus="0-1",
        cpuset_mems="0",
    )
    make_group("g", limits, hierarchies(host.proc))
    told = {path.name: path.read_text() for path in (top / "g").iterdir()}
    assert told == {
        "memory.max": "4096",
        "memory.swap.max": "1904",
        "cpu.max": "10000 20000",
        "cpu.weight": "39",
        "cpuset.cpus": "0-1",
        "cpuset.mems": "0",
    }
    make_group(
        "h", Resources(memory_bytes=1, swap_bytes=-1, cpu_period_us=5000), hierarchies(host.proc)
    )
    assert (top / "h/memory.swap.max").read_text() == "max"
    assert (top / "h/cpu.max").read_text() == "max 5000"
    assert not (top / "h/cpuset.cpus").exists()


def test_the_old_hierarchies_are_told_every_limit_and_inherit_the_rest(host: Host):
    cpuset = host.mount("cgroup", "cpuset", "/")
    for name, value in (("cpuset.cpus", "0-3\n"), ("cpuset.mems", "0\n")):
        (cpuset / name).write_text(value)
    cpu = host.mount("cgroup", "cpu", "/")
    memory = host.mount("cgroup", "memory", "/")
    limits = Resources(memory_bytes=4096, swap_bytes=-1, cpu_shares=7, cpuset_cpus="2")
    make_group("g", limits, hierarchies(host.proc))
    assert (cpuset / "g/cpuset.cpus").read_text() == "2"
    assert (cpuset / "g/cpuset.mems").read_text() == "0\n"
    assert {path.name: path.read_text() for path in (cpu / "g").iterdir()} == {"cpu.shares": "7"}
    assert (memory / "g/memory.memsw.limit_in_bytes").read_text() == "-1"


@pytest.mark.parametrize(("shares", "weight"), [(1, 1), (2, 1), (1024, 39), (262144, 10000)])
def test_shares_are_weights_as_runtimes_convert_them(shares: int, weight: int):
    told = Resources(cpu_shares=shares).settings(unified=True)
    assert told == {"cpu": {"cpu.weight": str(weight)}}


def test_a_group_with_processes_gets_no_limited_groups_below(host: Host):
    top = host.unified("/user/session", {})
    (top / "cgroup.controllers").write_text("cpu pids\n")
    for name, processes in (("user/session", "12\n"), ("user", "")):
        (top / name / "cgroup.type").write_text("domain\n")
        (top / name / "cgroup.procs").write_text(processes)
    group = make_group("g", Resources(pids=7), hierarchies(host.proc))
    assert group.directories == (top / "user/g",)
    assert (top / "user/g/pids.max").read_text() == "7"
    assert (top / "user/session/cgroup.subtree_control").read_text() == ""
    assert group.refused_pids == 0
    (top / "user/g/pids.events").write_text("max 3\n")
    assert group.refused_pids == 3


@pytest.mark.parametrize(
    ("file", "text", "count"),
    [
        ("memory.events", "low 0\nhigh 1\nmax 7\noom 2\noom_kill 3\noom_group_kill 0\n", 3),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", 2),
        ("memory.events", "low 0\n", 0),
        ("memory.events", "", 0),
        ("other", "oom_kill 1\n", 0),
    ],
)
def test_processes_killed_for_their_memory_are_counted(
    tmp_path: Path, file: str, text: str, count: int
) -> None:
    (tmp_path / file).write_text(text)
    assert Group((tmp_path,)).killed_for_memory == count
