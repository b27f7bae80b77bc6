"""``-o`` becomes the output that it means, and a wrong one says what there is."""

from __future__ import annotations

import pytest

from jettison.cli.outputs import output_of, parse_output
from jettison.errors import JettisonError, UsageError
from jettison.exporter.outputs import (
    TYPES,
    Annotation,
    CacheOnlyOutput,
    DockerOutput,
    EngineOutput,
    ImageOutput,
    LocalOutput,
    OciOutput,
    RegistryOutput,
    TarOutput,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("out", LocalOutput("out")),
        ("-", TarOutput("-")),
        ("type=oci,dest=a.tar", OciOutput("a.tar")),
        ("type=oci,dest=a,tar=false", OciOutput("a", tar=False)),
        ("type=docker,dest=a.tar", DockerOutput("a.tar")),
        ("type=docker,name=a", EngineOutput(engine="docker", optional=True, names=("a",))),
        ("type=docker,context=b", EngineOutput(engine="docker", context="b")),
        ("type=engine,engine=podman", EngineOutput(engine="podman")),
        ("type=image,push=true,push-by-digest=1", ImageOutput(push=True, push_by_digest=True)),
        ("type=registry,push=true,registry.insecure=true", RegistryOutput(insecure=True)),
        ("type=tar,dest=-,platform-split=no", TarOutput("-", platform_split=False)),
        ("type=tar,dest=a,source-date-epoch=7", TarOutput("a", source_date_epoch=7)),
        ("type=cacheonly", CacheOnlyOutput()),
        ('type=local,"dest=a,b"', LocalOutput("a,b")),
        (
            "type=local,dest=a,preserve=setid+devices",
            LocalOutput("a", preserve=frozenset({"setid", "devices"})),
        ),
    ],
)
def test_outputs_are_read_as_docker_reads_them(text, expected):
    assert parse_output(text) == expected


@pytest.mark.parametrize(
    "text",
    ["dest=a.tar", "type=oci,dest", "a=b,,", "type=tar,dest=a,preserve=all", "type=local,dest=-"],
)
def test_a_malformed_output_is_refused(text):
    with pytest.raises(UsageError):
        parse_output(text)


def oci(**values: str) -> OciOutput:
    written = {name.replace("_", "-"): value for name, value in values.items()}
    output = output_of({"type": "oci", "dest": "x", **written})
    assert isinstance(output, OciOutput)
    return output


def test_defaults_are_those_of_the_fields():
    assert oci() == OciOutput("x")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"compression": "uncompressed"}, OciOutput("x", compression="uncompressed")),
        ({"compression": "none"}, OciOutput("x", compression="uncompressed")),
        (
            {"compression": "zstd", "compression_level": "19"},
            OciOutput("x", compression="zstd", compression_level=19),
        ),
        ({"compression_level": "0"}, OciOutput("x", compression_level=0)),
        ({"force_compression": "true"}, OciOutput("x", force_compression=True)),
        ({"oci_mediatypes": "false"}, OciOutput("x", oci_mediatypes=False)),
        ({"rewrite_timestamp": "true"}, OciOutput("x", rewrite_timestamp=True)),
        ({"name": "a:1, example.org/b"}, OciOutput("x", names=("a:1", "example.org/b"))),
    ],
)
def test_attributes_are_read(values, expected):
    assert oci(**values) == expected


@pytest.mark.parametrize(
    "values",
    [
        {"compression": "nydus"},
        {"compression": "estargz", "compression_level": "10"},
        {"compression": "zstd", "compression_level": "23"},
        {"compression_level": "-1"},
        {"compression_level": "9" * 400},
        {"force_compression": "maybe"},
        {"oci_mediatypes": "2"},
        {"name": "a@sha256:" + "0" * 64},
        {"name": "a b"},
        {"annotation[l inux].a": "1"},
    ],
)
def test_wrong_values_are_errors(values):
    with pytest.raises(JettisonError):
        oci(**values)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("", True), ("1", True), ("False", False), ("0", False)]
)
def test_flags_have_several_spellings(text, value):
    assert oci(tar=text).tar is value


def test_annotations_say_where_they_go():
    found = oci(
        **{
            "annotation.a": "1",
            "annotation-manifest[linux/arm64].b": "2",
            "annotation-index.c.d": "3",
            "annotation-manifest-descriptor.e": "4",
            "annotation-index-descriptor.f": "5",
        }
    ).annotations
    assert found == (
        Annotation("a", "1"),
        Annotation("b", "2", platform="linux/arm64"),
        Annotation("c.d", "3", "index"),
        Annotation("e", "4", "manifest-descriptor"),
        Annotation("f", "5", "index-descriptor"),
    )


def test_an_unknown_attribute_is_an_error_that_lists_what_there_is():
    with pytest.raises(
        UsageError, match=r"unknown attribute `annotaton\.x` of output `type=oci`"
    ) as raised:
        oci(**{"annotaton.x": "1"})
    assert "`annotation.KEY`" in raised.value.hint
    assert "`compression`" in raised.value.hint


def test_an_unknown_type_is_an_error_that_lists_them():
    with pytest.raises(UsageError, match="unknown output type `floppy`") as raised:
        parse_output("type=floppy")
    assert all(each in raised.value.hint for each in TYPES)
