"""Loading archives, good and hostile."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archive_rig import zstd
from image_rig import AMD64, ARM64, Rig, ignore, read_tree
from jettison.errors import ImageNotFoundError, InvalidReferenceError, JettisonError, SourceError
from jettison.exporter.save import save_images
from jettison.image.load import load

FILES = {"hello": "world", "bin/tool": b"\x7fELF" + bytes(200_000)}


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "store") as made:
        yield made


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A docker archive of one image, ``app:1``."""
    with Rig(tmp_path / "origin") as origin:
        image = origin.image(FILES, {"second": "x"})
        origin.store.images.tag("docker.io/library/app:1", image.id)
        save_images([("app:1", [image])], str(tmp_path / "app.tar"), origin.services)
    return tmp_path / "app.tar"


def blobs_of(rig: Rig) -> set[str]:
    return {path.name for path in (rig.store.root / "blobs/sha256").iterdir()}


def classic(*layers: bytes, tags: object = ("old:1",), **changes: object) -> dict[str, bytes]:
    """Return the members of an archive as docker before 25 saves it."""
    diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    config = json.dumps(
        {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    ).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    members = {f"{n}/layer.tar": layer for n, layer in enumerate(layers)}
    entry = {"Config": name, "RepoTags": tags, "Layers": list(members), **changes}
    return {**members, name: config, "manifest.json": json.dumps([entry]).encode()}


def tar_of(members: dict[str, bytes], *, links: dict[str, str] | None = None) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return sink.getvalue()


LAYER = tar_of({"etc/motd": b"welcome"})


@pytest.mark.parametrize(
    "wrap",
    [bytes, gzip.compress, bz2.compress, lzma.compress, zstd.compress],
    ids=lambda f: f.__module__,
)
def test_archives_of_any_compression_come_from_a_stream(
    rig, archive: Path, wrap: Callable[[bytes], bytes]
):
    class Pipe(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self.data = data

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            data, self.data = self.data[:size], self.data[size:]
            return data

    (loaded,) = load(rig.store, Pipe(wrap(archive.read_bytes())), AMD64)
    assert loaded.names == ("docker.io/library/app:1",)
    assert rig.store.images.lookup("docker.io/library/app:1").id == loaded.image.id
    first, second = rig.blobs.materialise(tuple(layer.layer for layer in loaded.image.layers))
    assert read_tree(first)["hello"] == b"world"
    assert read_tree(second) == {"second": b"x"}


def test_classic_docker_archives_load(rig):
    (loaded,) = load(rig.store, io.BytesIO(tar_of(classic(LAYER))), AMD64)
    assert loaded.names == ("docker.io/library/old:1",)
    (files,) = rig.blobs.materialise((loaded.image.layers[0].layer,))
    assert read_tree(files) == {"etc/motd": b"welcome"}


def test_links_to_layers_are_followed_inside_the_archive(rig):
    members = classic(LAYER, Layers=["copy/layer.tar"])
    data = tar_of(members, links={"copy/layer.tar": "../0/layer.tar"})
    (loaded,) = load(rig.store, io.BytesIO(data), AMD64)
    rig.blobs.materialise((loaded.image.layers[0].layer,))


def test_layers_may_be_compressed(rig):
    members = classic(LAYER)
    members["0/layer.tar"] = gzip.compress(LAYER)
    (loaded,) = load(rig.store, io.BytesIO(tar_of(members)), AMD64)
    rig.blobs.materialise((loaded.image.layers[0].layer,))


def test_a_name_is_given_to_the_only_image(rig, archive: Path):
    (loaded,) = load(rig.store, archive, AMD64, name="other:2")
    assert loaded.names == ("docker.io/library/app:1", "docker.io/library/other:2")


def test_blobs_that_nothing_names_are_not_kept(rig):
    members = {"blobs/junk": os.urandom(1000), **classic(LAYER), "notes.txt": b"hello"}
    load(rig.store, io.BytesIO(tar_of(members)), AMD64)
    assert blobs_of(rig) == {hashlib.sha256(LAYER).hexdigest()}


def test_what_is_there_already_is_not_lost_by_a_failing_load(rig, archive: Path):
    load(rig.store, archive, AMD64)
    before = blobs_of(rig)
    broken = archive.read_bytes()[: archive.stat().st_size // 2]
    with pytest.raises(JettisonError):
        load(rig.store, io.BytesIO(broken), AMD64)
    assert blobs_of(rig) == before


def test_directories_load_eagerly(rig, tmp_path: Path):
    with Rig(tmp_path / "origin") as origin:
        image = origin.image(FILES)
        exporter = origin.exporter("oci", tmp_path / "layout", tar="false", name="app:1")
        exporter.export([image], ignore)
    (loaded,) = load(rig.store, tmp_path / "layout", AMD64)
    (tmp_path / "layout").rename(tmp_path / "away")
    rig.blobs.materialise((loaded.image.layers[0].layer,))
    assert rig.store.blobs.has(loaded.image.manifest.digest)


def test_of_several_platforms_the_wanted_one_is_loaded(rig, tmp_path: Path):
    with Rig(tmp_path / "origin") as origin:
        images = [origin.image(FILES, platform=each) for each in (AMD64, ARM64)]
        exporter = origin.exporter("oci", tmp_path / "x.tar", name="app:1")
        exporter.export(images, ignore)
    (loaded,) = load(rig.store, tmp_path / "x.tar", ARM64)
    assert loaded.image.id == images[1].id


@pytest.mark.parametrize("name", ["latest", "3.11"])
def test_a_bare_tag_names_nothing(rig, tmp_path: Path, name):
    with Rig(tmp_path / "origin") as origin:
        note = {"annotation-index-descriptor.org.opencontainers.image.ref.name": name}
        exporter = origin.exporter("oci", tmp_path / "layout", tar="false", **note)
        exporter.export([origin.image(FILES)], ignore)
    (loaded,) = load(rig.store, tmp_path / "layout", AMD64)
    assert loaded.names == ()


HOSTILE = {
    "empty": b"",
    "no archive": b"hello" * 1000,
    "no image": tar_of({"readme": b""}),
    "no images": tar_of({"manifest.json": b"[]"}),
    "no JSON": tar_of({"manifest.json": b"{"}),
    "wrong shape": tar_of({"manifest.json": b'[{"Config": 7}]'}),
    "missing config": tar_of({"manifest.json": b'[{"Config": "x.json", "Layers": []}]'}),
    "config outside": tar_of(
        {"manifest.json": b'[{"Config": "../../../etc/passwd", "Layers": []}]'}
    ),
    "missing layer": tar_of(classic(LAYER, Layers=["nowhere/layer.tar"])),
    "too few layers": tar_of(classic(LAYER, Layers=[])),
    "other layer": tar_of({**classic(LAYER), "0/layer.tar": tar_of({"x": b"y"})}),
    "bad name": tar_of(classic(LAYER, tags=["UPPER CASE"])),
    "name with digest": tar_of(classic(LAYER, tags=["a@sha256:" + "0" * 64])),
    "huge document": tar_of({"manifest.json": b" " * (5 << 20)}),
    "link loop": tar_of(classic(LAYER, Layers=["a"]), links={"a": "b", "b": "a"}),
    "link outside": tar_of(classic(LAYER, Layers=["a"]), links={"a": "/etc/passwd"}),
    "wrong blob": tar_of({"blobs/sha256/" + "0" * 64: b"x", "index.json": b'{"manifests": []}'}),
    "empty index": tar_of({"index.json": b'{"schemaVersion": 2, "manifests": []}'}),
    "missing blob": tar_of(
        {
            "index.json": json.dumps(
                {
                    "manifests": [
                        {
                            "mediaType": "application/vnd.oci.image.manifest.v1+json",
                            "digest": "sha256:" + "0" * 64,
                            "size": 7,
                        }
                    ]
                }
            ).encode()
        }
    ),
    "deep JSON": tar_of({"index.json": b"[" * 100_000}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_archives_are_refused_and_leave_nothing(rig, kind):
    with pytest.raises(JettisonError) as raised:
        load(rig.store, io.BytesIO(HOSTILE[kind]), AMD64)
    assert raised.value.exit_status == 4
    assert blobs_of(rig) == set()
    assert rig.store.images.all() == []


def test_an_index_that_names_itself_ends(rig, tmp_path: Path):
    kind = "application/vnd.oci.image.index.v1+json"
    inner = b'{"schemaVersion":2,"manifests":[]}'
    members = {}
    for _ in range(6):
        name = hashlib.sha256(inner).hexdigest()
        members[f"blobs/sha256/{name}"] = inner
        entry = {"mediaType": kind, "digest": f"sha256:{name}", "size": len(inner)}
        entry["platform"] = {"architecture": "amd64", "os": "linux"}
        inner = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    with pytest.raises(JettisonError, match="nested too deeply"):
        load(rig.store, io.BytesIO(tar_of({**members, "index.json": inner})), AMD64)


def test_several_images_take_no_single_name(rig, tmp_path: Path):
    with Rig(tmp_path / "origin") as origin:
        images = [("x", [origin.image({"a": str(n)})]) for n in range(2)]
        save_images(images, str(tmp_path / "x.tar"), origin.services)
    with pytest.raises(InvalidReferenceError, match="holds 2 images"):
        load(rig.store, tmp_path / "x.tar", AMD64, name="one:1")


def test_a_file_that_is_not_there_is_told(rig, tmp_path: Path):
    with pytest.raises(SourceError, match="no such file"):
        load(rig.store, tmp_path / "nothing.tar", AMD64)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageNotFoundError, match="not an OCI image layout"):
        load(rig.store, tmp_path / "empty", AMD64)


def test_a_device_is_no_archive(rig) -> None:
    with pytest.raises(SourceError, match="it is a device"):
        load(rig.store, Path("/dev/zero"), AMD64)
