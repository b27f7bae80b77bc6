"""What is written as an archive or a layout is read back, by the same module."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from image_rig import ignore
from jettison.errors import ExportError, InvalidManifestError
from jettison.image.archive import (
    DockerImage,
    TarBlobSource,
    decode_docker_manifest,
    encode_docker_manifest,
    write_archive,
)
from jettison.image.layout import IMAGE_NAME, LayoutContents, OciLayout
from jettison.layer.limits import ArchiveLimits
from jettison.layer.reader import TarReader
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.layout import blob_name
from jettison.oci.manifest import Descriptor
from jettison.store.layer import image_layer_id
from jettison.store.store import Store

BLOB = b"blob of a layer"
DOCUMENT = b'{"a": "document"}'
ENTRY = Descriptor("application/json", sha256_digest(DOCUMENT), len(DOCUMENT))
LAYER = Descriptor("application/octet-stream", sha256_digest(BLOB), len(BLOB))


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "store") as made:
        made.blobs.put(BLOB)
        yield made


def contents(name: str = "", docker: bytes = b"", layer: Descriptor = LAYER) -> LayoutContents:
    notes = {IMAGE_NAME: name} if name else {}
    entry = Descriptor(ENTRY.media_type, ENTRY.digest, ENTRY.size, annotations=notes)
    layers = ((image_layer_id(sha256_digest(b"tar")), layer, ""),)
    return LayoutContents((entry,), {ENTRY.digest: DOCUMENT}, layers, docker)


def test_an_archive_gives_back_what_was_written(store: Store, tmp_path: Path) -> None:
    images = [DockerImage(blob_name(ENTRY.digest), ("app:1",), (blob_name(LAYER.digest),))]
    sink = io.BytesIO()
    held = contents(docker=encode_docker_manifest(images))
    write_archive(sink, held, store.blobs.path, ignore)
    sink.seek(0)
    with Store.open(tmp_path / "other") as other:
        source = TarBlobSource(other)
        reader = TarReader(sink, ArchiveLimits())
        for entry in reader:
            source.take(reader, entry, ignore)
        assert source.document(ENTRY) == DOCUMENT
        source.fetch(LAYER)
        assert other.blobs.path(LAYER.digest).read_bytes() == BLOB
        assert decode_docker_manifest(source.documents["manifest.json"]) == images
        assert source.documents["index.json"] == held.pointers()["index.json"]


def test_readers_find_the_pointers_before_the_blobs(store: Store) -> None:
    sink = io.BytesIO()
    write_archive(sink, contents(docker=b"[]"), store.blobs.path, ignore)
    sink.seek(0)
    with tarfile.open(fileobj=sink) as tar:
        names = [member.name for member in tar if member.isfile()]
    assert names[:3] == ["oci-layout", "index.json", "manifest.json"]
    assert len(names) == 5


def test_a_blob_of_another_size_is_never_written(store: Store) -> None:
    wrong = Descriptor(LAYER.media_type, LAYER.digest, LAYER.size + 1)
    with pytest.raises(ExportError, match="instead of"):
        write_archive(io.BytesIO(), contents(layer=wrong), store.blobs.path, ignore)


def test_docker_reads_names_as_docker_writes_them() -> None:
    data = encode_docker_manifest([DockerImage("c", None, ("l",)), DockerImage("d", ("x:1",))])
    assert json.loads(data) == [
        {"Config": "c", "RepoTags": None, "Layers": ["l"]},
        {"Config": "d", "RepoTags": ["x:1"], "Layers": []},
    ]
    with pytest.raises(InvalidManifestError, match=r"invalid `manifest\.json`"):
        decode_docker_manifest(b"{")


def test_a_layout_directory_gives_back_what_was_written(store: Store, tmp_path: Path) -> None:
    (tmp_path / "layout").mkdir()
    layout = OciLayout(os.fspath(tmp_path / "layout"))
    layout.write(contents("app:1"), store.blobs.path, ignore)
    assert layout.document(layout.index().manifests[0]) == DOCUMENT
    with layout.open(LAYER.digest) as file:
        assert file.read() == BLOB
    assert sorted(os.listdir(layout.path)) == ["blobs", "index.json", "oci-layout"]


def test_entries_of_a_layout_stay_unless_their_name_is_taken(store: Store, tmp_path: Path) -> None:
    (tmp_path / "layout").mkdir()
    layout = OciLayout(os.fspath(tmp_path / "layout"))
    for name in ("app:1", "app:2", "app:1", ""):
        there = layout.index().manifests if (tmp_path / "layout/index.json").exists() else ()
        layout.write(contents(name), store.blobs.path, ignore, there)
    names = [each.annotations.get(IMAGE_NAME) for each in layout.index().manifests]
    assert names == ["app:2", "app:1", None]


def test_a_blob_has_one_place() -> None:
    assert blob_name(Digest("sha256:" + "a" * 64)) == "blobs/sha256/" + "a" * 64
