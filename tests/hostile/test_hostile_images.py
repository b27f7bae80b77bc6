"""Images that lie about themselves are refused when they are loaded or when they are used."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import socket
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from scratch_rig import Scratch

pytestmark = [pytest.mark.needs_root, pytest.mark.any_user(by_turns=True)]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def sha(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Image:
    """An OCI layout whose parts a test changes before it is written."""

    def __init__(self, layer: bytes) -> None:
        self.blobs: dict[str, bytes] = {}
        self.layer = self.add(layer, LAYER)
        config = {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [sha(layer)]},
        }
        self.config: dict[str, Any] = config
        self.manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "layers": [self.layer],
        }

    def add(self, data: bytes, kind: str) -> dict[str, Any]:
        self.blobs[sha(data)] = data
        return {"mediaType": kind, "digest": sha(data), "size": len(data)}

    def write(self, place: Path) -> Path:
        self.manifest.setdefault("config", self.add(json.dumps(self.config).encode(), CONFIG))
        entry = self.add(json.dumps(self.manifest).encode(), MANIFEST)
        entry["annotations"] = {
            "org.opencontainers.image.ref.name": "docker.io/library/evil:latest"
        }
        files = {f"blobs/{digest.replace(':', '/')}": data for digest, data in self.blobs.items()}
        files["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
        files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
        with tarfile.open(place, "w") as tar:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return place


def tar_of(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def wrong_digest(image: Image) -> None:
    image.blobs[image.layer["digest"]] = tar_of(other="bytes...")


def wrong_size(image: Image) -> None:
    image.layer["size"] += 1


def lying_diff_id(image: Image) -> None:
    image.config["rootfs"]["diff_ids"] = [sha(b"something else")]


def fewer_diff_ids(image: Image) -> None:
    image.config["rootfs"]["diff_ids"] = []


def huge_manifest(image: Image) -> None:
    image.manifest["annotations"] = {"a": "x" * (80 << 20)}


def manifest_as_layer(image: Image) -> None:
    image.layer["mediaType"] = MANIFEST


def unknown_layer_type(image: Image) -> None:
    image.layer["mediaType"] = "application/x-evil"


def config_of_another_type(image: Image) -> None:
    image.manifest["config"] = image.add(b'{"architecture": 5}', CONFIG)


def negative_size(image: Image) -> None:
    image.layer["size"] = -1


def digest_that_is_a_path(image: Image) -> None:
    image.layer["digest"] = "sha256:../../../../../../../../etc/passwd"


def layer_that_is_cut(image: Image) -> None:
    data = tar_of(file="x" * 5000)[:2000]
    image.manifest["layers"] = [image.add(data, LAYER)]
    image.config["rootfs"]["diff_ids"] = [sha(data)]


@pytest.mark.parametrize(
    "lie",
    [wrong_digest, wrong_size, lying_diff_id, fewer_diff_ids, huge_manifest, manifest_as_layer,
     unknown_layer_type, config_of_another_type, negative_size,
     digest_that_is_a_path, layer_that_is_cut],
    ids=lambda lie: lie.__name__,
)  # fmt: skip
def test_an_image_that_lies_is_refused(scratch: Scratch, lie) -> None:
    image = Image(tar_of(file="content"))
    lie(image)
    done = scratch.run("load", "-i", image.write(scratch.directory / "evil.tar"))
    if done.returncode == 0:  # what only unpacking shows is found there
        scratch.dockerfile("FROM evil\nCOPY --from=evil /file /copied\n", base=False)
        done = scratch.run("build", "--offline", "-q", scratch.context)
    assert done.returncode == 4, done.stderr
    assert "bug in Jettison" not in done.stderr
    checked = scratch.run("fsck")
    assert checked.returncode == 0, checked.stdout


def test_whiteouts_of_the_root_hide_what_is_below_and_nothing_else(scratch: Scratch) -> None:
    layer = tar_of(
        **{".wh..": "", ".wh...": "", "..wh.": "", ".wh..wh..opq": "", "file": "content"}
    )
    done = scratch.run("load", "-i", Image(layer).write(scratch.directory / "evil.tar"))
    if done.returncode == 0:
        scratch.dockerfile("FROM evil\nCOPY --from=evil /file /copied\n", base=False)
        done = scratch.run("build", "--offline", "-q", scratch.context)
    assert done.returncode in {0, 4}, done.stderr
    assert "bug in Jettison" not in done.stderr
    assert (scratch.directory / "context/busybox").exists()


def test_a_layer_bomb_is_cut_where_its_blob_promises_too_much(scratch: Scratch) -> None:
    bomb = gzip.compress(bytes(300 << 20), 9)
    image = Image(tar_of(file="content"))
    image.manifest["layers"] = [image.add(bomb, LAYER + "+gzip")]
    done = scratch.run("load", "-i", image.write(scratch.directory / "evil.tar"))
    if done.returncode == 0:
        scratch.dockerfile("FROM evil\nCOPY --from=evil /file /copied\n", base=False)
        done = scratch.run("build", "--offline", "-q", scratch.context)
    assert done.returncode == 4, done.stderr


def test_an_uncompressed_layer_that_is_labelled_gzip_is_taken_for_what_it_is(
    scratch: Scratch,
) -> None:
    """As in containerd, which looks at the first bytes only."""
    for number, label in enumerate(("+gzip", "+zstd")):
        image = Image(tar_of(file=f"content {number}"))
        image.layer["mediaType"] = LAYER + label
        archive = image.write(scratch.directory / f"{number}.tar")
        assert scratch.run("load", "-i", archive).returncode == 0
        scratch.dockerfile("FROM evil\nCOPY --from=evil /file /copied\n", base=False)
        out = scratch.directory / f"out-{number}"
        flags = ("--offline", "-q", "-o", f"type=local,dest={out}")
        done = scratch.run("build", *flags, scratch.context)
        assert done.returncode == 0, done.stderr
        assert (out / "copied").read_text() == f"content {number}"


def test_contexts_may_hold_links_loops_pipes_and_sockets(scratch: Scratch) -> None:
    context = scratch.context
    (context / "loop").symlink_to("loop")
    (context / "up").symlink_to("..")
    (context / "a").symlink_to("b")
    (context / "b").symlink_to("a")
    (context / "etc").symlink_to("/etc")
    (context / "dir").mkdir()
    (context / "dir/self").symlink_to("../dir")
    os.mkfifo(context / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(context / "socket"))
        done = scratch.build("FROM busybox\nCOPY busybox d* /x/\nRUN ls -la /x\n")
        assert done.returncode == 0, done.stderr
        for source in ("loop", "a", "etc/passwd", "up/host", "../token", "/../../etc/passwd"):
            done = scratch.build(f"FROM busybox\nCOPY {source} /x/\n")
            assert done.returncode == 4, (source, done.stderr)
        for source in ("fifo", "socket"):
            done = scratch.build(f"FROM busybox\nCOPY {source} /x/\nRUN ls /x\n")
            assert done.returncode in {0, 4}, done.stderr
            assert "bug in Jettison" not in done.stderr


def test_files_that_change_while_they_are_copied_never_give_a_mixed_cache(
    scratch: Scratch,
) -> None:
    data = scratch.context / "data"
    data.write_bytes(b"a" * 3_000_000)
    scratch.dockerfile("FROM scratch\nARG N\nCOPY data /data\n", base=False)
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            for byte in (b"b", b"a"):
                with data.open("r+b") as file:
                    file.write(byte * 3_000_000)
                data.with_name("gone").write_bytes(b"")
                data.with_name("gone").unlink()

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(6):
            done = scratch.run("build", "-q", scratch.context)
            assert done.returncode in {0, 4}, done.stderr
    finally:
        stop.set()
        changer.join()
    assert scratch.run("fsck").returncode == 0
    for byte in b"abc":
        data.write_bytes(bytes([byte]) * 3_000_000)
        out = scratch.directory / f"out-{byte}"
        done = scratch.run("build", "-q", "-o", f"type=local,dest={out}", scratch.context)
        assert done.returncode == 0, done.stderr
        assert set((out / "data").read_bytes()) == {byte}
