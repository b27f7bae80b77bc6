"""`analysis.elf`: what headers, dynamic sections, versions and notes of a file say."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elf_rig import elf, note
from jettison.analysis.elf.model import Elf, PackageNote
from jettison.analysis.elf.parse import parse


def parsed(data: bytes) -> Elf | None:
    descriptor = os.memfd_create("elf")
    try:
        os.write(descriptor, data)
        return parse(descriptor)
    finally:
        os.close(descriptor)


def read(data: bytes) -> Elf:
    found = parsed(data)
    assert found is not None
    assert not found.fault, found
    return found


@pytest.mark.parametrize(("bits", "is_big"), [(64, False), (64, True), (32, False), (32, True)])
def test_a_program_says_what_it_needs(bits: int, is_big: bool) -> None:
    data = elf(
        interp="/lib64/ld-linux-x86-64.so.2",
        needed=("libz.so.1", "libc.so.6"),
        rpath="/a:/b",
        runpath="$ORIGIN/../lib",
        needs={"libc.so.6": ("GLIBC_2.34", "GLIBC_2.2.5"), "libz.so.1": ("ZLIB_1.2",)},
        weak={"libc.so.6": ("GLIBC_2.38",)},
        flags_1=0x0800_0800,
        bits=bits,
        is_big=is_big,
    )
    found = read(data)
    assert found == Elf(
        bits=bits,
        is_big=is_big,
        machine=62,
        kind=3,
        entry=0x10000,
        interp="/lib64/ld-linux-x86-64.so.2",
        is_dynamic=True,
        needed=("libz.so.1", "libc.so.6"),
        rpath="/a:/b",
        runpath="$ORIGIN/../lib",
        flags_1=0x0800_0800,
        needs={"libc.so.6": ("GLIBC_2.34", "GLIBC_2.2.5"), "libz.so.1": ("ZLIB_1.2",)},
        weak_needs={"libc.so.6": ("GLIBC_2.38",)},
    )
    assert found.is_program
    assert not found.is_static
    assert not found.has_default_directories
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Elf) == found


def test_a_library_says_what_it_defines() -> None:
    found = read(elf(soname="libz.so.1", defines=("ZLIB_1.2.0", "ZLIB_1.2.9")))
    assert (found.soname, found.defines) == ("libz.so.1", ("ZLIB_1.2.0", "ZLIB_1.2.9"))
    assert found.has_versions
    assert not found.is_program
    assert not found.is_static


@pytest.mark.parametrize(
    ("machine", "bits", "is_big", "name"),
    [
        *((62, 64, False, "amd64"), (3, 32, False, "386"), (183, 64, False, "arm64")),
        *((21, 64, False, "ppc64le"), (21, 64, True, "ppc64"), (22, 64, True, "s390x")),
        *((8, 32, False, "mipsle"), (8, 64, True, "mips64"), (9999, 64, False, "machine 9999")),
    ],
)
def test_architectures_are_named_as_platforms_are(
    machine: int, bits: int, is_big: bool, name: str
) -> None:
    assert read(elf(machine=machine, bits=bits, is_big=is_big)).architecture == name


def test_notes_name_levels_kernels_builds_and_packages() -> None:
    isa = struct.pack("<IIII", 0xC000_8002, 4, 0b111, 0)
    package = b'{"type":"deb","os":"debian","name":"app","version":"1.2","osVersion":"12"}\0'
    found = read(
        elf(
            kind=2,
            notes=note(b"GNU", 1, struct.pack("<4I", 0, 3, 2, 0))
            + note(b"GNU", 3, bytes.fromhex("c0ffee00"))
            + note(b"GNU", 5, isa)
            + note(b"FDO", 0xCAFE1A7E, package),
        )
    )
    assert (found.kernel, found.build_id) == ((3, 2, 0), "c0ffee00")
    assert found.isa_level == "x86-64-v3"
    assert found.is_static
    assert found.package == PackageNote("deb", "app", "1.2", "", "debian", "12")


def test_only_elf_is_elf() -> None:
    assert parsed(b"#!/bin/sh\n") is None
    assert parsed(b"") is None
    short = parsed(b"\x7fELF")
    assert short is not None
    assert short.fault


def test_what_was_read_before_a_fault_is_kept() -> None:
    whole = elf(interp="/lib/ld.so", needed=("libc.so.6",))
    found = parsed(whole.replace(b"libc.so.6\0", b"libc.so.6!"))
    assert found is not None
    assert (found.fault, found.interp) == ("a name has no end", "/lib/ld.so")


def test_a_string_table_beyond_the_window_is_read_by_its_names(tmp_path: Path) -> None:
    names = tuple(f"lib{'x' * 200}{number}.so" for number in range(2000))
    assert read(elf(needed=names)).needed == names


@given(st.binary(max_size=40), st.integers(0, 700), st.booleans())
def test_bytes_of_anybody_are_read_without_an_error(noise: bytes, place: int, is_cut: bool) -> None:
    data = elf(
        interp="/lib64/ld.so", needed=("libc.so.6",), needs={"libc.so.6": ("A", "B")},
        soname="x", defines=("C", "D"), notes=note(b"GNU", 3, b"1234"),
    )  # fmt: skip
    changed = data[:place] + noise + (b"" if is_cut else data[place + len(noise) :])
    found = parsed(changed)
    assert found is None or msgspec.msgpack.encode(found)
