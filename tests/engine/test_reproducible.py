"""With SOURCE_DATE_EPOCH an image is the same wherever and whenever it is built."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from scratch_rig import Scratch

EPOCH = 1_500_000_000
TEXT = """FROM busybox
WORKDIR /made/here
COPY dir /dir
COPY --chown=1:2 dir/old /old
ADD archive.tar /archive
RUN mkdir -p /run/x && echo x >/run/x/file && ln -s file /run/x/link && touch -d @1000 /run/x/old
RUN rm /dir/gone && chmod 700 /dir && touch -d @1000 /tmp
"""


def fill(context: Path) -> None:
    (context / "dir").mkdir()
    for name in ("new", "old", "gone"):
        (context / "dir" / name).write_text(name)
        (context / "dir" / name).chmod(0o644)
    (context / "dir").chmod(0o755)
    os.utime(context / "dir/old", (1000, 1000))
    member = context.parent / "member"
    member.write_text("member")
    os.utime(member, (2_000_000_000, 2_000_000_000))
    with tarfile.open(context / "archive.tar", "w") as archive:
        archive.add(member, "member")
    (context / "archive.tar").chmod(0o644)


def built(scratch: Scratch, *flags: str, text: str = TEXT, **env: str) -> dict[str, Any]:
    told = scratch.directory / "facts.json"
    done = scratch.build(text, "--metadata-file", str(told), *flags, env=env)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(told.read_text()))


def members(scratch: Scratch, *flags: str, attributes: str = "", **env: str) -> dict[str, int]:
    """Build a layout; return the times of the members of all layers."""
    out = scratch.directory / "out"
    shutil.rmtree(out, ignore_errors=True)
    built(scratch, "-o", f"type=oci,tar=false,dest={out}{attributes}", *flags, **env)
    found = {}
    index = json.loads((out / "index.json").read_text())
    manifest = json.loads(_blob(out, index["manifests"][0]["digest"]).read_text())
    for layer in manifest["layers"]:
        with tarfile.open(_blob(out, layer["digest"])) as archive:
            found |= {member.name.strip("/"): int(member.mtime) for member in archive}
    return found


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


@pytest.fixture
def filled(scratch: Scratch) -> Scratch:
    fill(scratch.context)
    return scratch


def test_two_fresh_stores_and_places_make_one_image(filled: Scratch) -> None:
    other = Scratch(filled.directory / "another place", str(filled.context / "busybox"))
    fill(other.context)
    ways = ((filled, ("--snapshotter", "overlay")), (other, ("--snapshotter", "copy")))
    found = []
    for scratch, flags in ways:
        output = f"type=oci,dest={scratch.directory}/image.tar"
        told = built(scratch, *flags, "-o", output, SOURCE_DATE_EPOCH=str(EPOCH))
        found.append((told["jettison"]["image_id"], told["containerimage.digest"]))
        data = (scratch.directory / "image.tar").read_bytes()
        again = built(scratch, "-o", output, "--build-arg", f"SOURCE_DATE_EPOCH={EPOCH}")
        assert again["jettison"]["executed"] == 0
        assert (scratch.directory / "image.tar").read_bytes() == data
    assert found[0] == found[1]


def test_no_file_is_later_and_older_ones_keep_their_times(filled: Scratch) -> None:
    found = members(filled, SOURCE_DATE_EPOCH=str(EPOCH))
    assert found["archive/member"] == found["dir/new"] == found["made/here"] == EPOCH
    assert found["dir/old"] == found["old"] == found["run/x/old"] == found["tmp"] == 1000
    assert max(found.values()) == EPOCH
    assert found["dir/.wh.gone"] == 0


@pytest.mark.parametrize("kind", ["local", "tar"])
def test_plain_files_have_these_times_too(filled: Scratch, kind: str) -> None:
    out = filled.directory / "plain"
    built(filled, "-o", f"type={kind},dest={out}", SOURCE_DATE_EPOCH=str(EPOCH))
    if kind == "local":
        found = {name: int((out / name).stat().st_mtime) for name in ("dir/new", "dir/old")}
    else:
        with tarfile.open(out) as archive:
            found = {m.name: int(m.mtime) for m in archive if m.name in {"dir/new", "dir/old"}}
    assert found == {"dir/new": EPOCH, "dir/old": 1000}


def test_an_output_can_leave_times_alone(filled: Scratch) -> None:
    found = members(filled, attributes=",rewrite-timestamp=false", SOURCE_DATE_EPOCH=str(EPOCH))
    assert found["dir/new"] > EPOCH
    assert members(filled)["dir/new"] == found["dir/new"]
    rewritten = members(filled, attributes=",rewrite-timestamp=true", SOURCE_DATE_EPOCH=str(EPOCH))
    assert rewritten["dir/new"] == EPOCH


@pytest.mark.parametrize("kind", ["image", "registry", "oci", "docker", "local", "tar"])
def test_every_output_takes_the_attribute(filled: Scratch, kind: str) -> None:
    done = filled.build(TEXT, "-t", "x", "-o", f"type={kind},dest=/x,rewrite-timestamp=maybe")
    assert "neither true nor false" in done.stderr


def test_files_of_the_base_image_keep_their_times(filled: Scratch) -> None:
    base = filled.directory / "base"
    built(filled, "-o", f"type=oci,tar=false,dest={base}", text="FROM busybox\nRUN echo b >/b\n")
    os.utime(filled.context / "dir/new", (2_000_000_000, 2_000_000_000))
    out = filled.directory / "files.tar"
    flags = ("--build-context", f"base=oci-layout://{base}", "-o", f"type=tar,dest={out}")
    built(filled, *flags, text="FROM base\nCOPY dir/new /new\n", SOURCE_DATE_EPOCH=str(EPOCH))
    with tarfile.open(out) as archive:
        found = {member.name: int(member.mtime) for member in archive}
    assert found["b"] > EPOCH
    assert found["new"] == EPOCH


def test_a_rewritten_image_runs_is_saved_and_built_on(filled: Scratch) -> None:
    built(filled, "-t", "once", SOURCE_DATE_EPOCH=str(EPOCH))
    done = filled.run("run", "--rm", "once", "stat", "-c", "%Y", "/dir/new")
    assert done.stdout == f"{EPOCH}\n", done.stderr
    saved = filled.directory / "saved.tar"
    assert filled.run("save", "-o", saved, "once").returncode == 0
    assert filled.run("fsck").stdout == "clean\n"
    zstd = members(filled, attributes=",compression=uncompressed", SOURCE_DATE_EPOCH=str(EPOCH))
    assert zstd["dir/new"] == EPOCH
