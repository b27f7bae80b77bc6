"""Manifest lists under names."""

from __future__ import annotations

from pathlib import Path

from image_rig import Rig
from jettison.image.lists import find_list, listed_blobs
from jettison.oci.codec import encode
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor, Index
from jettison.oci.mediatype import OCI_INDEX, OCI_MANIFEST
from jettison.store.lists import StoredList

NAME = "docker.io/library/app:1"


def test_a_list_is_kept_until_its_name_gets_an_image_or_none(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        image = rig.image({"a": "b"})
        made = StoredList(encode(Index(())), OCI_INDEX)
        lists, images = rig.store.lists, rig.store.images
        lists.put(NAME, made)
        assert lists.get(NAME) == made
        assert find_list(rig.store, "app:1")[0] == NAME
        images.tag(NAME, image.id)
        assert lists.get(NAME) is None
        lists.put(NAME, made)
        images.tag(NAME, image.id)  # the same image again
        assert lists.get(NAME) is None
        lists.put(NAME, made)
        images.untag(NAME)
        assert lists.all() == {}
        images.tag(NAME, image.id)
        lists.put(NAME, made)
        images.remove(image.id)
        assert lists.get(NAME) is None
        assert not lists.remove(NAME)


def test_what_a_list_names_is_needed(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        layer = rig.store.blobs.put(b"layer")
        lies = rig.store.blobs.put(b"not json")
        manifest = (
            f'{{"config":{{"mediaType":"x","digest":"{layer}","size":5}},"layers":[]}}'.encode()
        )
        inner = rig.store.blobs.put(manifest)
        gone = sha256_digest(b"gone")
        named = tuple(Descriptor(OCI_MANIFEST, each, 9) for each in (inner, gone, lies))
        rig.store.lists.put(NAME, StoredList(encode(Index(named)), OCI_INDEX))
        assert listed_blobs(rig.store) == {layer, inner, gone, lies}
