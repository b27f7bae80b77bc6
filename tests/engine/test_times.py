"""Times are what steps and sources gave them; only a step that ran again lends its earlier ones."""

from __future__ import annotations

import json
import os
import sqlite3
import tarfile
from typing import Any

import pytest

from scratch_rig import Scratch


def facts(scratch: Scratch, text: str, *flags: str, base: bool = True) -> dict[str, Any]:
    path = scratch.directory / "facts.json"
    done = scratch.build(text, "--metadata-file", str(path), *flags, base=base)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(path.read_text())["jettison"])


def times(scratch: Scratch, text: str, *flags: str, base: bool = True) -> dict[str, int]:
    """Build, and return the modification times of all files of the image."""
    out = scratch.directory / "files.tar"
    facts(scratch, text, "-o", f"type=tar,dest={out}", *flags, base=base)
    with tarfile.open(out) as archive:
        return {member.name.strip("/"): int(member.mtime) for member in archive}


def shown(scratch: Scratch, text: str, path: str, *flags: str) -> str:
    """Build, and return what a file of the image holds."""
    out = scratch.directory / "files.tar"
    facts(scratch, text, "-o", f"type=tar,dest={out}", *flags)
    with tarfile.open(out) as archive:
        names = {member.name.strip("/"): member for member in archive}
        found = archive.extractfile(names[path])
        assert found is not None
        return found.read().decode()


TOUCHED = """FROM busybox
RUN mkdir /o && echo x >/o/a
RUN touch -d @1000 /o/a /o
RUN stat -c %Y /o/a /o >/seen
"""


def test_a_step_that_only_sets_times_sets_them(scratch: Scratch) -> None:
    assert shown(scratch, TOUCHED, "seen") == "1000\n1000\n"
    found = times(scratch, TOUCHED)
    assert (found["o/a"], found["o"]) == (1000, 1000)
    again = TOUCHED.replace("@1000", "@2000")
    assert shown(scratch, again, "seen") == "2000\n2000\n"
    assert times(scratch, again)["o/a"] == 2000
    assert shown(scratch, TOUCHED, "seen") == "1000\n1000\n"


def test_equal_bytes_with_other_times_do_not_come_back_with_the_first_ones(
    scratch: Scratch,
) -> None:
    text = "FROM busybox\nRUN echo x >/a; touch -d @{0} /a\nRUN cat /a >/b\n"
    assert times(scratch, text.format(1000))["a"] == 1000
    assert times(scratch, text.format(3000))["a"] == 3000
    other = "FROM busybox\nRUN echo x > /a && touch -d @4000 /a\n"
    assert times(scratch, other)["a"] == 4000


def test_a_copy_between_stages_brings_the_times_of_its_source(scratch: Scratch) -> None:
    text = """FROM busybox AS made
RUN mkdir -p /o/d && echo x >/o/d/a && touch -d @{0} /o/d/a /o/d /o
FROM busybox
COPY --from=made /o /o
COPY --from=made /o/d/a /a
RUN stat -c %Y /a /o/d >/seen
"""
    for seconds in (1000, 2000, 1000):
        found = times(scratch, text.format(seconds))
        assert {found[name] for name in ("o", "o/d", "o/d/a", "a")} == {seconds}
        assert shown(scratch, text.format(seconds), "seen") == f"{seconds}\n{seconds}\n"


def test_mounts_of_stages_show_the_times_of_their_source(scratch: Scratch) -> None:
    text = """FROM busybox AS made
RUN echo x >/a && touch -d @{0} /a
FROM busybox
RUN --mount=from=made,source=/a,target=/m stat -c %Y /m >/seen
"""
    for seconds in (1000, 2000):
        assert shown(scratch, text.format(seconds), "seen") == f"{seconds}\n"


def test_images_with_equal_bytes_and_other_times_stay_apart(scratch: Scratch) -> None:
    for name, seconds in (("one", 1000), ("two", 2000)):
        made = f"FROM busybox\nRUN mkdir /o && echo x >/o/a && touch -d @{seconds} /o/a /o\n"
        facts(scratch, made, "-o", f"type=oci,tar=false,dest={scratch.directory / name}")
    fresh = Scratch(scratch.directory / "fresh", str(scratch.context / "busybox"))
    text = "FROM {0} AS o\nRUN stat -c %Y /o/a >/seen\nFROM busybox\nCOPY --from=o /o /seen /o/\n"
    for name, seconds in (("one", 1000), ("two", 2000)):
        layout = f"--build-context={name}=oci-layout://{scratch.directory / name}"
        found = times(fresh, text.format(name), layout)
        assert found["o/a"] == seconds
        assert shown(fresh, text.format(name), "o/seen", layout) == f"{seconds}\n"
        below = f"FROM {name}\nRUN true\n"
        assert times(fresh, below, layout, base=False)["o/a"] == seconds


def test_copies_of_a_context_have_the_times_of_their_files(scratch: Scratch) -> None:
    (scratch.context / "d").mkdir()
    path = scratch.context / "d/file"
    path.write_text("x")
    os.utime(path, (1000, 1000))
    os.utime(scratch.context / "d", (900, 900))
    text = "FROM busybox\nCOPY d /d\nCOPY d/file /file\n"
    found = times(scratch, text)
    assert (found["d/file"], found["file"], found["d"]) == (1000, 1000, 900)
    # As with docker: what was copied once stays as long as its bytes do ...
    os.utime(path, (2000, 2000))
    assert times(scratch, text)["d/file"] == 1000
    # ... until somebody asks for it, or something else changes.
    assert times(scratch, text, "--no-cache")["d/file"] == 2000
    os.utime(path, (3000, 3000))
    (scratch.context / "d/more").write_text("y")
    assert times(scratch, text)["d/file"] == 3000


def test_what_says_only_when_a_step_ran_changes_no_key(scratch: Scratch) -> None:
    """Early cutoff through copies that keep times, overwritten files and directories on the way."""
    (scratch.context / "input").write_text("one")
    (scratch.context / "asset").write_text("asset")
    text = """FROM busybox AS made
COPY input asset /src/
RUN mkdir -p /out/dir && echo one >/out/dir/first
RUN wc -c </src/input >/out/dir/first && cp -a /src/asset /out/
FROM busybox
COPY --from=made /out /out
RUN cat /out/dir/first >/copy
"""
    first = facts(scratch, text)
    for name, content in (("input", "two"), ("asset", "asset")):
        (scratch.context / name).unlink()
        (scratch.context / name).write_text(content)
        os.utime(scratch.context / name, (2_000_000_000, 2_000_000_000))
    second = facts(scratch, text)
    assert second["executed"] == 3
    assert second["layers"] == first["layers"]


def test_a_compiled_file_agrees_with_the_time_of_its_source(scratch: Scratch) -> None:
    """What a step noted about times stays true when steps below it ran again."""
    text = """FROM busybox AS made
COPY input /input
RUN cut -c1 /input >/source
RUN stat -c %Y /source >/noted
"""
    (scratch.context / "input").write_text("one")
    facts(scratch, text)
    (scratch.context / "input").write_text("other")
    for _ in range(2):
        seen = shown(scratch, text, "noted")
        assert int(seen) == times(scratch, text)["source"]


def test_a_step_that_ran_again_for_nothing_keeps_its_layer(scratch: Scratch) -> None:
    text = "FROM busybox\nRUN echo same >/out\n"
    first = facts(scratch, text)
    again = facts(scratch, text, "--no-cache")
    assert again["executed"] > 0
    assert again["layers"][-1] == first["layers"][-1]
    # Times in layers are whole seconds: what is made in a later one is another layer.
    for number in range(2, 200):
        other = facts(scratch, text.replace("same >", f"same{' ' * number}>"))
        assert other["contents"] == first["contents"]
        if other["layers"][-1] != first["layers"][-1]:
            return
    pytest.fail("no build ended in another second")


def test_a_store_of_a_version_that_lost_times_gives_no_wrong_image(scratch: Scratch) -> None:
    first = times(scratch, TOUCHED, "-t", "kept")
    with sqlite3.connect(scratch.store / "state.db") as database:
        for table in ("record", "layer"):
            database.execute(f"ALTER TABLE {table} DROP COLUMN content")
        database.execute("ALTER TABLE record DROP COLUMN duration_ns")  # all that came later
        database.execute("ALTER TABLE record ADD COLUMN preimage BLOB NOT NULL DEFAULT x'90'")
        for table in (
            "origins",
            "build",
            "preimage",
            "trace",
            "platform_tag",
            "claimed_layer",
            "manifest_list",
        ):
            database.execute(f"DROP TABLE {table}")
        wrong = database.execute("SELECT layer FROM record WHERE name LIKE '%mkdir /o%'").fetchone()
        database.execute("UPDATE record SET layer = ? WHERE name LIKE '%touch%'", wrong)
        database.execute("UPDATE meta SET version = 3")
    database.close()
    assert scratch.run("fsck").stdout == "clean\n"
    found = times(scratch, TOUCHED)
    assert (found["o/a"], found["o"]) == (1000, 1000)
    assert first["o/a"] == 1000
    done = scratch.run("run", "--rm", "kept", "stat", "-c", "%Y", "/o/a")
    assert done.stdout == "1000\n", done.stderr


@pytest.mark.parametrize("flag", [(), ("--link",)])
def test_a_copy_of_equal_bytes_in_one_build_keeps_both_times(
    scratch: Scratch, flag: tuple[str, ...]
) -> None:
    option = " ".join(flag)
    text = f"""FROM busybox AS one
RUN echo x >/f && touch -d @1000 /f
FROM busybox AS two
RUN echo x >/f && touch -d @2000 /f
FROM busybox AS first
COPY {option} --from=one /f /f
FROM busybox AS second
COPY {option} --from=two /f /f
FROM scratch
COPY --from=first /f /1
COPY --from=second /f /2
"""
    found = times(scratch, text)
    assert (found["1"], found["2"]) == (1000, 2000)


def test_a_mounted_directory_of_a_context_has_its_mode_and_time(scratch: Scratch) -> None:
    (scratch.context / "d").mkdir()
    (scratch.context / "d/file").write_text("x")
    (scratch.context / "d").chmod(0o700)
    os.utime(scratch.context / "d", (1000, 1000))
    text = "FROM busybox\nRUN --mount=source=d,target=/m stat -c '%a %Y' /m >/seen\n"
    assert shown(scratch, text, "seen") == "700 1000\n"
