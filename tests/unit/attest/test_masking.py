"""Secrets are taken out of texts of attestations."""

from __future__ import annotations

from typing import Any

import pytest

from jettison.attest.masking import Masker


@pytest.mark.parametrize(
    ("secrets", "value", "masked"),
    [
        (["hunter2"], "a hunter2 b", "a xxxxx b"),
        (["abcd", "abcdefgh"], "abcdefgh abcd", "xxxxx xxxxx"),
        (["line one here\nline two here\n"], "say line two here", "say xxxxx"),
        (["  padded-value\n"], "padded-value", "xxxxx"),
        (["a"], "banana", "banana"),
        ([], "https://me:pw@host/x", "https://xxxxx:xxxxx@host/x"),
    ],
)
def test_texts(secrets: list[str], value: str, masked: str) -> None:
    assert Masker(secrets).text(value) == masked


def test_whatever_they_are_nested_in_but_not_in_digests() -> None:
    value: Any = {"deadbeef": ["deadbeef", {"x": ("deadbeef", 1, None, True)}]}
    masked: Any = {"xxxxx": ["xxxxx", {"x": ["xxxxx", 1, None, True]}]}
    assert Masker(["deadbeef"]).value(value) == masked
    computed = {"uri": "deadbeef", "digest": {"sha256": "deadbeef"}}
    assert Masker(["deadbeef"]).value(computed) == {**computed, "uri": "xxxxx"}
