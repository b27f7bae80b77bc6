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
from scratch_processes import Members, left_after, members_of, mounts_below, wait_for_file
from scratch_rig import Scratch

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]

KILLS = int(os.environ.get("JETTISON_TEST_KILLS", "30"))
KILLS_OF_OTHERS = 10
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


def kill(process: subprocess.Popen[bytes], chance: random.Random) -> Members:
    """Kill the builder, or it and all that it started; return who must be gone then."""
    members = members_of(process)
    os.kill(process.pid, signal.SIGKILL)
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


def fuse_servers(scratch: Scratch) -> list[str]:
    """Return the command lines of fuse-overlayfs that serve this store."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode(errors="replace")
            if "fuse-overlayfs" not in line:
                continue
            opened = [os.readlink(each) for each in (process / "fd").iterdir()]
            if any(each.startswith(f"{scratch.store}/") for each in opened):
                found.append(line)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@pytest.mark.parametrize(
    ("snapshotter", "wanted"),
    [("overlay", KILLS), ("fuse-overlayfs", KILLS_OF_OTHERS), ("copy", KILLS_OF_OTHERS)],
)
def test_killed_builds_damage_nothing_and_leave_nothing(
    scratch: Scratch, snapshotter: str, wanted: int, need
) -> None:
    if snapshotter == "fuse-overlayfs":
        need(snapshotter)
    scratch.environment["JETTISON_SNAPSHOTTER"] = snapshotter
    scratch.dockerfile(DOCKERFILE)
    (scratch.context / "data").write_bytes(b"data" * 50_000)
    started = time.monotonic()
    first = scratch.run("build", "-q", "--build-arg", "NUMBER=1", scratch.context)
    assert first.returncode == 0, first.stderr
    began = time.monotonic()
    chance = random.Random(20240131)
    longest = min(max(0.6, began - started), 1.2)
    kills = finished = 0
    number = 10
    while kills < wanted:
        number += 1
        builds = []
        for half in range(2):
            argv = build_argv(scratch, 2 * number + half, chance)
            builds.append(scratch.start(*argv))
        gone: Members = set()
        for build, instant in zip(
            builds, sorted(chance.uniform(0.03, longest) for _ in builds), strict=True
        ):
            time.sleep(max(0.0, instant / len(builds)))
            if build.poll() is None:
                gone |= kill(build, chance)
                kills += 1
            else:
                assert build.returncode == 0
                finished += 1
        for build in builds:
            build.wait()
        # Builds should be killed at all stages: neither all early, nor finished.
        longest *= 0.97 if finished * 5 > kills else 1.02
        assert left_after(gone) == set(), f"round {number}"
        assert problems_of(scratch) == [], f"round {number}"
        assert mounts_below(scratch.directory) == []
        assert fuse_servers(scratch) == []
    took = time.monotonic() - began
    print(f"{kills} kills, {finished} finished, {took:.0f} s")
    last = scratch.run("build", "-q", "--build-arg", "NUMBER=5", "-t", "last", scratch.context)
    assert last.returncode == 0, last.stderr
    ran = scratch.run("run", "--rm", "last", "cat", "/cache/none", "/tools/tools-5-8")
    assert ran.stdout.splitlines()[-1] == "2000"
    assert scratch.run("prune", "--all", "--force").returncode == 0
    assert problems_of(scratch) == []
    assert finished < kills


@pytest.mark.parametrize("snapshotter", ["overlay", "fuse-overlayfs"])
@pytest.mark.parametrize("isolation", ["embedded", "crun"])
def test_a_step_does_not_outlive_its_builder(
    scratch: Scratch, isolation: str, snapshotter: str, need
) -> None:
    if isolation != "embedded":
        need(isolation)
    if snapshotter != "overlay":
        need(snapshotter)
    scratch.environment["JETTISON_SNAPSHOTTER"] = snapshotter
    scratch.dockerfile(
        "FROM busybox\nRUN trap '' INT TERM HUP; touch /begun; sleep 1000 & sleep 1001; sleep 1002\n"
    )
    build = scratch.start("build", "-q", f"--isolation={isolation}", scratch.context)
    wait_for_file(build, scratch.store, "tmp/*/*/fs/begun")
    members = members_of(build)
    assert len(members) >= 3
    assert len(fuse_servers(scratch)) == (snapshotter == "fuse-overlayfs")
    build.kill()
    build.wait()
    assert left_after(members) == set()
    assert mounts_below(scratch.directory) == []
    assert fuse_servers(scratch) == []
    assert problems_of(scratch) == []
