"""Full, read-only and damaged disks, clocks that jump, and many builds at once on one store."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scratch_rig import Scratch

pytestmark = pytest.mark.needs_root

MIXED = """FROM busybox AS one
RUN for i in $(seq 1 40); do seq 1 3000 > /f$i; done
FROM busybox
COPY data /data
COPY --from=one /f* /x/
RUN dd if=/dev/zero of=/y bs=1000 count=300
"""


@contextmanager
def small_disk(place: Path, kib: int) -> Iterator[None]:
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "none", place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def resize(place: Path, kib: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kib}k", place], check=True)


def test_a_full_disk_at_any_write_is_told_and_damages_nothing(scratch: Scratch) -> None:
    (scratch.context / "data").write_bytes(os.urandom(400_000))
    scratch.dockerfile(MIXED)
    chance = random.Random(11)
    failed = 0
    with small_disk(scratch.store, 40_000):
        for number in range(12):
            resize(scratch.store, 40_000)
            assert scratch.run("prune", "--all", "--force").returncode == 0
            used = 4 * (os.statvfs(scratch.store).f_blocks - os.statvfs(scratch.store).f_bfree)
            resize(scratch.store, used + chance.randrange(8, 6000))
            args = ("build", "--progress=plain", "-t", f"app:{number % 3}", "-o",
                    f"type=oci,dest={scratch.directory}/out.tar")  # fmt: skip
            done = scratch.run(*args, scratch.context)
            assert done.returncode in {0, 1, 5}, done.stderr
            assert "bug in Jettison" not in done.stderr
            if done.returncode:
                failed += 1
                text = done.stderr.lower()
                assert "full" in text or "no space" in text, done.stderr
            resize(scratch.store, 40_000)
            checked = scratch.run("fsck")
            assert checked.returncode == 0, checked.stdout + checked.stderr
        assert scratch.run(*args, scratch.context).returncode == 0
    assert failed >= 3


def test_a_read_only_store_is_told(scratch: Scratch) -> None:
    with small_disk(scratch.store, 40_000):
        assert scratch.build("FROM busybox\nRUN true\n", "-t", "app").returncode == 0
        subprocess.run(["mount", "-o", "remount,ro", scratch.store], check=True)
        done = scratch.build("FROM busybox\nRUN true\n")
        assert done.returncode == 5
        assert "cannot be written" in done.stderr or "read-only" in done.stderr.lower()
        subprocess.run(["mount", "-o", "remount,rw", scratch.store], check=True)
        assert scratch.build("FROM busybox\nRUN true\n").returncode == 0


def test_fsck_finds_damage_and_repairs_what_can_be_made_again(scratch: Scratch) -> None:
    text = "FROM busybox\nRUN echo made > /made\n"
    oci = f"type=oci,dest={scratch.directory}/out.tar"
    assert scratch.build(text, "-t", "app", "-o", oci).returncode == 0
    assert scratch.run("fsck").stdout == "clean\n"
    made = next(scratch.store.glob("snapshots/*/fs/made"))
    made.write_text("damaged")
    blob = max((scratch.store / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    (scratch.store / "index.json").write_text("{}")
    (scratch.store / "snapshots/odd").mkdir()
    (scratch.store / "stranger").write_text("")
    with sqlite3.connect(scratch.store / "state.db") as database:
        database.execute(
            "INSERT INTO record (key, layer, vertex, name, created_ns, used_ns)"
            " VALUES ('k', 'content:sha256:00', 'v', 'gone', 1, 1)"
        )
        database.execute("INSERT INTO tag VALUES ('docker.io/library/lost:latest', 'sha256:00')")
    database.close()
    found = scratch.run("fsck")
    assert found.returncode == 1
    kinds = {line.split()[0] for line in found.stdout.splitlines()[:-1]}
    assert {"blob", "layer", "record", "name", "index", "debris"} <= kinds, found.stdout
    repaired = scratch.run("fsck", "--repair")
    assert repaired.returncode == 1  # a name and a stranger are the user's to judge
    assert repaired.stdout.count("(repaired)") >= 5
    assert "app" in scratch.run("images").stdout
    assert scratch.run("rmi", "lost").returncode in {0, 4}
    (scratch.store / "stranger").unlink()
    with sqlite3.connect(scratch.store / "state.db") as database:
        database.execute("DELETE FROM tag WHERE name LIKE '%lost%'")
    database.close()
    assert scratch.build(text, "-t", "app", "-o", oci).returncode == 0
    left = scratch.run("fsck")
    assert left.returncode == 0, left.stdout
    assert scratch.run("run", "--rm", "app", "cat", "/made").stdout == "made\n"


def test_a_clock_that_jumps_changes_no_result(scratch: Scratch) -> None:
    text = "FROM busybox\nCOPY data /data\nRUN echo made > /made\n"
    (scratch.context / "data").write_text("one")
    assert scratch.build(text, "-t", "app").returncode == 0
    future = time.time_ns() + 10 * 365 * 86400 * 10**9
    with sqlite3.connect(scratch.store / "state.db") as database:
        database.execute("UPDATE record SET created_ns = ?, used_ns = ?", (future, future))
        database.execute("UPDATE layer SET used_ns = ?", (future,))
        database.execute("UPDATE image SET created_ns = ?", (future,))
    database.close()
    for path in scratch.store.rglob("*"):
        if not path.is_symlink() and "/fs/" not in str(path):
            os.utime(path, ns=(future, future))
    again = scratch.build(text, "-t", "app")
    assert "nothing to run" in again.stderr, again.stderr
    status = (scratch.context / "data").stat()
    (scratch.context / "data").write_text("two")
    os.utime(scratch.context / "data", ns=(status.st_atime_ns, status.st_mtime_ns))
    changed = scratch.build(text, "-t", "app")
    assert changed.returncode == 0
    assert scratch.run("run", "--rm", "app", "cat", "/data").stdout == "two"
    for command in (("du",), ("images",), ("fsck",), ("prune", "-f")):
        assert scratch.run(*command).returncode == 0, command
    assert scratch.run("prune", "-af").returncode == 0


def test_eight_builds_at_once_run_each_shared_step_once(scratch: Scratch) -> None:
    scratch.dockerfile("""FROM busybox AS shared
RUN --mount=type=cache,id=count,target=/count echo run >> /count/shared && sleep 0.5
RUN --mount=type=cache,id=count,target=/count echo run >> /count/second && seq 1 1000 > /numbers
FROM busybox
ARG N
COPY --from=shared /numbers /numbers
RUN --mount=type=cache,id=count,target=/count echo $N >> /count/own && echo $N > /n
""")
    builds = [
        subprocess.Popen(
            scratch.argv("build", "--progress=plain", "--build-arg", f"N={number}", "-t",
                         f"app:{number}", "-o", f"type=oci,dest={scratch.directory}/{number}.tar",
                         scratch.context),
            env=scratch.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for number in range(8)
    ]  # fmt: skip
    errors = [build.communicate(timeout=100)[1] for build in builds]
    assert [build.returncode for build in builds] == [0] * 8, errors
    for number in range(8):
        assert scratch.run("run", "--rm", f"app:{number}", "cat", "/n").stdout == f"{number}\n"
    count = next((scratch.store / "cache-mounts").glob("*/shared")).parent
    assert (count / "shared").read_text() == "run\n"
    assert (count / "second").read_text() == "run\n"
    assert sorted((count / "own").read_text().split()) == sorted(map(str, range(8)))
    assert scratch.run("fsck").returncode == 0
