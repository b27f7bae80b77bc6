"""The wire format between builder and helper: what it is, and what it refuses."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import pytest

from jettison.sandbox import wire, wire_codec
from jettison.sandbox.wire_codec import KINDS, MAGIC, VERSION, WireError, decode, encode

SCHEMAS = {
    1: "ca8c0bb19d14672dacfba9e98d924320030cc27236e3761011cf6ae07194fbe7",
    2: "fa41b8a0634b7bfbac13aa9594ceca985b13c75245b376b9acebd27b4ff5c787",
    3: "b1830540f5aa36f9d62c137b2fee58c78b4b492b6707fa476dad9a9547252759",
    4: "160dd356c5bdd126068d2a10cee3c3ee2d731235a659756cba6bc7033ff4b83a",
}
"""Digests of what each version says; a change of a message is a new version."""


def schema() -> str:
    """Return every message as text, in the order of their numbers."""
    return "\n".join(f"{kind.__name__} {kind.__annotations__}" for kind in KINDS)


def test_a_change_of_a_message_is_a_new_version() -> None:
    digest = hashlib.sha256(schema().encode()).hexdigest()
    assert SCHEMAS.get(VERSION) == digest, "raise VERSION, and note the digest"


@pytest.mark.parametrize("module", [wire, wire_codec])
def test_both_sides_can_import_it_alone(module) -> None:
    tree = ast.parse(Path(module.__file__).read_text())
    found = {each.module for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
    assert not any(isinstance(each, ast.Import) for each in ast.walk(tree))
    assert found <= {"__future__", "jettison.sandbox.wire_codec"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_messages_have_slots_only(kind) -> None:
    assert not hasattr(kind.__new__(kind), "__dict__")
    assert tuple(kind.__slots__) == tuple(kind.__annotations__)


def test_bytes_are_as_they_are_written_down() -> None:
    data = encode(wire.Failed(step="mount", code=-1, text="\udcff"))
    number = KINDS.index(wire.Failed)
    assert data == (
        MAGIC + VERSION.to_bytes(2, "little") + b"m" + bytes([number])
        + b"s\x05\0\0\0mount" + b"i" + b"\xff" * 8 + b"s\x03\0\0\0\xed\xb3\xbf"
    )  # fmt: skip
    assert decode(data) == wire.Failed(step="mount", code=-1, text="\udcff")


def test_another_version_is_refused_by_its_number() -> None:
    data = encode(wire.Exited(code=0))
    other = MAGIC + (VERSION + 1).to_bytes(2, "little") + data[len(MAGIC) + 2 :]
    with pytest.raises(WireError, match=f"version {VERSION + 1}, where version {VERSION}"):
        decode(other)


def test_an_unknown_kind_is_refused() -> None:
    data = bytearray(encode(wire.Exited(code=0)))
    data[len(MAGIC) + 3] = len(KINDS)
    with pytest.raises(WireError, match="no value of the declared type"):
        decode(bytes(data))


def test_a_field_names_where_it_does_not_fit() -> None:
    point = wire.MountPoint(path="text", directory=True)
    ready = wire.Ready(points=[point], parents=[], pid=0)
    with pytest.raises(WireError, match=r"`Ready\.points`: `MountPoint\.path`: a `str`"):
        encode(ready)


@pytest.mark.parametrize("code", [1 << 63, -(1 << 63) - 1, True, None, 1.0, b"1"])
def test_only_numbers_of_64_bits_are_numbers(code) -> None:
    with pytest.raises(WireError, match=r"Exited\.code"):
        encode(wire.Exited(code=code))


def test_fields_are_neither_missing_nor_invented() -> None:
    with pytest.raises(WireError, match="`Exited` has other fields"):
        wire.Exited()
    with pytest.raises(WireError, match="`Exited` has other fields"):
        wire.Exited(code=0, status=0)


def test_a_message_stands_only_where_its_class_is_declared() -> None:
    with pytest.raises(WireError, match=r"`Ready\.points`: a `Exited`"):
        encode(wire.Ready(points=[wire.Exited(code=0)], parents=[], pid=0))
