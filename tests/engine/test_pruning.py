"""Docker's prune commands: what each removes, what it leaves alone, what it says and asks."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from scratch_processes import wait_for_file
from scratch_rig import Scratch


def image(scratch: Scratch, name: str, *flags: str, size: int = 100_000) -> str:
    """Build an image of one file from scratch; return its ID."""
    (scratch.context / name).write_bytes(name.encode() * (size // len(name)))
    done = scratch.build(f"FROM scratch\nCOPY {name} /\n", "-q", *flags, base=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def ok(scratch: Scratch, *args: str) -> str:
    done = scratch.run(*args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def names(scratch: Scratch) -> set[str]:
    return set(ok(scratch, "images", "--format", "{{.Repository}}").split())


def cached(scratch: Scratch) -> int:
    return len(ok(scratch, "buildx", "du", "--format", "{{.ID}}").split())


def test_builder_prune_leaves_images_alone_and_what_they_share(scratch: Scratch) -> None:
    image(scratch, "kept", "-t", "kept")
    image(scratch, "loose", "-o", "type=cacheonly", size=50_000)
    image(scratch, "nameless")
    assert cached(scratch) == 3
    said = ok(scratch, "builder", "prune", "-f")
    assert said.splitlines()[-1] == "Total:\t50kB"
    assert names(scratch) == {"kept", "<none>"}
    assert cached(scratch) == 2
    assert "CACHED" in scratch.build("FROM scratch\nCOPY kept /\n", base=False).stderr
    assert ok(scratch, "buildx", "prune", "-a", "-f") == "Total:\t0B\n"
    assert names(scratch) == {"kept", "<none>"}
    assert "CACHED" not in scratch.build("FROM scratch\nCOPY kept /\n", base=False).stderr


def test_image_prune_removes_nameless_images_and_with_all_the_others(scratch: Scratch) -> None:
    named = image(scratch, "named", "-t", "named", "-t", "again:1")
    nameless = image(scratch, "nameless")
    said = ok(scratch, "image", "prune", "-f")
    assert said == f"Deleted Images:\ndeleted: {nameless}\n\nTotal reclaimed space: 0B\n"
    assert names(scratch) == {"named", "again"}
    ok(scratch, "builder", "prune", "-af")
    said = ok(scratch, "image", "prune", "-a", "-f")
    assert said == (
        f"Deleted Images:\nuntagged: again:1\nuntagged: named:latest\ndeleted: {named}\n\n"
        "Total reclaimed space: 100kB\n"
    )
    assert ok(scratch, "image", "prune", "-a", "-f") == "Total reclaimed space: 0B\n"


def test_system_prune_removes_both_and_keeps_what_has_a_name(scratch: Scratch) -> None:
    image(scratch, "named", "-t", "named")
    nameless = image(scratch, "nameless")
    image(scratch, "loose", "-o", "type=cacheonly")
    said = ok(scratch, "system", "prune", "-f", "--volumes")
    assert said.startswith(
        f"Deleted Images:\ndeleted: {nameless}\n\nDeleted build cache objects:\n"
    )
    assert said.endswith("\nTotal reclaimed space: 200kB\n")
    assert names(scratch) == {"named"}
    assert "untagged: named:latest" in ok(scratch, "system", "prune", "-a", "-f")
    assert ok(scratch, "images", "-q") == ""
    assert cached(scratch) == 0


@pytest.mark.parametrize("line", ["system prune", "image prune -a", "builder prune"])
def test_it_asks_and_a_no_removes_nothing(scratch: Scratch, line: str) -> None:
    image(scratch, "nameless")
    asked = scratch.run(*line.split(), stdin=b"n\n")
    assert asked.stdout == ""
    assert asked.stderr.startswith("WARNING! This will remove")
    assert "Are you sure you want to continue? [y/N]" in asked.stderr
    assert names(scratch) == {"<none>"}
    asked = scratch.run(*line.split())  # nobody answers: as docker, it does not fail
    assert (asked.returncode, asked.stdout) == (0, "")
    assert "nothing is removed: use --force" in asked.stderr
    assert names(scratch) == {"<none>"}


def test_filters_by_label_and_time_choose_what_goes(scratch: Scratch) -> None:
    image(scratch, "one", "--label", "stage=test")
    image(scratch, "two", "--label", "keep")
    image(scratch, "three")
    everything = [("until=1h", 3), ("label!=keep", 1), ("label=keep", 0)]
    for text, left in everything:
        ok(scratch, "image", "prune", "-f", "--filter", text)
        assert len(ok(scratch, "images", "-q").split()) == left, text
    before = cached(scratch)
    ok(scratch, "builder", "prune", "-af", "--filter", "until=1h")
    assert cached(scratch) == before
    ok(scratch, "system", "prune", "-af", "--filter", "label=nobody")
    assert cached(scratch) == before
    ok(scratch, "builder", "prune", "-af", "--filter", "type=regular")
    assert cached(scratch) == 0


def test_what_a_running_build_holds_back_is_said(scratch: Scratch) -> None:
    assert scratch.build("FROM busybox\n", "-t", "base").returncode == 0
    scratch.dockerfile(
        "FROM base\nRUN --mount=type=cache,id=c,target=/c"
        " touch /c/begun; while [ ! -e /c/go ]; do sleep 0.1; done\n",
        base=False,
    )
    running = scratch.start("build", "-q", scratch.context)
    wait_for_file(running, scratch.store, "cache-mounts/*/begun")
    done = scratch.run("system", "prune", "-a", "-f")
    assert re.search(
        r"^kept, since a running build or container uses it: base:latest$",
        done.stderr,
        re.MULTILINE,
    )
    assert re.search(r"uses it: \S+ of the build cache$", done.stderr, re.MULTILINE)
    assert names(scratch) == {"base"}
    assert re.search(r"^Images +1 +1 ", ok(scratch, "system", "df"), re.MULTILINE)
    begun = next(scratch.store.glob("cache-mounts/*/begun"))
    (begun.parent / "go").write_text("on")
    assert running.wait(60) == 0


def test_space_flags_bound_the_cache_as_buildkit_reads_them(scratch: Scratch) -> None:
    for name in ("oldest", "middle", "newest"):
        image(scratch, name, "-o", "type=cacheonly")
    ok(scratch, "builder", "prune", "-f", "--keep-storage", "1g")
    assert cached(scratch) == 3
    ok(scratch, "builder", "prune", "-f", "--max-used-space", "1k", "--reserved-space", "220k")
    assert cached(scratch) == 2
    ok(scratch, "builder", "prune", "-f", "--min-free-space", "1000t", "--reserved-space", "110k")
    assert cached(scratch) == 1


def test_the_disk_is_counted_by_kind_and_by_thing(scratch: Scratch) -> None:
    image(scratch, "one", "-t", "one")
    image(scratch, "loose", "-o", "type=cacheonly", size=40_000)
    assert ok(scratch, "system", "df").splitlines() == [
        "TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE",
        "Images          1         0         100kB     100kB (100%)",
        "Containers      0         0         0B        0B",
        "Local Volumes   0         0         0B        0B",
        "Build Cache     1         0         40kB      40kB",
    ]
    rows = [
        json.loads(row) for row in ok(scratch, "system", "df", "--format", "json").split("\n")[:-1]
    ]
    assert rows[0] == {
        "Active": "0",
        "Reclaimable": "100kB (100%)",
        "Size": "100kB",
        "TotalCount": "1",
        "Type": "Images",
    }
    assert ok(scratch, "system", "df", "--format", "{{.Type}}={{.Size}}").startswith(
        "Images=100kB\n"
    )
    parts = ok(scratch, "system", "df", "-v")
    assert "\none          latest    " in parts
    assert "\nBuild cache usage: 40kB\n" in parts
    whole = json.loads(ok(scratch, "system", "df", "-v", "--format", "json"))
    assert whole["Images"][0]["UniqueSize"] == "100kB"
    assert [each["Description"] for each in whole["BuildCache"]] == ["[1/1] COPY loose /"]
    said = ok(scratch, "buildx", "du").splitlines()
    assert said[0] == "ID             RECLAIMABLE   SIZE      LAST ACCESSED"
    assert said[-1].split() == ["Total:", "140kB"]


def test_what_was_built_again_without_the_cache_is_still_known_by_its_step(
    scratch: Scratch,
) -> None:
    for _ in range(2):
        said = scratch.build(
            "FROM busybox\nRUN read x < /proc/uptime; echo $x > /time\n",
            "-t",
            "again",
            "--no-cache",
        )
        assert said.returncode == 0, said.stderr
    form = "{{.Description}}"
    names = [name.partition("] ")[2] for name in ok(scratch, "du", "--format", form).splitlines()]
    assert "" not in names
    assert sum(name.startswith("RUN read x") for name in names) == 2


def test_times_of_filters_are_docker_s(scratch: Scratch) -> None:
    image(scratch, "one", "-t", "one")
    assert ok(scratch, "images", "-q", "--filter", "until=0s")
    for text in ("1h", "1970-01-02"):
        assert not ok(scratch, "images", "-q", "--filter", f"until={text}"), text


def test_images_are_filtered_by_others_and_by_patterns(scratch: Scratch) -> None:
    older = scratch.build("FROM scratch\nCOPY busybox /\n", "-t", "older", base=False)
    assert older.returncode == 0
    time.sleep(0.01)
    Path(scratch.context, "x").write_text("x")
    assert scratch.build("FROM scratch\nCOPY x /\n", "-t", "newer:1", base=False).returncode == 0

    def listed(*filters: str) -> list[str]:
        flags = [each for text in filters for each in ("--filter", text)]
        return ok(scratch, "images", "--format", "{{.Repository}}", *flags).split()

    assert listed("since=older") == ["newer"]
    assert listed("before=newer:1") == ["older"]
    assert listed("reference=new*", "reference=old*") == ["newer", "older"]
    assert listed("reference=newer:2") == []
    assert listed("dangling=1") == []
