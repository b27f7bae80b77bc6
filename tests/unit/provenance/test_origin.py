from __future__ import annotations

import os

import pytest

from jettison.provenance.origin import (
    CopiedSource,
    CopyOrigins,
    SourceKind,
    decode_origins,
    encode_origins,
)

FILE, DIRECTORY = SourceKind.FILE, SourceKind.DIRECTORY
ARCHIVE, INLINE = SourceKind.ARCHIVE, SourceKind.INLINE
ORIGINS = CopyOrigins(
    (
        CopiedSource(DIRECTORY, 0, "/", "/all"),
        CopiedSource(FILE, 0, "/src/f", "/all/f"),
        CopiedSource(ARCHIVE, 1, "/a.tar", "/all/in"),
        CopiedSource(INLINE, -1, "EOF", "/all/here"),
    ),
    (("/all", 0), ("/all/f", 1), ("/all/in", 2), ("/all/here", 3)),
)


@pytest.mark.parametrize(
    ("path", "source", "before", "member"),
    [
        ("/all/x/y", 0, "/x/y", ""),
        ("/all/f", 1, "/src/f", ""),
        ("/all/fx", 0, "/fx", ""),
        ("/all/in/m/n", 2, "/a.tar", "m/n"),
        ("/all/here", 3, "EOF", ""),
    ],
)
def test_the_longest_rule_counts(path, source, before, member) -> None:
    found = ORIGINS.find(path)
    assert found is not None
    assert (found.source, found.path, found.member) == (ORIGINS.sources[source], before, member)


def test_what_no_rule_matches_was_made_on_the_way() -> None:
    assert ORIGINS.find("/al") is None
    assert ORIGINS.find("/") is None
    assert ORIGINS.find("/all") is None  # what takes the contents of another directory
    assert ORIGINS.find("/all/in") is None


def test_the_root_directory_can_be_a_target() -> None:
    origins = CopyOrigins((CopiedSource(DIRECTORY, 0, "/out", ""),), (("", 0),))
    found = origins.find("/a/b")
    assert found is not None
    assert found.path == "/out/a/b"


def test_stored_origins_are_the_same_whatever_names_are() -> None:
    odd = os.fsdecode(b"/n\xff")
    many = CopyOrigins(
        tuple(CopiedSource(FILE, 0, f"{odd}/{n}", f"/t/{n}") for n in range(1000)),
        tuple((f"/t/{n}", n) for n in range(1000)),
    )
    for origins in (ORIGINS, many):
        assert decode_origins(encode_origins(origins)) == origins
    assert len(encode_origins(many)) < 12_000


@pytest.mark.parametrize("data", [b"", b"\0", b"\1abc", b"\0\x92\x90\x91\x92\xc4\x00\x05"])
def test_damaged_origins_are_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"damaged|not there"):
        decode_origins(data)
