"""Images, their names, and what is known about layers."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.oci.codec import decode
from jettison.oci.digest import Digest, sha256_digest, short
from jettison.oci.manifest import Descriptor, Index
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId, StoredLayer, image_layer_id
from jettison.store.layers import Blob, LayerFacts, packed_name
from jettison.store.store import Store

CONTENT = LayerId("content:" + sha256_digest(b"content"))
NAME = "docker.io/library/app:1"


def image(text: str = "config", **changes: object) -> StoredImage:
    diff_id = sha256_digest(text.encode() + b" layer")
    facts = {
        "id": sha256_digest(text.encode()),
        "config": text.encode(),
        "layers": (StoredLayer(layer=image_layer_id(diff_id), diff_id=diff_id),),
        "created_ns": 7,
    }
    return StoredImage(**{**facts, **changes})  # type: ignore[arg-type]


def manifest(text: bytes = b"manifest") -> Descriptor:
    return Descriptor(
        media_type="application/vnd.oci.image.manifest.v1+json",
        digest=sha256_digest(text),
        size=len(text),
    )


def layout(store: Store) -> dict[str, Digest]:
    """What another tool reads in the store's ``index.json``."""
    index = decode(Index, (store.root / "index.json").read_bytes())
    key = "org.opencontainers.image.ref.name"
    return {each.annotations[key]: each.digest for each in index.manifests}


def test_an_image_comes_back_by_id_name_and_prefix(store: Store) -> None:
    stored = image(manifest=manifest(), source="docker.io/library/app:1")
    store.images.add(stored)
    store.images.tag(NAME, stored.id)
    assert store.images.get(stored.id) == stored
    assert store.images.lookup(NAME) == stored
    assert store.images.find(short(stored.id)) == [stored]
    assert store.images.find(stored.id) == [stored]
    assert store.images.all() == [stored]
    assert store.images.tags() == {NAME: stored.id}
    assert store.images.tags_of(stored.id) == [NAME]


def test_what_is_unknown_is_none(store: Store) -> None:
    assert store.images.get(sha256_digest(b"unknown")) is None
    assert store.images.lookup("docker.io/library/none:1") is None
    assert store.images.find("%") == store.images.find("abc_") == []
    assert not store.images.untag("docker.io/library/none:1")


def test_a_short_prefix_may_mean_several(store: Store) -> None:
    stored = [image(str(number)) for number in range(40)]
    for each in stored:
        store.images.add(each)
    for digit in "0123456789abcdef":
        expected = sorted(each.id for each in stored if each.id.startswith(f"sha256:{digit}"))
        assert [each.id for each in store.images.find(digit)] == expected


def test_the_newest_image_is_listed_first(store: Store) -> None:
    for number in (1, 3, 2):
        store.images.add(image(str(number), created_ns=number))
    assert [each.created_ns for each in store.images.all()] == [3, 2, 1]


def test_a_name_moves(store: Store) -> None:
    old, new = image("old"), image("new")
    store.images.add(old)
    store.images.add(new)
    store.images.tag(NAME, old.id)
    store.images.tag(NAME, new.id)
    assert store.images.lookup(NAME) == new
    assert store.images.tags_of(old.id) == []
    assert store.images.get(old.id) == old


def test_a_removed_image_takes_its_names_with_it(store: Store) -> None:
    stored = image(manifest=manifest())
    store.images.add(stored)
    store.images.tag(NAME, stored.id)
    store.images.tag("docker.io/library/app:2", stored.id)
    store.images.remove(stored.id)
    assert store.images.get(stored.id) is None
    assert store.images.tags() == {}
    assert layout(store) == {}


def test_adding_again_keeps_what_the_new_facts_lack(store: Store) -> None:
    store.images.add(image(manifest=manifest(), source="docker.io/library/app:1"))
    store.images.add(image(created_ns=99))
    found = store.images.get(image().id)
    assert found == image(manifest=manifest(), source="docker.io/library/app:1")
    store.images.add(image(manifest=manifest(b"other"), source="elsewhere/app:1"))
    found = store.images.get(image().id)
    assert found == image(manifest=manifest(b"other"), source="elsewhere/app:1")


def test_the_store_is_an_oci_layout_of_all_named_images_with_manifests(store: Store) -> None:
    assert layout(store) == {}
    pulled, built = image("pulled", manifest=manifest()), image("built")
    store.images.add(pulled)
    store.images.add(built)
    assert layout(store) == {}
    store.images.tag(NAME, pulled.id)
    store.images.tag("docker.io/library/built:1", built.id)
    assert layout(store) == {NAME: manifest().digest}
    store.images.add(image("built", manifest=manifest(b"exported")))
    assert layout(store) == {
        NAME: manifest().digest,
        "docker.io/library/built:1": manifest(b"exported").digest,
    }
    assert store.images.untag(NAME)
    assert list(layout(store)) == ["docker.io/library/built:1"]


def test_what_a_registry_said_is_remembered_by_platform(store: Store) -> None:
    store.images.remember_manifest(NAME, "linux/amd64", manifest().digest)
    assert store.images.manifest_for(NAME, "linux/amd64") == manifest().digest
    assert store.images.manifest_for(NAME, "linux/arm64") is None
    store.images.remember_manifest(NAME, "linux/amd64", manifest(b"newer").digest)
    assert store.images.manifest_for(NAME, "linux/amd64") == manifest(b"newer").digest


def test_an_image_layers_name_is_its_diff_id(store: Store) -> None:
    diff_id = sha256_digest(b"tar")
    layer = store.layers.find(image_layer_id(diff_id))
    assert (layer.diff_id, layer.content, layer.is_given) == (diff_id, layer.id, True)


def test_the_diff_id_of_a_change_is_known_once_it_was_packed(store: Store) -> None:
    assert store.layers.find(CONTENT).diff_id is None
    store.layers.set_diff_id(CONTENT, sha256_digest(b"tar"))
    assert store.layers.find(CONTENT).diff_id == sha256_digest(b"tar")
    assert not store.layers.find(CONTENT).is_given


def test_a_layer_is_what_it_was_when_it_was_asked(store: Store) -> None:
    layer = store.layers.find(CONTENT)
    assert layer.diff_id is None
    store.layers.set_diff_id(CONTENT, sha256_digest(b"tar"))
    assert layer.diff_id is None
    with pytest.raises(AttributeError):
        layer.id = image_layer_id(sha256_digest(b"other"))  # type: ignore[misc]


def test_facts_and_diff_ids_do_not_overwrite_each_other(store: Store) -> None:
    assert store.layers.find(CONTENT).facts is None
    store.layers.set_diff_id(CONTENT, sha256_digest(b"tar"))
    assert store.layers.find(CONTENT).facts is None
    store.layers.set_facts(CONTENT, LayerFacts(size_bytes=5, entries=2))
    store.layers.set_diff_id(CONTENT, sha256_digest(b"tar"))
    found = store.layers.find(CONTENT)
    assert (found.facts, found.diff_id) == (LayerFacts(5, 2), sha256_digest(b"tar"))


def test_steps_on_a_change_are_keyed_by_what_it_holds_or_by_its_tar(store: Store) -> None:
    assert store.layers.find(CONTENT).content == CONTENT
    store.layers.set_diff_id(CONTENT, sha256_digest(b"tar"))
    assert store.layers.find(CONTENT).content == image_layer_id(sha256_digest(b"tar"))
    store.layers.set_facts(CONTENT, LayerFacts(1, 1), "sha256:abc")
    assert store.layers.find(CONTENT).content == "content:sha256:abc"


def test_an_image_layer_with_other_times_is_packed_like_our_own(store: Store) -> None:
    layer = image_layer_id(sha256_digest(b"tar"))
    store.layers.set_facts(layer, LayerFacts(1, 1), "sha256:abc")
    assert not store.layers.find(layer).is_given


def test_a_blob_counts_only_while_it_is_here(store: Store) -> None:
    data = b"compressed"
    store.layers.add_blob(CONTENT, sha256_digest(b"tar"), manifest(data), "gzip")
    assert store.layers.find(CONTENT).blobs == {}
    store.blobs.put(data)
    found = store.layers.find(CONTENT)
    assert (found.blobs, found.diff_id) == ({"gzip": manifest(data)}, sha256_digest(b"tar"))
    store.blobs.remove(manifest(data).digest)
    assert store.layers.find(CONTENT).blobs == {}
    assert store.layers.find(CONTENT).blob_bytes == len(data)


def test_the_blob_to_read_is_the_cheapest_one_that_is_here(store: Store) -> None:
    assert store.layers.find(CONTENT).blob is None
    store.layers.add_remote(CONTENT, manifest(b"far"), "docker.io/library/app")
    assert store.layers.find(CONTENT).blob == Blob(manifest(b"far"), "docker.io/library/app")
    for name in ("gzip", "zstd:19", "none"):
        store.blobs.put(name.encode())
        store.layers.add_blob(CONTENT, sha256_digest(b"tar"), manifest(name.encode()), name)
    assert list(store.layers.find(CONTENT).blobs) == ["none", "zstd:19", "gzip"]
    assert store.layers.find(CONTENT).blob == Blob(manifest(b"none"))


def test_a_blob_that_was_not_made_here_is_noted_by_its_media_type(store: Store) -> None:
    store.blobs.put(b"blob")
    digest = sha256_digest(b"blob")
    blob = Descriptor("application/vnd.oci.image.layer.v1.tar+zstd", digest, 4)
    store.layers.add_blob(CONTENT, sha256_digest(b"tar"), blob)
    assert store.layers.find(CONTENT).blobs == {"zstd": blob}


@pytest.mark.parametrize(
    ("compression", "level", "name"),
    [("gzip", None, "gzip"), ("gzip", 9, "gzip:9"), ("none", 0, "none"), ("zstd", 3, "zstd:3")],
)
def test_a_packed_blob_is_named_by_compression_and_level(compression, level, name) -> None:
    assert packed_name(compression, level) == name


def test_a_layer_elsewhere_has_a_descriptor_and_a_source(store: Store) -> None:
    assert store.layers.find(CONTENT).remote is None
    store.layers.add_remote(CONTENT, manifest(), "docker.io/library/app")
    store.layers.add_remote(CONTENT, manifest(), "ghcr.io/other/app")
    assert store.layers.find(CONTENT).remote == Blob(manifest(), "ghcr.io/other/app")
    store.layers.drop_remote(CONTENT)
    assert store.layers.find(CONTENT).remote is None


def test_a_forgotten_layer_is_unknown(store: Store) -> None:
    store.layers.add_remote(CONTENT, manifest(), "docker.io/library/app")
    store.layers.set_facts(CONTENT, LayerFacts(size_bytes=1, entries=1))
    store.layers.forget(CONTENT)
    found = store.layers.find(CONTENT)
    assert (found.remote, found.facts) == (None, None)


@pytest.mark.parametrize("again", [False, True])
def test_everything_survives_closing(tmp_path: Path, again: bool) -> None:
    with Store.open(tmp_path / "store") as store:
        store.images.add(image())
        store.images.tag(NAME, image().id)
        if again:
            store.images.tag(NAME, image().id)
    with Store.open(tmp_path / "store") as store:
        assert store.images.lookup(NAME) == image()
