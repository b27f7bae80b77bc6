"""Builds that are killed at any instant leave a store that is whole, and nothing that runs."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from jettison.api.fsck import check_store
from jettison.api.session import Session
from jettison.settings import Settings
from scratch_rig import Scratch

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]

ROUNDS = int(os.environ.get("JETTISON_TEST_KILLS", "320")) // 2
DOCKERFILE = """
FROM busybox AS tools
ARG NUMBER
RUN --mount=type=cache,target=/cache echo $NUMBER >> /cache/numbers; \\
    for i in 1 2 3 4 5 6 7 8; do seq 1 2000 > /tools-$NUMBER-$i; done
FROM busybox AS docs
ARG NUMBER
RUN --mount=type=bind,target=/src cp /src/data /docs && rm -rf /bin/vi && mkdir /empty-$NUMBER
FROM busybox
ARG NUMBER
WORKDIR /work/$NUMBER
COPY --from=tools /tools-* /tools/
COPY --from=docs --chown=7:8 /docs /docs
COPY data /data
RUN --network=none dd if=/dev/zero of=/zeros bs=1000 count=$NUMBER; rm /bin/ed; true
"""


class Tree:
    """A process with everything that it starts, followed from outside."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def members(self) -> set[tuple[int, str]]:
        """Processes as (pid, start time); a pid alone may be used again."""
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            fields = _stat(stat)
            if fields:
                children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found, pending = set(), [self.process.pid]
        while pending:
            pid = pending.pop()
            fields = _stat(Path(f"/proc/{pid}/stat"))
            if fields:
                found.add((pid, fields[19]))
            pending += children.get(pid, [])
        return found


def _stat(path: Path) -> list[str]:
    """Fields of a process from its state on, or nothing when it is gone or dead."""
    try:
        fields = path.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [] if fields[0] in "ZX" else fields


def alive(members: set[tuple[int, str]]) -> set[tuple[int, str]]:
    return {
        (pid, began) for pid, began in members if began in _stat(Path(f"/proc/{pid}/stat"))[19:20]
    }


def wait_until_gone(members: set[tuple[int, str]], seconds: float = 5) -> set[tuple[int, str]]:
    end = time.monotonic() + seconds
    while (left := alive(members)) and time.monotonic() < end:
        time.sleep(0.01)
    return left


def mounts_below(place: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line for line in lines if line.split()[1].startswith(f"{place}/")]


def build_argv(scratch: Scratch, number: int, chance: random.Random) -> list[str | Path]:
    argv: list[str | Path] = [
        "build",
        "-q",
        "--build-arg",
        f"NUMBER={number}",
        "-t",
        f"app:{number % 7}",
    ]
    if chance.random() < 0.5:
        kind = chance.choice(["oci", "docker", "tar"])
        argv += ["-o", f"type={kind},dest={scratch.directory}/out-{number % 2}.{kind}"]
    return [*argv, scratch.context]


def kill(tree: Tree, chance: random.Random) -> set[tuple[int, str]]:
    """Kill the builder, or it and all that it started; return who must be gone then."""
    members = tree.members()
    os.kill(tree.process.pid, signal.SIGKILL)
    if chance.random() < 0.5:
        for pid, _ in members:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    return members


def problems_of(scratch: Scratch) -> list[str]:
    with Session.open(Settings(root=str(scratch.store)), os.environ) as session:
        return [f"{p.kind} {p.what}: {p.text}" for p in check_store(session)]


def test_hundreds_of_killed_builds_damage_nothing_and_leave_nothing(scratch: Scratch) -> None:
    scratch.dockerfile(DOCKERFILE)
    (scratch.context / "data").write_bytes(b"data" * 50_000)
    first = scratch.run("build", "-q", "--build-arg", "NUMBER=1", scratch.context)
    assert first.returncode == 0, first.stderr
    began = time.monotonic()
    chance = random.Random(20240131)
    longest = 0.6
    kills = finished = 0
    for number in range(10, 10 + ROUNDS):
        trees = []
        for half in range(2):
            argv = build_argv(scratch, 2 * number + half, chance)
            trees.append(Tree(scratch.start(*argv)))
        gone: set[tuple[int, str]] = set()
        for tree, instant in zip(
            trees, sorted(chance.uniform(0.03, longest) for _ in trees), strict=True
        ):
            time.sleep(max(0.0, instant / len(trees)))
            if tree.process.poll() is None:
                gone |= kill(tree, chance)
                kills += 1
            else:
                assert tree.process.returncode == 0
                finished += 1
        for tree in trees:
            tree.process.wait()
        # Builds should be killed at all stages: neither all early, nor finished.
        longest *= 0.97 if finished * 5 > kills else 1.02
        assert wait_until_gone(gone) == set(), f"round {number}"
        assert problems_of(scratch) == [], f"round {number}"
        assert mounts_below(scratch.directory) == []
    took = time.monotonic() - began
    print(f"{kills} kills, {finished} finished, {took:.0f} s")
    last = scratch.run("build", "-q", "--build-arg", "NUMBER=5", "-t", "last", scratch.context)
    assert last.returncode == 0, last.stderr
    ran = scratch.run("run", "--rm", "last", "cat", "/cache/none", "/tools/tools-5-8")
    assert ran.stdout.splitlines()[-1] == "2000"
    assert scratch.run("prune", "--all", "--force").returncode == 0
    assert problems_of(scratch) == []
    assert kills >= ROUNDS * 2 * 0.6


@pytest.mark.parametrize("isolation", ["embedded", "crun"])
def test_a_step_does_not_outlive_its_builder(scratch: Scratch, isolation: str, need) -> None:
    if isolation != "embedded":
        need(isolation)
    scratch.dockerfile(
        "FROM busybox\nRUN trap '' INT TERM HUP; touch /begun; sleep 1000 & sleep 1001; sleep 1002\n"
    )
    tree = Tree(scratch.start("build", "-q", f"--isolation={isolation}", scratch.context))
    end = time.monotonic() + 60
    while not list(scratch.store.glob("tmp/*/*/fs/begun")):
        assert tree.process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    members = tree.members()
    assert len(members) >= 3
    tree.process.kill()
    tree.process.wait()
    assert wait_until_gone(members) == set()
    assert mounts_below(scratch.directory) == []
    assert problems_of(scratch) == []
