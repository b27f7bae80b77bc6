"""An image whose texts are escape sequences is shown by every command as text."""

from __future__ import annotations

import gzip
import io
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from image_rig import LayoutFiles
from scratch_rig import Scratch

pytestmark = [pytest.mark.needs_root, pytest.mark.any_user(by_turns=True)]

OCI = "application/vnd.oci.image"
NASTY = "a\x1b[2J\x1b]0;owned\x07b\x9b2J\u202ec\r\x7f\u2066\nd"
UNWANTED = set("\x1b\x07\x9b\u202e\r\x7f\u2066")


def make_layout(path: Path) -> None:
    layout = LayoutFiles(path)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(f"etc/{NASTY[:-3]}"))
    layer = layout.blob(gzip.compress(buffer.getvalue()), f"{OCI}.layer.v1.tar+gzip")
    config = layout.json(
        {
            "architecture": "amd64", "os": "linux", "created": "2020-01-01T00:00:00Z",
            "author": NASTY,
            "config": {"Env": [f"A={NASTY}"], "Labels": {NASTY: NASTY}, "Cmd": [NASTY],
                       "User": "", "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(buffer.getvalue()).hexdigest()}"]},
            "history": [{"created": "2020-01-01T00:00:00Z", "created_by": NASTY,
                         "comment": NASTY, "author": NASTY}],
        },
        f"{OCI}.config.v1+json",
    )  # fmt: skip
    manifest = layout.json(
        {"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": config,
         "layers": [layer], "annotations": {NASTY: NASTY}},
        f"{OCI}.manifest.v1+json",
    )  # fmt: skip
    annotations = {"org.opencontainers.image.ref.name": "hostile:1", NASTY: NASTY}
    layout.index(manifest | {"annotations": annotations})


def test_no_command_lets_an_image_steer_a_terminal(scratch: Scratch) -> None:
    layout = scratch.directory / "layout"
    make_layout(layout)
    said = [scratch.run("load", "-i", layout)]
    assert said[0].returncode == 0, said[0].stderr
    scratch.dockerfile("FROM hostile:1\nCOPY busybox /\n", base=False)
    for argv in (
        ("images",),
        ("images", "--format", "json"),
        ("history", "hostile:1"),
        ("history", "--no-trunc", "hostile:1"),
        ("inspect", "hostile:1"),
        ("inspect", "--format", "{{.Config.Labels}}", "hostile:1"),
        ("build", "--progress=plain", "-t", "made", scratch.context),
        ("build", "--progress=rawjson", "--no-cache", scratch.context),
        ("build", "--progress=tty", "--no-cache", scratch.context),
        ("check", scratch.context),
        ("run", "hostile:1", "/etc/" + NASTY),
        ("provenance", "hostile:1"),
        ("provenance", "made", "/etc/*"),
        ("provenance", "--json", "made"),
        ("provenance", "made", NASTY),
        ("diff", "hostile:1", "made"),
        ("diff", "--json", "made", "hostile:1"),
        ("du",),
        ("rmi", "hostile:1", NASTY),
        ("tag", NASTY, NASTY),
        ("build", "-t", NASTY, scratch.context),
    ):
        said.append(scratch.run(*argv))
    shown = [each.stdout + each.stderr for each in said]
    for done, text in zip(said, shown, strict=True):
        seen = set(text) & (UNWANTED - ({"\x1b"} if "--progress=tty" in done.args else set()))
        assert not seen, (done.args, text)
        assert "\x1b[2J" not in text
        assert "\x1b]0" not in text
        assert "Traceback" not in text
    assert "\\x1b[2J" in shown[4]
