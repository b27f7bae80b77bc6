"""What the store says of its parts: why each is kept, what filters mean, what a prune would do."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scratch_processes import wait_for_file
from scratch_rig import Scratch

CACHING = "FROM busybox\nRUN --mount=type=cache,id=c,target=/c head -c 70000 /dev/zero > /c/x\n"


def ok(scratch: Scratch, *args: str) -> str:
    done = scratch.run(*args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def image(scratch: Scratch, name: str, *flags: str, size: int = 100_000) -> str:
    """Build an image of one file of noise from scratch; return its ID."""
    (scratch.context / name).write_bytes(os.urandom(size))
    done = scratch.build(f"FROM scratch\nCOPY {name} /\n", "-q", *flags, base=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def rows(scratch: Scratch, *filters: str) -> list[dict[str, Any]]:
    flags = [each for text in filters for each in ("--filter", text)]
    return [json.loads(line) for line in ok(scratch, "du", "--format", "json", *flags).splitlines()]


def beginning(scratch: Scratch, size: int = 20_000) -> Path:
    """Leave the beginning of a download."""
    ok(scratch, "du")  # makes the store
    path = scratch.store / "partial" / ("ab" * 32)
    path.parent.mkdir(0o700, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


def test_each_part_says_all_that_keeps_it(scratch: Scratch) -> None:
    assert scratch.build("FROM busybox\n", "-t", "base:1").returncode == 0
    assert scratch.build("FROM base:1\nCOPY busybox /b\n", "-t", "app", base=False).returncode == 0
    ok(scratch, "run", "--name", "web", "app", "true")
    image(scratch, "loose", "-o", "type=cacheonly")
    found = rows(scratch)
    base = next(row for row in found if "mkdir -p /tmp" in row["Description"])
    assert "image base:1" in base["Reasons"]
    assert "base of image app:latest" in base["Reasons"]
    assert "container web" in base["Reasons"]
    assert "build cache, last used" in base["Reasons"]
    assert base["KeptBy"].startswith("image base:1 +")
    loose = next(row for row in found if "COPY loose" in row["Description"])
    assert loose["KeptBy"] == "build cache"
    assert loose["Reclaimable"] is True
    blocks = ok(scratch, "du", "--verbose")
    assert re.search(r"^Kept by: +container web$", blocks, re.MULTILINE)
    assert re.search(r"^Mutable: +false$", blocks, re.MULTILINE)


def test_what_a_running_build_uses_names_its_process(scratch: Scratch) -> None:
    scratch.dockerfile(
        "FROM busybox\nRUN --mount=type=cache,id=c,target=/c"
        " touch /c/begun; while [ ! -e /c/go ]; do sleep 0.1; done\n"
    )
    running = scratch.start("build", "-q", scratch.context)
    wait_for_file(running, scratch.store, "cache-mounts/*/begun")
    assert any(f"running process {running.pid}" in row["Reasons"] for row in rows(scratch))
    used = rows(scratch, "inuse", "type=exec.cachemount")
    assert [row["Reasons"].split(";")[0] for row in used] == ["running step"]
    said = ok(scratch, "prune", "--dry-run", "--all", "--explain")
    assert "running step" in said
    (next(scratch.store.glob("cache-mounts/*/begun")).parent / "go").write_text("on")
    assert running.wait(60) == 0


def test_an_interrupted_download_is_counted_and_removed(scratch: Scratch) -> None:
    path = beginning(scratch)
    (row,) = rows(scratch)
    assert (row["Type"], row["Size"], row["Mutable"]) == ("source.download", "20kB", True)
    assert row["Reasons"] == "the next fetch goes on with it, for a week"
    assert ok(scratch, "fsck") == "clean\n"
    assert ok(scratch, "prune", "--dry-run").endswith("Total reclaimable space: 20kB\n")
    assert path.exists()
    assert ok(scratch, "prune", "--filter", "type=regular").endswith("space: 0B\n")
    assert path.exists()
    assert ok(scratch, "prune").endswith("Total reclaimed space: 20kB\n")
    assert not path.exists()


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ((), {"kept", "loose", "mount", "download"}),
        (("shared",), {"kept"}),
        (("private", "immutable"), {"loose"}),
        (("shared=false",), {"loose", "mount", "download"}),
        (("mutable",), {"mount", "download"}),
        (("type=exec.cachemount", "type=source.download"), {"mount", "download"}),
        (("type!=regular",), {"mount", "download"}),
        (("description~=COPY (kept|loose) /$",), {"kept", "loose"}),
        (
            (
                "description!=interrupted download",
                "type~=^source",
            ),
            set(),
        ),
        (("id=abab",), {"download"}),
        (("id~=^(sha256:)?ab",), {"download"}),
        (("until=1h",), set()),
        (("unused-for=0s", "mutable"), {"mount", "download"}),
        (("inuse",), set()),
        (("inuse!=true", "shared"), {"kept"}),
    ],
    ids=lambda value: "+".join(sorted(value)) or "none",
)
def test_filters_mean_what_buildx_has_them_mean(
    shared: Scratch, filters: tuple[str, ...], found: set[str]
) -> None:
    words = {
        "[1/1] COPY kept /": "kept",
        "[1/1] COPY loose /": "loose",
        "RUN --mount=type=cache": "mount",
        "interrupted download": "download",
    }

    def names(lines: list[dict[str, Any]]) -> set[str]:
        return {words[text] for line in lines if (text := line["Description"]) in words}

    assert names(rows(shared, *filters)) == found
    flags = [each for text in filters for each in ("--filter", text)]
    lines = ok(shared, "buildx", "du", "--format", "json", *flags).splitlines()
    assert names([json.loads(line) for line in lines]) == found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, need: Any) -> Scratch:
    """A store with one part of each kind; tests only read it."""
    made = Scratch(tmp_path_factory.mktemp("disk"), need("busybox"))
    assert made.build(CACHING, "-o", "type=cacheonly").returncode == 0
    image(made, "kept", "-t", "kept")
    image(made, "loose", "-o", "type=cacheonly")
    beginning(made)
    return made


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense=1", "`du` has no filter `nonsense`"),
        ("id", "write NAME=VALUE"),
        ("id~=[", "is no regular expression"),
        ("shared~=x", "write shared or shared=false"),
        ("inuse=perhaps", "write inuse=true or inuse=false"),
        ("until!=1h", "write until=24h"),
        ("until=yesterday", "is no time"),
        ("", "has no filter"),
    ],
)
def test_a_filter_that_is_none_says_which_there_are(
    shared: Scratch, text: str, message: str
) -> None:
    done = shared.run("du", "--filter", text)
    assert done.returncode == 125, done.stderr
    assert message in done.stderr


def test_a_dry_run_says_what_a_prune_then_does(scratch: Scratch) -> None:
    image(scratch, "kept", "-t", "kept")
    image(scratch, "nameless", size=30_000)
    for number, name in enumerate(("oldest", "middle", "newest")):
        image(scratch, name, "-o", "type=cacheonly", size=50_000 + number)
    for line in (
        "prune",
        "prune --max-size 110k",
        "prune --filter description~=middle",
        "builder prune -f --filter shared",
        "builder prune -f --max-used-space 60k --reserved-space 10k",
        "prune --all --force",
    ):
        before = {row["ID"] for row in rows(scratch)}
        would = ok(scratch, *line.split(), "--dry-run")
        assert {row["ID"] for row in rows(scratch)} == before, line
        done = ok(scratch, *line.split())
        assert _neutral(would) == _neutral(done), line
    assert "kept" in ok(scratch, "images")


def _neutral(text: str) -> str:
    for before, after in (("WOULD GO", "REMOVED"), ("Would remove", "Removed")):
        text = text.replace(before, after)
    return re.sub(r" +", " ", text.replace("reclaimable space", "reclaimed space"))


def test_a_bound_takes_the_oldest_of_what_fits_and_says_why_the_rest_stays(
    scratch: Scratch,
) -> None:
    assert scratch.build(CACHING, "-o", "type=cacheonly").returncode == 0
    ok(scratch, "builder", "prune", "-f", "--filter", "immutable")
    image(scratch, "kept", "-t", "kept")
    for name in ("oldest", "middle", "newest"):
        image(scratch, name, "-o", "type=cacheonly")
    said = ok(scratch, "prune", "--max-size", "280k", "--filter", "type=regular", "--explain")
    removed = [line for line in said.splitlines() if "COPY oldest" in line]
    assert len(removed) == 1  # the mount is older, and is not meant
    assert re.search(r"mount=type=cache +build cache, last used .*; spared: --filter", said)
    assert re.search(r"COPY newest / +build cache.*; spared: used later", said)
    assert re.search(r"COPY kept / +image kept:latest; build cache", said)
    assert "Would remove 0 images, 0 records" in ok(
        scratch, "prune", "--max-size", "1g", "--dry-run"
    )


def _du_bytes(scratch: Scratch) -> int:
    """Return what du(1) counts of layers and blobs: apparent bytes, each inode once."""
    total = 0
    for name in ("snapshots", "snapshots-recorded", "blobs", "cache-mounts", "partial"):
        place = scratch.store / name
        if place.is_dir():
            done = subprocess.run(
                ["du", "--apparent-size", "--block-size=1", "-s", place],
                check=True,
                capture_output=True,
                text=True,
            )
            directories = sum(
                path.stat().st_size for path in (place, *place.rglob("*")) if path.is_dir()
            )
            total += int(done.stdout.split()[0]) - directories
    return total


def test_what_a_prune_says_it_reclaimed_is_what_the_disk_has_more(scratch: Scratch) -> None:
    tree = scratch.context / "tree"
    tree.mkdir()
    for number in range(30):
        (tree / f"f{number}").write_bytes(os.urandom(40_000))
    archive = f"type=oci,dest={scratch.directory}/out.tar"
    for number in range(3):  # files that did not change are linked
        (tree / "changed").write_text(str(number))
        done = scratch.build("FROM scratch\nCOPY tree /tree\n", "-o", archive, base=False)
        assert done.returncode == 0, done.stderr
    before = _du_bytes(scratch)
    for flags in (("--max-size", "5m"), ("--all", "--force")):
        said = json_bytes(scratch, *flags)
        after = _du_bytes(scratch)
        assert abs((before - after) - said) < 5_000, (before, after, said)  # facts of layers
        before = after
    assert before < 2_000


def json_bytes(scratch: Scratch, *flags: str) -> int:
    """Return the bytes that a prune says it reclaimed, by its API."""
    program = (
        "import os, sys\n"
        "from jettison.api.session import Session\n"
        "from jettison.api.prune import Space, prune\n"
        "from jettison.settings import Settings\n"
        "with Session.open(Settings(root=sys.argv[1]), os.environ) as session:\n"
        "    every = sys.argv[2] == '--all'\n"
        "    space = None if every else Space(most=5 << 20)\n"
        "    scope = 'everything' if every else 'unshared'\n"
        "    print(prune(session, scope=scope, space=space).freed_bytes)\n"
    )
    done = subprocess.run(
        [*scratch.argv()[: scratch.argv().index("-m")], "-c", program, str(scratch.store), *flags],
        env=scratch.env,
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout)


def test_two_prunes_and_a_build_lose_nothing(scratch: Scratch) -> None:
    tree = scratch.context / "tree"
    tree.mkdir()
    for number in range(100):
        (tree / f"f{number}").write_bytes(os.urandom(2_000))
    text = "FROM busybox AS one\nRUN seq 1 20000 > /n\nFROM busybox\nCOPY tree /t\n"
    text += "COPY --from=one /n /n\nRUN cat /t/* /n > /all\n"
    for number in range(3):
        (tree / "f7").write_text(f"changed {number}\n")
        scratch.dockerfile(text)
        said = scratch.directory / "said"
        with said.open("wb") as stderr:
            building = scratch.start("build", "-q", "-t", "app", scratch.context, stderr=stderr)
        while building.poll() is None:
            prunes = [
                scratch.start("prune", "--max-size", "1"),
                scratch.start("builder", "prune", "-af", "--filter", "private"),
            ]
            assert [each.wait(120) for each in prunes] == [0, 0]
        assert building.wait() == 0, said.read_text()
        ok(scratch, "save", "-o", str(scratch.directory / "app.tar"), "app")
    assert ok(scratch, "fsck") == "clean\n"


def test_fsck_knows_names_for_several_platforms(scratch: Scratch) -> None:
    flags = ("--platform", "linux/amd64,linux/arm64", "-t", "both")
    image(scratch, "one", *flags)
    assert ok(scratch, "fsck") == "clean\n"
    with sqlite3.connect(scratch.store / "state.db") as database:
        gone = database.execute("SELECT image FROM platform_tag ORDER BY position").fetchall()[1][0]
        database.execute("DELETE FROM image WHERE id = ?", (gone,))
        database.execute(
            "INSERT INTO platform_tag VALUES ('docker.io/library/none:1', 0, ?)", (gone,)
        )
    database.close()
    done = scratch.run("fsck")
    assert done.returncode == 1
    assert "name docker.io/library/both:latest: there is no image" in done.stdout
    assert "name docker.io/library/none:1: it stands for" in done.stdout
    repaired = scratch.run("fsck", "--repair").stdout
    assert "is no name (repaired)" in repaired
    assert "none:1" not in scratch.run("fsck").stdout
