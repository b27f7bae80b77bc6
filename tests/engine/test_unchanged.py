"""Steps that change nothing store nothing: neither in the image nor on disk."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest

from scratch_rig import Scratch

WAYS = {
    "overlay": ("--snapshotter", "overlay"),
    "fuse-overlayfs": ("--snapshotter", "fuse-overlayfs"),
    "copy": ("--snapshotter", "copy"),
    "in-container": ("--isolation", "in-container"),
}


def layers_of(scratch: Scratch, text: str, *flags: str) -> list[list[str]]:
    """Build; return the names in each layer, which are those of its snapshot."""
    out, told = scratch.directory / "out", scratch.directory / "facts.json"
    output = f"type=oci,tar=false,dest={out},compression=none"
    done = scratch.build(text, "-o", output, "--metadata-file", str(told), *flags)
    assert done.returncode == 0, done.stderr
    index = json.loads((out / "index.json").read_text())
    manifest = json.loads(blob(out, index["manifests"][0]["digest"]).read_text())
    made = json.loads(told.read_text())["jettison"]["layers"]
    found = []
    for layer, descriptor in zip(made, manifest["layers"], strict=True):
        with tarfile.open(blob(out, descriptor["digest"])) as archive:
            found.append(sorted(member.name.strip("/") for member in archive))
        kept = scratch.store / f"snapshots/c{layer.rpartition(':')[2]}/fs"
        assert len(found[-1]) == len(list(kept.rglob("*")))
    return found


def last_layer(scratch: Scratch, text: str) -> list[str]:
    return layers_of(scratch, text)[-1]


def blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


SAME_AGAIN = "rm -r /d/e && mkdir /d/e && echo c >/d/e/c && touch -d @1000 /d/e/c /d/e && chown 5:5 /d/e /d/e/c"
STEPS: dict[str, list[str]] = {
    ": >>/etc/f": [],
    "chown -R 5:5 /d": [],
    "chown -R 0:0 /bin": [],
    "chmod 0640 /d/a; chmod 0755 /d /d/e": [],
    "mv /d/a /etc/a && mv /etc/a /d/a": [],
    "echo x >/d/x && rm /d/x": [],
    "echo a >/d/a && touch -d @1000 /d/a": [],
    SAME_AGAIN: [],
    "chown -R 5:5 /d && echo b >>/d/e/c": ["d", "d/e", "d/e/c"],
    "echo b >/d/a && touch -d @1000 /d/a": ["d", "d/a"],
    "touch -d @1001 /d/a": ["d", "d/a"],
    "touch -d @1001 /d/e": ["d", "d/e"],
    "chmod 600 /d/a": ["d", "d/a"],
    "chown -h 7 /d/l": ["d", "d/l"],
    "ln /d/a /d/n": ["d", "d/a", "d/n"],
    "rm -r /d/e && mkdir /d/e && touch -d @1000 /d/e && chown 5:5 /d/e": ["d", "d/e", "d/e/.wh.c"],
    "echo x >/d/m && touch -d @1000 /d/m && cp -p /d/m /d/c": ["d", "d/c", "d/m"],
    "ln -f /d/m /d/c": ["d", "d/c", "d/m"],
}
BASE = """FROM busybox
RUN mkdir -p /d/e && echo a >/d/a && echo a >/d/b && echo c >/d/e/c && ln -s a /d/l \\
 && ln /d/b /d/b2 && chmod 640 /d/a /d/b && chown -R 5:5 /d && chown -h 5:5 /d/l \\
 && echo f >/etc/f && touch -d @1000 /d/a /d/b /d/e/c /d/e
"""


@pytest.mark.needs_root
@pytest.mark.parametrize("way", WAYS)
def test_a_layer_holds_what_a_step_changed(
    scratch: Scratch, way: str, request: pytest.FixtureRequest
) -> None:
    if way == "fuse-overlayfs":
        request.getfixturevalue("need")("fuse-overlayfs")
    text = BASE + "".join(f"RUN {step}\n" for step in STEPS)
    found = layers_of(scratch, text, *WAYS[way])
    assert dict(zip(STEPS, found[-len(STEPS) :], strict=True)) == STEPS


COPIES = {
    "all again": ("COPY d /d\nCOPY d /d", []),
    "a part again": ("COPY . /\nCOPY d /d", []),
    "with an owner": ("COPY --chown=3:4 d /d\nCOPY --chown=3:4 d /d", []),
    "of a stage": ("COPY --from=made /o /o\nCOPY --from=made /o /o", []),
    "an archive": ("ADD t.tar /t/\nADD t.tar /t/", []),
    "one changed": ("COPY d /d\nCOPY other /d", ["d", "d/a"]),
    "other owners": ("COPY d /d\nCOPY --chown=1 d /d", ["d", "d/a", "d/b", "d/e", "d/e/c", "d/h"]),
    "over what a step changed": (
        "COPY d /d\nRUN echo x >>/d/a && touch -d @1000 /d/a\nCOPY d /d",
        ["d", "d/a"],
    ),
}


def fill(context: Path) -> None:
    (context / "d/e").mkdir(parents=True)
    for name in ("d/a", "d/b", "d/e/c"):
        (context / name).write_text(name)
    (context / "d/h").hardlink_to(context / "d/b")
    (context / "other").mkdir()
    (context / "other/a").write_text("d/A")
    for path in (*context.rglob("*/*"), context / "d", context / "other"):
        os.utime(path, (1000, 1000))
    with tarfile.open(context / "t.tar", "w") as archive:
        archive.add(context / "d", "d")


@pytest.mark.needs_root
def test_copies_of_what_is_there_make_empty_layers(scratch: Scratch) -> None:
    fill(scratch.context)
    made = (
        "FROM busybox AS made\nRUN mkdir -p /o/e && echo a >/o/a && echo b >/o/e/b\nFROM busybox\n"
    )
    found = {name: last_layer(scratch, made + steps) for name, (steps, _) in COPIES.items()}
    assert found == {name: names for name, (_, names) in COPIES.items()}


@pytest.mark.needs_root
def test_what_a_copy_left_out_is_there_on_another_base(scratch: Scratch) -> None:
    """The cache must not put a layer that relies on its base onto one that lacks the files."""
    fill(scratch.context)
    last_layer(scratch, "FROM busybox\nCOPY d /d\nCOPY d /d\n")
    assert "d/a" in last_layer(scratch, "FROM busybox\nRUN mkdir /d\nCOPY d /d\n")
    names = last_layer(scratch, "FROM busybox\nCOPY d /d\nRUN rm /d/b\nCOPY d /d\n")
    assert "d/b" in names
    # A copy that keeps digests of its files, and an earlier layer which lacks some of them.
    for number in range(300):
        (scratch.context / f"d/f{number}").write_text(f"{number}\n")
    last_layer(scratch, "FROM busybox\nCOPY d /d\nCOPY d /d\n")
    (scratch.context / "d/f7").write_text("new\n")
    assert last_layer(scratch, "FROM busybox\nCOPY d /d\nCOPY d /d\n") == []
