"""Limits of memory and processors, of root and of users whom control groups are delegated to."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.command import Cli
from host_tools import lacking
from jettison.errors import HostError
from jettison.linux.apparmor import default_profile, is_enabled, loaded_profiles
from jettison.linux.cgroup import Group, hierarchies, make_group
from jettison.linux.resources import Resources

FILL = "dd if=/dev/zero of=/dev/null bs=80M count=1 && echo filled"

QUOTAS = {"cpu.max", "cpu.cfs_quota_us"}


def delegate(group: Path, user: int, unified: bool) -> Path:
    """Give a group away, as systemd does; return the group that the user's process goes to."""
    leaf = group
    if unified:
        (group / "cgroup.subtree_control").write_text("+memory +cpu")
        leaf = group / "leaf"
        leaf.mkdir()
    for place in {group, leaf}:
        for name in ("", "cgroup.procs", "cgroup.subtree_control"):
            if (place / name).exists():
                os.chown(place / name, user, user)
    return leaf


@pytest.fixture
def delegated(cli: Cli) -> Iterator[tuple[Cli, list[Path]]]:
    """The command line in groups that its user may limit, and these groups."""
    if os.geteuid() != 0:
        pytest.skip("root is needed")
    try:
        group = make_group(f"jettison-test-{os.getpid()}", Resources(1 << 30, cpus=1.0))
    except HostError as error:
        lacking(f"a control group: {error.message}")
    unified = {each.top: each.unified for each in hierarchies()}
    user = cli.work.stat().st_uid
    leaves = [
        delegate(place, user, next(v for top, v in unified.items() if place.is_relative_to(top)))
        for place in group.directories
    ]
    joins = "".join(f'echo $$ > "{leaf}/cgroup.procs"; ' for leaf in leaves)
    shell = shutil.which("sh") or lacking("`sh`")
    other = Cli(cli.work, [shell, "-c", f'{joins}exec "$@"', "-", *cli.prefix], cli.python)
    other._directories = 7000
    yield other, list(group.directories)
    Group((*leaves, *group.directories)).remove()
    assert not any(place.exists() for place in group.directories)


@pytest.mark.parametrize("isolation", ["embedded", "crun", "runc"])
def test_memory_is_limited_where_control_groups_are_delegated(delegated, isolation: str, need):
    if isolation != "embedded":
        need(isolation)
    cli, groups = delegated
    run = ["run", "--rm", f"--isolation={isolation}", "-m"]
    assert cli(*run, "1g", "box", "sh", "-c", FILL).stdout == "filled\n"
    full = cli.attempt(*run, "32m", "box", "sh", "-c", FILL)
    assert full.returncode != 0
    assert full.stdout == ""
    for group in groups:  # nothing is left, of killed containers neither
        assert [
            path.name for path in group.iterdir() if path.is_dir() and path.name != "leaf"
        ] == []


def test_processors_are_limited_where_control_groups_are_delegated(delegated):
    cli, groups = delegated
    process = cli.start(
        "run", "--rm", "-i", "--cpus=0.5", "box", "sh", "-c", "echo up; cat",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout.readline() == b"up\n"
    made = [
        path for group in groups for path in group.glob("*/cpu.*") if path.parent.name != "leaf"
    ]
    limits = [path.read_text().split()[0] for path in made if path.name in QUOTAS]
    process.communicate(timeout=20)
    assert limits == ["50000"]


def test_a_build_s_steps_are_limited(delegated):
    cli, _ = delegated
    context = cli.context({"Dockerfile": f"FROM box\nRUN {FILL}\n"})
    assert cli("build", "-q", "--memory=1g", context).returncode == 0
    failed = cli.attempt("build", "-q", "--no-cache", "--memory=32m", context)
    assert failed.returncode == 1
    assert "cause: memory ran out: the step may use 32 MiB (`--memory`)" in failed.stderr


@pytest.mark.parametrize("isolation", ["embedded", "crun", "runc", "in-container"])
def test_a_build_s_resources_reach_its_steps(cli: Cli, isolation: str, need):
    if cli.prefix or os.geteuid() != 0:
        pytest.skip("root is needed")
    if isolation in {"crun", "runc"}:
        need(isolation)
    context = cli.context(
        {"Dockerfile": "FROM box\nRUN grep Cpus_allowed_list: /proc/self/status\n"}
    )
    flags = ("--progress=plain", "--no-cache", f"--isolation={isolation}")
    last = max(os.sched_getaffinity(0))
    limits = (f"cpuset-cpus={last}", "cpu-period=50000", "cpu-quota=20000", "memory=1g")
    said = cli("build", *flags, *(f"--resource={each}" for each in limits), context)
    assert f"Cpus_allowed_list:\t{last}\n" in said.all
    assert cli.attempt("build", *flags, "--resource=cpuset-cpus=4000", context).returncode == 5


def test_a_user_without_control_groups_is_told_how_to_get_some(cli: Cli):
    if not cli.prefix and os.geteuid() == 0:
        pytest.skip("root has them")
    said = cli.attempt("run", "--memory=64m", "box", "echo", "ran")
    if said.returncode == 0:
        pytest.skip("this user has them")
    assert (said.returncode, said.stdout) == (125, "")
    assert "cannot limit memory of the container: permission denied" in said.stderr
    assert "hint: " in said.stderr
    assert "Delegate=yes" in said.stderr


def test_a_profile_that_this_host_cannot_apply_is_told(cli: Cli):
    said = cli.attempt("run", "--security-opt", "apparmor=no-such-profile", "box", "echo", "ran")
    assert (said.returncode, said.stdout) == (125, "")
    assert "no-such-profile" in said.stderr
    assert cli("run", "--security-opt=apparmor=unconfined", "box", "echo", "ran").stdout == "ran\n"
    said = cli.attempt("run", "--security-opt", "label=type:x", "box", "echo", "ran")
    assert (said.returncode, said.stdout) == (125, "")
    assert "hint: leave it out; `label=disable` is what happens" in said.stderr
    assert cli("run", "--security-opt=label=disable", "box", "echo", "ran").stdout == "ran\n"


def test_a_loaded_profile_confines_the_container(cli: Cli):
    profile = default_profile(loaded_profiles() if is_enabled() else None)
    if not profile:
        pytest.skip("no profile for containers is loaded here")
    script = "cat /proc/self/attr/current"
    said = cli("run", f"--security-opt=apparmor={profile}", "box", "sh", "-c", script)
    assert said.stdout.split() == [profile, "(enforce)"]
