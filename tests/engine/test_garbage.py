"""What prune removes, and what it must never remove."""

from __future__ import annotations

import json
import os
import re
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from scratch_processes import wait_for_file
from scratch_rig import Scratch


def built(scratch: Scratch, text: str, *flags: str, base: bool = False) -> dict[str, Any]:
    path = scratch.directory / "facts.json"
    done = scratch.build(text, "--metadata-file", str(path), *flags, base=base)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(path.read_text())["jettison"])


def pruned(scratch: Scratch, *flags: str) -> str:
    done = scratch.run("prune", *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout


def layers_here(scratch: Scratch) -> set[str]:
    return {path.name[1:] for path in (scratch.store / "snapshots").iterdir()}


def name_of(layer: str) -> str:
    return layer.rpartition(":")[2]


def copying(scratch: Scratch, name: str, size: int = 100_000) -> str:
    (scratch.context / name).write_bytes(name.encode() * (size // len(name)))
    return f"FROM scratch\nCOPY {name} /\n"


def test_the_layers_that_were_not_used_for_longest_go_first(scratch: Scratch) -> None:
    made = []
    for name in ("oldest", "middle", "newest"):
        made.append(built(scratch, copying(scratch, name), "-o", "type=cacheonly")["layers"][0])
    pruned(scratch, "--max-used-space", "220k")
    assert layers_here(scratch) == {name_of(layer) for layer in made[1:]}
    pruned(scratch, "--max-used-space", "1")
    assert layers_here(scratch) == set()


def test_a_tagged_image_is_kept_whatever_the_budget(scratch: Scratch) -> None:
    text = copying(scratch, "file")
    layer = built(scratch, text, "-t", "kept")["layers"][0]
    pruned(scratch, "--max-used-space", "1")
    pruned(scratch, "--all", "--force")
    assert layers_here(scratch) == {name_of(layer)}
    assert scratch.run("save", "-o", str(scratch.directory / "x.tar"), "kept").returncode == 0


def test_prune_all_forgets_the_cache_and_the_next_build_runs(scratch: Scratch) -> None:
    text = copying(scratch, "file")
    assert built(scratch, text, "-o", "type=cacheonly")["executed"] == 1
    assert built(scratch, text, "-o", "type=cacheonly")["executed"] == 0
    pruned(scratch, "--all", "--force")
    assert built(scratch, text, "-o", "type=cacheonly")["executed"] == 1


def test_prune_takes_nothing_from_a_build_that_runs(scratch: Scratch) -> None:
    built(scratch, "FROM busybox\n", base=True)
    text = "FROM busybox\nRUN echo one > /one\nRUN sleep 3\nRUN cat /one > /two\n"
    scratch.dockerfile(text)
    running = scratch.start("build", "-t", "late", scratch.context)
    deadline = time.monotonic() + 60
    while not any(Path(scratch.store, "tmp").glob("*/*/fs")) and time.monotonic() < deadline:
        time.sleep(0.05)
    pruned(scratch, "--all", "--force")
    assert running.wait(120) == 0
    out = scratch.directory / "late.tar"
    assert scratch.run("save", "-o", str(out), "late").returncode == 0


CACHING = "FROM busybox\nRUN --mount=type=cache,id={0},target=/c head -c {1} /dev/zero > /c/{0}\n"


def test_cache_mounts_are_counted_and_share_the_budget(scratch: Scratch) -> None:
    built(scratch, CACHING.format("older", 300_000), base=True)
    built(scratch, CACHING.format("newer", 200_000), base=True)
    mounts = scratch.store / "cache-mounts"
    shown = scratch.run("du").stdout
    assert len(re.findall(r"^\w{12} +[23]00kB .*RUN --mount=type=cache$", shown, re.MULTILINE)) == 2
    said = pruned(scratch, "--max-used-space", "250k")
    assert "1 cache mounts" in said
    assert [path.name for path in mounts.glob("*/*")] == ["newer"]
    assert "1 cache mounts" in pruned(scratch, "--all", "--force")
    assert list(mounts.glob("*/*")) == []


def test_a_cache_mount_that_a_step_uses_is_not_pruned(scratch: Scratch) -> None:
    built(scratch, "FROM busybox\n", base=True)
    scratch.dockerfile(
        "FROM busybox\nRUN --mount=type=cache,id=c,target=/c"
        " touch /c/begun; while [ ! -e /c/go ]; do sleep 0.1; done; cat /c/go > /seen\n"
    )
    running = scratch.start("build", "-t", "late", scratch.context)
    wait_for_file(running, scratch.store, "cache-mounts/*/begun")
    assert "0 cache mounts" in pruned(scratch, "--all", "--force")
    assert " running " in scratch.run("du").stdout
    cache = next(scratch.store.glob("cache-mounts/*/begun")).parent
    (cache / "go").write_text("on")
    assert running.wait(120) == 0
    assert "1 cache mounts" in pruned(scratch, "--all", "--force")


def test_builds_and_prunes_at_the_same_time_do_not_disturb_each_other(scratch: Scratch) -> None:
    """What one build has found, made, packed or is about to link stays until it has ended."""
    tree = scratch.context / "tree"
    tree.mkdir()
    for number in range(250):
        (tree / f"f{number}").write_text(f"{number}\n")
    built(scratch, "FROM busybox\n", base=True)
    text = """FROM busybox AS one
RUN seq 1 20000 > /numbers
RUN sha256sum /numbers > /sum
FROM busybox
COPY tree /tree
COPY --from=one /sum /numbers /from/
RUN cat /tree/* > /all
"""
    for number in range(4):
        (tree / "f7").write_text(f"changed {number}\n")
        scratch.dockerfile(text)
        archive = scratch.directory / f"{number}.tar"
        said = scratch.directory / "said"
        with said.open("wb") as stderr:
            building = scratch.start(
                "build", "-q", "-o", f"type=oci,dest={archive}", scratch.context, stderr=stderr
            )
        while building.poll() is None:
            pruned(scratch, "--all", "--force")
        assert building.wait() == 0, said.read_text()
        with tarfile.open(archive) as saved:
            digests = {
                m.name.rpartition("/")[2] for m in saved if m.name.startswith("blobs/sha256/")
            }
        assert len(digests) >= 8
    assert scratch.run("fsck").stdout == "clean\n"


def test_leases_end_with_their_build(scratch: Scratch) -> None:
    text = copying(scratch, "file")
    built(scratch, text, "-o", "type=cacheonly")
    assert "1 layers" in pruned(scratch, "--all", "--force")


def test_the_setting_bounds_the_cache_after_each_build(scratch: Scratch) -> None:
    scratch.environment["JETTISON_KEEP_BYTES"] = "150000"
    for name in ("first", "second", "third"):
        layer = built(scratch, copying(scratch, name), "-o", "type=cacheonly")["layers"][0]
    assert layers_here(scratch) == {name_of(layer)}


def test_a_store_that_only_holds_used_records_is_not_written_by_a_cached_build(
    scratch: Scratch,
) -> None:
    text = copying(scratch, "file")
    written = set()
    for _ in range(12):  # digests of files that are two seconds old are kept, and then no more
        built(scratch, text)
        when = (scratch.store / "state.db").stat().st_mtime_ns
        if when in written:
            return
        written.add(when)
    pytest.fail("each build wrote")


def test_what_a_layer_was_packed_into_counts(scratch: Scratch) -> None:
    (scratch.context / "noise").write_bytes(os.urandom(500_000))
    archive = f"type=oci,dest={scratch.directory}/out.tar"
    built(scratch, "FROM scratch\nCOPY noise /\n", "-o", archive)
    total = scratch.run("du").stdout.splitlines()[-1]
    assert total.startswith("Total: 1.00"), total  # the files and the blob
    for layer in (scratch.store / "snapshots").iterdir():
        layer.rename(scratch.directory / layer.name)
    total = scratch.run("du").stdout.splitlines()[-1]
    assert total.startswith("Total: 500"), total


def test_prune_says_what_it_removed(scratch: Scratch) -> None:
    built(scratch, copying(scratch, "large", 300_000), "-o", "type=cacheonly")
    small = built(scratch, copying(scratch, "small"), "-o", "type=cacheonly")["layers"][0]
    said = pruned(scratch, "--max-used-space", "150k").splitlines()
    assert said[0].split() == ["REMOVED", "SIZE", "MADE", "BY"]
    assert "COPY large /" in said[1]
    assert "300kB" in said[1]
    assert said[2].startswith("Removed 0 images")
    said = scratch.run("builder", "prune", "--all", "--force", "--verbose").stdout.splitlines()
    assert said[1].startswith(name_of(small)[:12])
    assert "COPY small /" in said[1]
    assert pruned(scratch, "--all", "--force").startswith("Removed 0 images")


def test_the_size_of_an_image_is_known_before_it_is_unpacked(scratch: Scratch) -> None:
    archive = scratch.directory / "image.tar"
    built(scratch, copying(scratch, "file"), "-o", f"type=oci,dest={archive}", "-t", "sized")
    scratch.store = scratch.directory / "other"
    assert scratch.run("load", "-i", archive).returncode == 0
    assert layers_here(scratch) == set()
    row = scratch.run("images").stdout.splitlines()[1]
    assert not row.endswith(" 0B")
    facts = json.loads(scratch.run("inspect", "sized").stdout)
    packed = (facts[0] if isinstance(facts, list) else facts)["Size"]
    assert 0 < packed < 100_000
    assert " 0B" not in scratch.run("history", "sized").stdout.splitlines()[1]
    unpacked = scratch.directory / "unpacked"
    assert scratch.build("FROM sized\n", "-o", str(unpacked)).returncode == 0
    facts = json.loads(scratch.run("inspect", "sized").stdout)
    assert (facts[0] if isinstance(facts, list) else facts)["Size"] == 100_000
