"""Attributes of outputs."""

from __future__ import annotations

import pytest

from jettison.errors import JettisonError, UsageError
from jettison.exporter.options import Annotations, Attributes
from jettison.image.manifest import Compression
from jettison.oci.platform import parse_platform

ARM = parse_platform("linux/arm64")


def taken(**values: str):
    return Attributes("oci", {k.replace("_", "-"): v for k, v in values.items()}).image()


def test_defaults_are_gzip_and_nothing_else():
    options = taken()
    assert options.compression == Compression("gzip", None, force=False)
    assert options.oci is None
    assert options.names == ()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"compression": "uncompressed"}, Compression("none")),
        ({"compression": "zstd", "compression_level": "19"}, Compression("zstd", 19)),
        ({"compression_level": "0"}, Compression("gzip", 0)),
        ({"force_compression": "true"}, Compression("gzip", None, force=True)),
    ],
)
def test_compressions_are_read(values, expected):
    assert taken(**values).compression == expected


@pytest.mark.parametrize(
    "values",
    [
        {"compression": "estargz"},
        {"compression": "zstd", "compression_level": "0"},
        {"compression": "zstd", "compression_level": "23"},
        {"compression_level": "-1"},
        {"compression_level": "9" * 400},
        {"force_compression": "maybe"},
        {"oci_mediatypes": "2"},
        {"name": "a@sha256:" + "0" * 64},
        {"name": "a b"},
    ],
)
def test_wrong_values_are_errors(values):
    with pytest.raises(JettisonError):
        taken(**values)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("", True), ("1", True), ("False", False), ("0", False)]
)
def test_flags_have_several_spellings(text, value):
    assert Attributes("oci", {"tar": text}).flag("tar") is value


def test_several_names_are_separated_by_commas():
    assert [str(name) for name in taken(name="a:1, example.org/b").names] == [
        "docker.io/library/a:1",
        "example.org/b:latest",
    ]


def test_annotations_are_sorted_by_where_they_go():
    notes = taken(
        **{
            "annotation.a": "1",
            "annotation-manifest[linux/arm64].b": "2",
            "annotation-index.c.d": "3",
            "annotation-manifest-descriptor.e": "4",
            "annotation-index-descriptor.f": "5",
        }
    ).annotations
    assert Annotations.of(notes.manifest) == {"a": "1"}
    assert Annotations.of(notes.manifest, ARM) == {"a": "1", "b": "2"}
    assert Annotations.of(notes.index) == {"c.d": "3"}
    assert Annotations.of(notes.manifest_descriptor) == {"e": "4"}
    assert Annotations.of(notes.index_descriptor) == {"f": "5"}


def test_what_nobody_took_is_an_error_that_lists_what_there_is():
    attributes = Attributes("oci", {"annotaton.x": "1"})
    attributes.image()
    with pytest.raises(
        UsageError, match=r"unknown attribute `annotaton\.x` of output `type=oci`"
    ) as raised:
        attributes.finish()
    assert "`annotation.KEY`" in raised.value.hint
    assert "`compression`" in raised.value.hint
