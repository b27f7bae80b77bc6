"""Images, their names, and the index that other tools read."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.store.image import StoredImage
from jettison.store.images import index_bytes, write_index
from jettison.store.store import Store

MANIFEST = Descriptor("application/vnd.oci.image.manifest.v1+json", sha256_digest(b"m"), 7)


def image(text: bytes, **fields) -> StoredImage:
    return StoredImage(sha256_digest(text), text, (), **fields)


def index_of(store: Store) -> dict[str, str]:
    document = json.loads((store.root / "index.json").read_bytes())
    return {
        each["annotations"]["org.opencontainers.image.ref.name"]: each["digest"]
        for each in document["manifests"]
    }


def test_an_index_lists_manifests_by_name_and_keeps_their_annotations():
    described = msgspec.structs.replace(MANIFEST, annotations={"a": "b"})
    document = json.loads(index_bytes([("x:1", described), ("y:1", MANIFEST)]))
    assert document["schemaVersion"] == 2
    assert document["mediaType"] == "application/vnd.oci.image.index.v1+json"
    assert [each["annotations"] for each in document["manifests"]] == [
        {"a": "b", "org.opencontainers.image.ref.name": "x:1"},
        {"org.opencontainers.image.ref.name": "y:1"},
    ]


def test_an_index_is_replaced_whole(tmp_path: Path):
    write_index(tmp_path / "index.json", [("x:1", MANIFEST)])
    assert (tmp_path / "index.json").read_bytes() == index_bytes([("x:1", MANIFEST)])
    assert [each.name for each in tmp_path.iterdir()] == ["index.json"]


def test_only_named_images_with_a_manifest_are_listed(store):
    built, pulled = image(b"built"), image(b"pulled", manifest=MANIFEST)
    for each in (built, pulled):
        store.images.add(each)
    store.images.tag("b:1", built.id)
    store.images.tag("p:1", pulled.id)
    assert index_of(store) == {"p:1": MANIFEST.digest}
    store.images.add(image(b"built", manifest=MANIFEST))
    assert index_of(store) == {"b:1": MANIFEST.digest, "p:1": MANIFEST.digest}
    assert store.images.untag("p:1")
    assert not store.images.untag("p:1")
    store.images.remove(built.id)
    assert index_of(store) == {}
    assert store.images.lookup("b:1") is None


def test_an_image_that_comes_again_keeps_what_the_new_one_lacks(store):
    store.images.add(image(b"x", manifest=MANIFEST, source="r/x:1", created_ns=5))
    store.images.add(image(b"x", created_ns=9))
    assert store.images.get(sha256_digest(b"x")) == image(
        b"x", manifest=MANIFEST, source="r/x:1", created_ns=5
    )


@pytest.mark.parametrize("damage", [None, b"", b"{}"])
def test_a_damaged_index_is_seen_and_written_again(store, damage):
    store.images.add(image(b"x", manifest=MANIFEST))
    store.images.tag("x:1", sha256_digest(b"x"))
    assert store.images.index_is_current()
    index = store.root / "index.json"
    index.unlink() if damage is None else index.write_bytes(damage)
    assert not store.images.index_is_current()
    store.images.rewrite_index()
    assert store.images.index_is_current()
    assert index_of(store) == {"x:1": MANIFEST.digest}


def test_images_are_found_by_the_begin_of_their_id_which_is_no_pattern(store):
    for text in (b"x", b"y"):
        store.images.add(image(text))
    wanted = sha256_digest(b"x")
    assert [each.id for each in store.images.find(wanted[7:15])] == [wanted]
    assert [each.id for each in store.images.find(wanted[:15])] == [wanted]
    assert len(store.images.find("")) == 2
    assert store.images.find("%") == store.images.find("_") == []
