"""What outputs that are images have in common."""

from __future__ import annotations

import pytest

from jettison.exporter.options import (
    ImageOptions,
    image_wishes,
    lost_annotations,
    packed_early,
    pushed_options,
)
from jettison.exporter.outputs import Annotation, OciOutput, RegistryOutput
from jettison.image.manifest import Compression
from jettison.oci.digest import Digest
from jettison.oci.reference import parse_reference

DIGEST = Digest("sha256:" + "0" * 64)
NAMES = [parse_reference("r.example/app:1"), parse_reference("r.example/app:2")]


@pytest.mark.parametrize(
    ("output", "names"),
    [
        (RegistryOutput(), ("r.example/app:1", "r.example/app:2")),
        (RegistryOutput(push_by_digest=True), (f"r.example/app@{DIGEST}",)),
        (
            RegistryOutput(name_canonical=True),
            ("r.example/app:1", "r.example/app:2", f"r.example/app@{DIGEST}"),
        ),
        (
            RegistryOutput(dangling_name_prefix="r.example/loose"),
            ("r.example/app:1", "r.example/app:2"),
        ),
    ],
)
def test_names_are_what_the_registry_has(output: RegistryOutput, names: tuple[str, ...]) -> None:
    assert pushed_options(output, NAMES).names_of(DIGEST) == names


def test_an_image_without_names_goes_below_the_prefix() -> None:
    options = pushed_options(RegistryOutput(dangling_name_prefix="r.example/loose"), [])
    assert options.by_digest
    assert options.names_of(DIGEST) == (f"r.example/loose@{DIGEST}",)


def test_estargz_is_a_wish_and_is_packed_afterwards() -> None:
    output = OciOutput(dest="x", compression="estargz", compression_level=3, force_compression=True)
    assert image_wishes(output).estargz == Compression("estargz", 3, True)
    assert image_wishes(OciOutput(dest="x")).estargz is None
    assert packed_early(Compression("estargz")) is None
    assert packed_early(Compression("zstd")) == Compression("zstd")


@pytest.mark.parametrize(
    ("places", "indexed", "layout", "lost"),
    [
        (["manifest", "index"], True, False, ""),
        (["manifest-descriptor", "index-descriptor"], False, True, ""),
        (["manifest-descriptor"], True, False, ""),
        (["manifest-descriptor"], False, False, "annotations are left out: of manifest-descriptor"),
        (["index-descriptor"], True, False, "annotations are left out: of index-descriptor"),
    ],
)
def test_annotations_without_a_place_are_said(places, indexed, layout, lost) -> None:
    options = ImageOptions(annotations=tuple(Annotation("a", "b", on) for on in places))
    said = lost_annotations(options, oci=True, indexed=indexed, layout=layout)
    assert said.startswith(lost)
    assert bool(said) == bool(lost)


@pytest.mark.parametrize("layout", [True, False])
def test_docker_s_media_types_have_no_annotations(layout: bool) -> None:
    options = ImageOptions(oci=False, annotations=(Annotation("a", "b"),))
    said = lost_annotations(options, oci=False, indexed=False, layout=layout)
    assert "docker's media types have none" in said
