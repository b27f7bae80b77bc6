"""What stays cached when something changed, and what must not: whole builds, end to end."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from scratch_rig import Scratch


def facts(scratch: Scratch, text: str, *flags: str, base: bool = True) -> dict[str, Any]:
    path = scratch.directory / "facts.json"
    done = scratch.build(text, "--metadata-file", str(path), *flags, base=base)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(path.read_text())["jettison"])


def exported(scratch: Scratch, text: str) -> Path:
    out = scratch.directory / "out"
    done = scratch.build(text, "-o", f"type=local,dest={out}", base=False)
    assert done.returncode == 0, done.stderr
    return out


def test_a_step_that_ran_again_with_an_equal_result_leaves_later_steps_cached(
    scratch: Scratch,
) -> None:
    text = """
FROM busybox AS made
RUN : one; echo same > /out
FROM made AS later
RUN cat /out > /copy
FROM scratch
COPY --from=later /copy /copy
"""
    first = facts(scratch, text)
    again = facts(scratch, text.replace("one", "two"))
    assert (first["executed"], again["executed"]) == (6, 1)
    assert again["layers"] == first["layers"]


def test_a_comment_that_the_compiler_drops_changes_nothing_behind_it(scratch: Scratch) -> None:
    text = """
FROM busybox AS build
COPY main.src /src/
RUN grep -v '^#' /src/main.src > /program
FROM busybox
RUN echo slow > /installed
COPY --from=build /program /bin/program
RUN sh -c 'cat /bin/program > /used'
"""
    source = scratch.context / "main.src"
    source.write_text("# one\necho hello\n")
    first = facts(scratch, text)
    source.write_text("# another comment\necho hello\n")
    second = facts(scratch, text)
    assert second["executed"] == 2  # the COPY of the source and what compiles it
    assert second["layers"] == first["layers"]


def test_a_file_that_another_of_equal_size_and_mtime_replaced_is_noticed(scratch: Scratch) -> None:
    text = "FROM scratch\nCOPY file /\n"
    path = scratch.context / "file"
    path.write_text("one")
    os.utime(path, ns=(10**18, 10**18))
    facts(scratch, text, base=False)
    other = scratch.context / "other"
    other.write_text("two")
    os.utime(other, ns=(10**18, 10**18))
    other.rename(path)
    assert facts(scratch, text, base=False)["executed"] == 1
    assert (exported(scratch, text) / "file").read_text() == "two"


def test_a_file_rewritten_in_place_with_its_old_mtime_is_noticed(scratch: Scratch) -> None:
    text = "FROM scratch\nCOPY file /\n"
    path = scratch.context / "file"
    path.write_text("one")
    os.utime(path, ns=(10**18, 10**18))
    facts(scratch, text, base=False)
    path.write_text("two")
    os.utime(path, ns=(10**18, 10**18))
    facts(scratch, text, base=False)
    assert (exported(scratch, text) / "file").read_text() == "two"


def test_what_umask_did_to_a_file_does_not_matter_to_copy_chmod(scratch: Scratch) -> None:
    text = "FROM scratch\nCOPY --chmod=0640 file /\n"
    path = scratch.context / "file"
    path.write_text("one")
    path.chmod(0o644)
    facts(scratch, text, base=False)
    path.chmod(0o600)
    assert facts(scratch, text, base=False)["executed"] == 0


def test_no_cache_filter_runs_the_stages_it_names_and_no_other(scratch: Scratch) -> None:
    text = """
FROM busybox AS one
RUN echo 1 > /one
FROM busybox AS two
RUN echo 2 > /two
FROM scratch
COPY --from=one /one /
COPY --from=two /two /
"""
    facts(scratch, text)
    assert facts(scratch, text, "--no-cache-filter", "one")["executed"] == 1
    assert facts(scratch, text)["executed"] == 0


def test_without_the_cache_records_are_made_anew_and_hold_from_then_on(scratch: Scratch) -> None:
    text = "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /id\nRUN wc -c < /id > /size\n"
    first = facts(scratch, text)
    again = facts(scratch, text, "--no-cache")
    assert again["layers"][-2] != first["layers"][-2]
    assert again["layers"][-1] == first["layers"][-1]
    then = facts(scratch, text)
    assert (then["executed"], then["layers"]) == (0, again["layers"])


def test_what_a_copy_does_not_select_does_not_matter_to_it(scratch: Scratch) -> None:
    text = """
FROM busybox AS made
RUN mkdir /out && echo program > /out/program && echo one > /out/log && echo one > /log
FROM busybox
COPY --from=made /out/program /bin/
RUN cat /bin/program
"""
    first = facts(scratch, text)
    second = facts(scratch, text.replace("echo one", "echo two"))
    assert second["executed"] == 1
    assert second["layers"] == first["layers"]


def test_a_copy_does_not_depend_on_what_its_base_holds_elsewhere(scratch: Scratch) -> None:
    (scratch.context / "file").write_text("one")
    text = "FROM busybox\nRUN echo one > /x\nWORKDIR /app\nCOPY file .\n"
    first = facts(scratch, text)
    second = facts(scratch, text.replace("echo one", "echo two"))
    assert second["executed"] == 1
    assert second["layers"][-2:] == first["layers"][-2:]
    third = facts(scratch, text.replace("echo one > /x", "mkdir /y && ln -s y /app"))
    assert third["executed"] == 3  # the link leads the files elsewhere


def test_a_stage_for_the_build_platform_runs_once_for_all_platforms(scratch: Scratch) -> None:
    (scratch.context / "file").write_text("one")
    text = """
FROM --platform=$BUILDPLATFORM busybox AS shared
RUN echo made > /made
FROM scratch
ARG TARGETARCH
COPY --from=shared /made /
COPY <<EOF /arch
$TARGETARCH
EOF
"""
    first = facts(scratch, text, "--platform", "linux/amd64")
    second = facts(scratch, text, "--platform", "linux/arm64")
    assert (first["executed"], second["executed"]) == (6, 1)
    assert second["layers"][0] == first["layers"][0]
    assert second["layers"][1] != first["layers"][1]


def test_files_copied_between_stages_are_links_of_one_file(scratch: Scratch) -> None:
    text = """
FROM busybox AS made
RUN mkdir /out && head -c 100000 /dev/zero > /out/data && chmod 600 /out/data
FROM scratch
COPY --from=made /out /copied
COPY --from=made --chmod=644 /out/data /changed
"""
    layers = [layer.rpartition(":")[2] for layer in facts(scratch, text)["layers"]]
    copied, changed = (scratch.store / f"snapshots/c{layer}/fs" for layer in layers)
    assert (copied / "copied/data").stat().st_nlink == 2
    assert (changed / "changed").stat().st_nlink == 1


def test_one_of_many_files_changed_and_the_rest_is_linked(scratch: Scratch) -> None:
    text = "FROM scratch\nCOPY tree /tree\n"
    tree = scratch.context / "tree"
    tree.mkdir()
    for number in range(300):
        (tree / f"f{number}").write_text(f"{number}\n")
    facts(scratch, text, base=False)
    (tree / "f7").write_text("new\n")
    (tree / "f8").chmod(0o600)
    second = facts(scratch, text, base=False)
    out = exported(scratch, text)
    for number in range(300):
        wanted = "new\n" if number == 7 else f"{number}\n"
        assert (out / "tree" / f"f{number}").read_text() == wanted
    assert (out / "tree/f8").stat().st_mode & 0o777 == 0o600
    assert (out / "tree/f9").stat().st_mode & 0o777 == (tree / "f9").stat().st_mode & 0o777
    layer = second["layers"][0].rpartition(":")[2]
    kept = scratch.store / "snapshots" / f"c{layer}" / "fs/tree"
    assert (kept / "f9").stat().st_nlink == 2
    assert (kept / "f7").stat().st_nlink == (kept / "f8").stat().st_nlink == 1
    # A store that never saw the first state makes the same layer.
    scratch.store = scratch.directory / "fresh"
    assert facts(scratch, text, base=False)["layers"] == second["layers"]


def test_two_processes_run_an_identical_step_once(scratch: Scratch) -> None:
    text = "FROM busybox\n"
    facts(scratch, text)
    path = scratch.dockerfile(text + "RUN sleep 1; cat /proc/sys/kernel/random/uuid > /id\n")
    builds = []
    for number in range(2):
        told = scratch.directory / f"told{number}.json"
        argv = scratch.argv("build", "--metadata-file", told, "-f", path, scratch.context)
        done = subprocess.Popen(argv, env=scratch.env, stderr=subprocess.PIPE)
        builds.append((told, done))
    results = []
    for told, process in builds:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        results.append(json.loads(told.read_text())["jettison"])
    assert sum(each["executed"] for each in results) == 1
    assert results[0]["layers"] == results[1]["layers"]


def test_a_filter_that_names_no_stage_is_said(scratch: Scratch) -> None:
    text = "FROM scratch AS one\nCOPY busybox /\n"
    said = "`--no-cache-filter` names no stage: two"
    assert said in scratch.build(text, "--no-cache-filter", "ONE,two", base=False).stderr
    assert said not in scratch.build(text, "--no-cache-filter", "0,one", base=False).stderr
