"""Outputs are checked when they are made, wherever they come from."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from jettison.errors import InvalidReferenceError, JettisonError, UsageError
from jettison.exporter.options import compression_of, image_options
from jettison.exporter.outputs import (
    KINDS,
    TYPES,
    Annotation,
    CacheOnlyOutput,
    DockerOutput,
    EngineOutput,
    ImageOutput,
    LocalOutput,
    OciOutput,
    OutputRequest,
    RegistryOutput,
    TarOutput,
    kind_of,
)
from jettison.image.manifest import Compression
from jettison.oci.platform import parse_platform
from jettison.oci.reference import parse_reference

ARM = parse_platform("linux/arm64")
OUTPUTS = [
    ImageOutput(names=("a",), push=True),
    RegistryOutput(annotations=(Annotation("a", "1", "index"),)),
    EngineOutput(engine="podman", context="c"),
    OciOutput("a", tar=False, compression="zstd", compression_level=19),
    DockerOutput("-"),
    LocalOutput("a", preserve=frozenset({"setid"})),
    TarOutput("-", source_date_epoch=1),
    CacheOnlyOutput(),
]


def test_all_kinds_are_in_the_union_and_have_the_names_of_docker():
    assert set(get_args(OutputRequest)) == set(KINDS)
    kinds = "image registry engine oci docker local tar cacheonly"
    assert list(TYPES) == kinds.split()
    assert [kind_of(each) for each in OUTPUTS] == list(TYPES)


@pytest.mark.parametrize("output", OUTPUTS, ids=kind_of)
def test_an_output_survives_the_way_to_a_worker(output):
    assert msgspec.json.decode(msgspec.json.encode(output), type=OutputRequest) == output


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OciOutput(""), "`type=oci` needs a destination"),
        (lambda: OciOutput("-", tar=False), "a layout directory cannot go to standard output"),
        (lambda: OciOutput("x", compression="rar"), "unknown compression `rar`"),
        (lambda: OciOutput("x", compression_level=10), "`compression-level=10` is not between"),
        (lambda: ImageOutput(names="app"), "`names` must be a list"),
        (lambda: LocalOutput("-"), "a directory cannot go to standard output"),
        (lambda: LocalOutput("x", preserve=frozenset({"uid"})), "cannot preserve `uid`"),
        (lambda: TarOutput(""), "`type=tar` needs a destination"),
        (lambda: Annotation("a", "b", "config"), "no annotations on `config`"),
        (lambda: Annotation("a", "b", platform="l inux"), "`l inux` is not a platform"),
    ],
)
def test_a_wrong_output_is_never_made(make, message):
    with pytest.raises(UsageError, match=message):
        make()


def test_a_name_is_checked():
    with pytest.raises(InvalidReferenceError):
        ImageOutput(names=("UPPER",))


def test_a_request_as_plain_data_is_checked_too():
    with pytest.raises(JettisonError, match="needs a destination"):
        msgspec.convert({"type": "oci", "dest": ""}, OutputRequest)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (ImageOutput(), Compression("gzip", None, force=False)),
        (ImageOutput(compression="uncompressed"), Compression("none")),
        (ImageOutput(compression="zstd", compression_level=3), Compression("zstd", 3)),
        (ImageOutput(force_compression=True), Compression("gzip", None, force=True)),
    ],
)
def test_compressions_are_those_of_layers(output, expected):
    assert compression_of(output) == expected


def test_names_of_the_build_are_for_outputs_without():
    names = [parse_reference("b")]
    assert image_options(ImageOutput(), names).names == tuple(names)
    assert image_options(ImageOutput(names=("a",)), names).names == (parse_reference("a"),)


def test_annotations_are_found_by_where_they_go():
    output = ImageOutput(
        annotations=(
            Annotation("a", "1"),
            Annotation("b", "2", platform="linux/arm64"),
            Annotation("c.d", "3", "index"),
            Annotation("e", "4", "manifest-descriptor"),
        )
    )
    options = image_options(output, ())
    assert options.notes("manifest") == {"a": "1"}
    assert options.notes("manifest", ARM) == {"a": "1", "b": "2"}
    assert options.notes("index") == {"c.d": "3"}
    assert options.notes("manifest-descriptor", ARM) == {"e": "4"}
    assert options.notes("index-descriptor") == {}
