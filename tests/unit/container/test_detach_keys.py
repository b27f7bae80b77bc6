"""Keys that detach: docker's texts, and how they are found in what is typed."""

from __future__ import annotations

import pytest

from jettison.container.keys import DetachKeys, parse_keys
from jettison.errors import UsageError


def typed(keys: bytes, *pieces: bytes) -> tuple[bytes, bool]:
    found, passed = DetachKeys(keys), b""
    for piece in pieces:
        more, detaches = found.take(piece)
        passed += more
        if detaches:
            return passed, True
    return passed, False


@pytest.mark.parametrize(
    ("text", "keys"), [("ctrl-p,ctrl-q", b"\x10\x11"), ("a", b"a"), ("ctrl-@,ctrl-_", b"\0\x1f"), ("ctrl-[", b"\x1b")]
)  # fmt: skip
def test_a_sequence_is_letters_and_control_keys(text: str, keys: bytes) -> None:
    assert parse_keys(text) == keys


@pytest.mark.parametrize(
    "text", ["", "ctrl-", "ctrl-é", "é", "ab", "ctrl-p,,x", "ctrl-P", "shift-a"]
)
def test_what_is_no_sequence_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="invalid detach keys"):
        parse_keys(text)


def test_the_sequence_detaches_wherever_it_is_cut() -> None:
    assert typed(b"\x10\x11", b"ls\r\x10\x11rest") == (b"ls\r", True)
    assert typed(b"\x10\x11", b"ls\r\x10", b"\x11") == (b"ls\r", True)


def test_the_beginning_alone_is_passed_on_once_it_is_none() -> None:
    assert typed(b"\x10\x11", b"a\x10") == (b"a", False)
    assert typed(b"\x10\x11", b"a\x10", b"b") == (b"a\x10b", False)
    assert typed(b"\x10\x11", b"\x10\x10\x11") == (b"\x10", True)
    assert typed(b"xy", b"xxxz") == (b"xxxz", False)
