"""Names of images: of the store, of layouts, and of nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from image_rig import AMD64, ARM64, Rig, ignore
from jettison.errors import (
    ImageNotFoundError,
    InvalidReferenceError,
    JettisonError,
    PlatformNotFoundError,
)
from jettison.image.layout import LayoutReference, parse_layout_reference
from jettison.image.names import find_image, tag_reference
from jettison.image.resolve import ImageResolver


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "store") as made:
        yield made


def layout(tmp_path: Path, *images, name: str) -> None:
    with Rig(tmp_path / "origin") as origin:
        made = [origin.image({"a": name}, platform=each) for each in images]
        exporter = origin.exporter("oci", tmp_path / "layout", tar="false", name=name)
        exporter.export(made, ignore)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oci-layout:///a/b", LayoutReference("/a/b")),
        ("oci-layout:///a/b:3.11", LayoutReference("/a/b", "3.11")),
        ("oci-layout:///a:b/c", LayoutReference("/a:b/c")),
        ("/a/b:1@sha256:" + "0" * 64, LayoutReference("/a/b", "1", "sha256:" + "0" * 64)),
    ],
)
def test_layout_references_are_read(text, expected):
    assert parse_layout_reference(text) == expected


@pytest.mark.parametrize("text", ["oci-layout://", "oci-layout://:tag", "oci-layout:///a@sha256:x"])
def test_malformed_layout_references_are_refused(text):
    with pytest.raises(InvalidReferenceError):
        parse_layout_reference(text)


def test_a_name_of_the_store_needs_no_network(rig):
    image = rig.image({"a": "1"})
    rig.store.images.tag("docker.io/library/base:1", image.id)
    resolver = ImageResolver(rig.store, None)
    for text in ("base:1", "docker.io/library/base:1", "docker-image://base:1"):
        found = resolver.resolve(text, AMD64)
        assert found.image == image
        assert found.config.architecture == "amd64"


def test_another_platform_than_the_store_has_is_told(rig):
    rig.store.images.tag("docker.io/library/base:1", rig.image({"a": "1"}).id)
    with pytest.raises(PlatformNotFoundError, match="is for `linux/amd64`, not `linux/arm64`"):
        ImageResolver(rig.store, None).resolve("base:1", ARM64)


def test_an_unknown_name_offline_says_how_to_get_it(rig):
    with pytest.raises(
        ImageNotFoundError, match=r"`python:3\.11-slim` is not in the local store"
    ) as raised:
        ImageResolver(rig.store, None).resolve("python:3.11-slim", AMD64)
    assert "--build-context python:3.11-slim=oci-layout://PATH" in raised.value.hint
    assert "examples/bases" in raised.value.hint


def test_a_layout_is_read_by_tag_or_as_the_only_image(rig, tmp_path: Path):
    layout(tmp_path, AMD64, name="app:1")
    resolver = ImageResolver(rig.store, None)
    only = resolver.resolve(f"oci-layout://{tmp_path}/layout", AMD64)
    tagged = resolver.resolve(f"oci-layout://{tmp_path}/layout:1", AMD64)
    pinned = resolver.resolve(f"oci-layout://{tmp_path}/layout@{only.image.manifest.digest}", AMD64)
    assert only.image.id == tagged.image.id == pinned.image.id
    assert rig.store.images.tags() == {}


def test_a_layout_without_the_tag_says_which_it_has(rig, tmp_path: Path):
    layout(tmp_path, AMD64, name="app:1")
    with pytest.raises(ImageNotFoundError, match="has no tag `2`") as raised:
        ImageResolver(rig.store, None).resolve(f"oci-layout://{tmp_path}/layout:2", AMD64)
    assert raised.value.hint == "it has `1`"


def test_a_layout_of_several_platforms_serves_each(rig, tmp_path: Path):
    layout(tmp_path, AMD64, ARM64, name="app:1")
    resolver = ImageResolver(rig.store, None)
    for platform in (AMD64, ARM64):
        found = resolver.resolve(f"oci-layout://{tmp_path}/layout", platform)
        assert found.config.architecture == platform.architecture
    with pytest.raises(PlatformNotFoundError, match="offers linux/amd64, linux/arm64"):
        resolver.resolve(f"oci-layout://{tmp_path}/layout", type(AMD64)("s390x", "linux"))


def test_a_layout_for_another_platform_is_refused(rig, tmp_path: Path):
    layout(tmp_path, AMD64, name="app:1")
    with pytest.raises(PlatformNotFoundError):
        ImageResolver(rig.store, None).resolve(f"oci-layout://{tmp_path}/layout", ARM64)


def test_images_are_found_by_name_id_and_unique_prefix(rig):
    image = rig.image({"a": "1"})
    rig.store.images.tag("docker.io/library/app:latest", image.id)
    for text in ("app", "app:latest", image.id, image.id[7:], image.id[7:19]):
        assert find_image(rig.store, text) == image


def test_a_prefix_of_several_ids_is_not_guessed(rig):
    ids = [rig.image({"a": str(n)}).id[7:] for n in range(40)]
    first: dict[str, str] = {}
    prefix = next(i[:1] for i in ids if first.setdefault(i[:1], i) != i)
    with pytest.raises(ImageNotFoundError):
        find_image(rig.store, prefix)


@pytest.mark.parametrize("text", ["nothing", "nothing:1", "abcdef123456", "sha256:" + "0" * 64])
def test_what_is_not_there_is_not_found(rig, text):
    with pytest.raises(ImageNotFoundError, match="no image") as raised:
        find_image(rig.store, text)
    assert text in raised.value.hint


@pytest.mark.parametrize("text", ["a@sha256:" + "0" * 64, "Upper", "a b", "", ":tag"])
def test_tags_must_be_names(text):
    with pytest.raises(JettisonError):
        tag_reference(text)
