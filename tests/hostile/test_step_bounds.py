"""What a step may take of the host: processes, and lines of a log."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tools import lacking
from jettison.errors import HostError
from jettison.linux.cgroup import hierarchies, make_group
from jettison.linux.resources import USUAL_PIDS, Resources
from scratch_processes import members_of
from scratch_rig import Scratch

pytestmark = [pytest.mark.needs_root, pytest.mark.any_user(by_turns=True)]

MANY = "i=0; while test $i -lt 200; do sleep 20 & i=$((i+1)); done; echo all-''started"
LEVELS = ("embedded", "crun", "runc", "single-id", "in-container")


@pytest.fixture(autouse=True)
def _limits(scratch: Scratch) -> Iterator[None]:
    """Let processes be limited; a user is lent a group, as systemd does it."""
    try:
        make_group(f"jettison-test-pids-{os.getpid()}", Resources(pids=10)).remove()
    except HostError as error:
        lacking(f"a control group: {error.message}")
    if scratch.user is None:
        yield
        return
    hierarchy = next(each for each in hierarchies() if "pids" in each.controllers)
    group = hierarchy.own / f"jettison-test-lent-{os.getpid()}"
    group.mkdir()
    for path in (group, *group.glob("cgroup.*"), *group.glob("tasks")):
        scratch.give(path)
    scratch.prefix = ["sh", "-c", 'echo 0 > "$0/cgroup.procs" && exec "$@"', str(group)]
    yield
    left = [group, *group.glob("jettison-*")]
    for path in reversed(left):
        path.rmdir()


@pytest.mark.parametrize("isolation", LEVELS)
def test_a_step_with_too_many_processes_fails_and_names_the_flag(
    scratch: Scratch, isolation: str, need
) -> None:
    if isolation in {"crun", "runc"}:
        need(isolation)
    level = f"--isolation={isolation}"
    many = f"FROM busybox\nRUN {MANY}\n"
    done = scratch.build(many, level, "--pids-limit=100")
    assert done.returncode == 1, done.stderr
    assert "cause: it had as many processes as a step may have" in done.stderr
    assert "--pids-limit" in done.stderr
    assert "all-started" not in done.stderr
    done = scratch.build(many, level, "--pids-limit=-1")
    assert done.returncode == 0, done.stderr


def test_a_container_with_too_many_processes_is_told_of_the_flag(scratch: Scratch) -> None:
    done = scratch.build("FROM busybox\n", "-t", "box")
    assert done.returncode == 0, done.stderr
    done = scratch.run("run", "--rm", "--pids-limit=50", "box", "sh", "-c", MANY)
    assert done.returncode not in {0, 125}
    assert "all-started" not in done.stdout
    assert "WARN: the container had as many processes" in done.stderr


def limit_of(pid: int) -> str:
    """Return the limit of processes of a process, as the kernel has it."""
    hierarchy = next(each for each in hierarchies() if "pids" in each.controllers)
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, kinds, path = line.split(":", 2)
        if kinds == ("" if hierarchy.unified else "pids"):
            file = hierarchy.top / path.lstrip("/") / "pids.max"
            return file.read_text().strip() if file.exists() else ""
    return ""


def limits_of(process: subprocess.Popen[bytes]) -> set[str]:
    found = set()
    for pid, _ in members_of(process):
        try:
            found.add(limit_of(pid))
        except FileNotFoundError:
            continue
    return found


@pytest.mark.parametrize("isolation", ["embedded", "crun", "runc"])
def test_processes_are_limited_where_nobody_says_so(scratch: Scratch, isolation: str, need) -> None:
    if isolation != "embedded":
        need(isolation)
    scratch.dockerfile("FROM busybox\nRUN sleep 1000\n")
    build = scratch.start("build", f"--isolation={isolation}", scratch.context)
    end = time.monotonic() + 60
    try:
        while str(USUAL_PIDS) not in limits_of(build):
            assert build.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        build.terminate()
        build.wait(timeout=20)


@pytest.mark.parametrize("command", ["build", "run"])
@pytest.mark.parametrize("value", ["many", "1.5", "-2", "99999999999999999999", " ", "0x10"])
def test_a_limit_that_is_none_is_refused(scratch: Scratch, command: str, value: str) -> None:
    scratch.dockerfile("FROM scratch\nCOPY busybox /\n", base=False)
    done = scratch.run(command, f"--pids-limit={value}", scratch.context)
    assert done.returncode == 125
    assert f"--pids-limit `{value}` is not a number of processes" in done.stderr
    assert "hint: " in done.stderr


def test_a_log_does_not_grow_without_bound(scratch: Scratch) -> None:
    text = "FROM busybox\nRUN seq 1 400000; echo the end\nRUN seq 1 400000 >&2; false\n"
    done = scratch.build(text)
    assert done.returncode == 1
    assert len(done.stderr) < 12 << 20
    clipped = "output clipped after 2 MiB: show more with `--step-log-size`, all of it with 0"
    assert done.stderr.count(clipped) == 2
    assert "the end" not in done.stderr.split("[busybox", 1)[0]
    assert "400000" in done.stderr  # the end of a failed step's output is always told
    done = scratch.build(
        text.partition("RUN seq 1 400000 >&2")[0], "--no-cache", "--step-log-size=0"
    )
    assert done.returncode == 0
    assert "clipped" not in done.stderr
    assert "the end" in done.stderr
