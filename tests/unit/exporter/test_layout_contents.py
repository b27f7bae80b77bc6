"""What a layout of images holds: entries, documents, layers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from image_rig import AMD64, ARM64, Rig, ignore
from jettison.exporter.layout_contents import build_set, fetch_layers, layout_contents
from jettison.exporter.options import ImageOptions
from jettison.exporter.outputs import Annotation
from jettison.image.manifest import Compression
from jettison.oci.reference import parse_reference

NAMES = [parse_reference("a:1"), parse_reference("r.example.org/b:2")]


@pytest.fixture
def rig(tmp_path: Path):
    with Rig(tmp_path / "store") as opened:
        yield opened


def test_an_image_alone_is_its_manifest(rig):
    image = rig.image({"a": "1"}, {"b": "2"})
    made = build_set(rig.services, [image], ImageOptions(), oci=None)
    (built,) = made.manifests
    assert made.root == built.descriptor
    assert made.index_data == b""
    assert built.config.digest == image.id
    assert len(built.layers) == 2


def test_images_of_several_platforms_have_an_index_and_notes_go_where_they_belong(rig):
    images = [rig.image({"a": "1"}, platform=each) for each in (AMD64, ARM64)]
    options = ImageOptions(
        annotations=(
            Annotation("all", "1"),
            Annotation("arm", "2", "manifest", "linux/arm64"),
            Annotation("described", "3", "manifest-descriptor"),
            Annotation("index", "4", "index"),
        )
    )
    made = build_set(rig.services, images, options, oci=None)
    index = json.loads(made.index_data)
    assert [each["platform"]["architecture"] for each in index["manifests"]] == ["amd64", "arm64"]
    assert index["annotations"] == {"index": "4"}
    assert [each["annotations"] for each in index["manifests"]] == [{"described": "3"}] * 2
    notes = [json.loads(each.data)["annotations"] for each in made.manifests]
    assert notes == [{"all": "1"}, {"all": "1", "arm": "2"}]


def test_docker_s_media_types_have_no_zstd(rig):
    options = ImageOptions(compression=Compression("zstd"))
    made = build_set(rig.services, [rig.image({"a": "1"})], options, oci=False)
    assert made.root.media_type == "application/vnd.oci.image.manifest.v1+json"
    docker = build_set(rig.services, [rig.image({"a": "1"})], ImageOptions(), oci=False)
    assert docker.root.media_type == "application/vnd.docker.distribution.manifest.v2+json"


def test_a_layout_has_an_entry_for_each_name_and_each_blob_once(rig):
    image = rig.image({"a": "1"}, {"b": "2"})
    images = build_set(rig.services, [image], ImageOptions(), oci=None)
    sets = [(images, NAMES), (images, [])]
    made = layout_contents(sets, {"extra": "x"}, docker=True)
    assert [each.annotations for each in made.entries] == [
        {
            "extra": "x",
            "io.containerd.image.name": str(name),
            "org.opencontainers.image.ref.name": name.tag,
        }
        for name in NAMES
    ] + [{"extra": "x"}]
    assert len(made.layers) == 2
    assert made.documents.keys() == {image.id, images.root.digest}
    pointers = json.loads(made.docker)
    assert [each["RepoTags"] for each in pointers] == [["a:1", "r.example.org/b:2"], None]
    assert pointers[0]["Config"] == f"blobs/sha256/{image.id.partition(':')[2]}"
    assert layout_contents(sets, {}, docker=False).docker == b""
    fetch_layers(rig.services, made, ignore)
    assert all(rig.store.blobs.has(descriptor.digest) for _, descriptor, _ in made.layers)
