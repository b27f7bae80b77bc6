from __future__ import annotations

import io
import tarfile

import pytest

from jettison.errors import UnsafeArchiveError
from jettison.layer.header import (
    CHARACTER,
    DIRECTORY,
    FILE,
    TarEntry,
    format_entry,
    number,
    parse_block,
    show,
)
from jettison.layer.reader import TarReader


def entry(name=b"usr/bin/tool", **changes):
    facts = {"kind": FILE, "mode": 0o644, "uid": 0, "gid": 0, "size": 0, "mtime_ns": 0}
    return TarEntry(name, **{**facts, **changes})


def read_back(blocks, data=b""):
    return TarReader(io.BytesIO(blocks + data + bytes(1024))).next()


def test_an_ordinary_file_takes_one_ustar_block():
    assert len(format_entry(entry())) == 512


@pytest.mark.parametrize(
    "changes",
    [
        {"name": b"a" * 100},
        {"name": b"p" * 155 + b"/" + b"n" * 100},
        {"name": b"d" * 150 + b"/" + b"n" * 99 + b"/", "kind": DIRECTORY},
        {"uid": 0o7777777, "gid": 0o7777777, "mtime_ns": 0o77777777777 * 10**9},
        {"kind": CHARACTER, "device": (1, 3)},
    ],
    ids=["name of 100", "prefix of 155", "directory with prefix", "largest octals", "device"],
)
def test_what_fits_ustar_gets_no_pax_header(changes):
    blocks = format_entry(entry(**changes))
    assert len(blocks) == 512
    assert read_back(blocks) == entry(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": b"a" * 101},
        {"name": b"p" * 156 + b"/" + b"n"},
        {"name": b"d/" + b"n" * 200 + b"/", "kind": DIRECTORY},
        {"name": "größe".encode()},
        {"name": b"latin-\xe9"},
        {"name": b"link", "kind": b"2", "link": b"t" * 101},
        {"name": b"link", "kind": b"2", "link": "größe".encode()},
        {"uid": 0o7777777 + 1},
        {"gid": 2**32 - 2},
        {"mtime_ns": -5 * 10**9},
        {"mtime_ns": 0o77777777777 * 10**9 + 10**9},
        {"xattrs": {"security.capability": b"\x01\0\0\x02\n=\xff", "user.a=b%": b""}},
    ],
)
def test_what_does_not_fit_ustar_comes_back_from_a_pax_header(changes):
    blocks = format_entry(entry(**changes))
    assert blocks[156:157] == b"x"
    found = read_back(blocks)
    assert found is not None
    assert found == entry(**{**changes, "offset": found.offset})


def test_a_size_of_eight_gib_is_written_in_a_pax_header():
    size = 8 << 30
    blocks = format_entry(entry(size=size, stored_size=size))
    found = TarReader(io.BytesIO(blocks)).next()
    assert found is not None
    assert (found.size, found.stored_size) == (size, size)


def test_the_standard_library_reads_what_is_written():
    xattrs = {"user.note": b"binary \xff".replace(b"\xff", b"!")}
    blocks = format_entry(entry("größe".encode() * 30, mtime_ns=10**18 + 5, xattrs=xattrs))
    with tarfile.open(fileobj=io.BytesIO(blocks + bytes(1024))) as tar:
        (found,) = tar.getmembers()
    assert found.name == "größe" * 30
    assert found.mtime == 10**9
    assert found.pax_headers["SCHILY.xattr.user.note"] == "binary !"


def test_seconds_are_rounded_down_also_before_1970():
    found = read_back(format_entry(entry(mtime_ns=-1)))
    assert found is not None
    assert found.mtime_ns == -(10**9)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"0000644\0", 0o644),
        (b"   644 \0", 0o644),
        (b"644\0junk", 0o644),
        (b"00000644", 0o644),
        (b"\0" * 8, 0),
        (b"        ", 0),
        (b"\x80\0\0\0\0\0\1\0", 256),
        (b"\xff\xff\xff\xff\xff\xff\xff\xfe", -2),
    ],
)
def test_numbers_are_octal_or_base_256(field, value):
    assert number(field, "the field", 0) == value


@pytest.mark.parametrize(
    "field",
    [
        b"-000644\0",
        b"+000644\0",
        b"0o644\0\0\0",
        b"1_0\0\0\0\0\0",
        b"9\0\0\0\0\0\0\0",
        b"6 4\0\0\0\0\0",
    ],
)
def test_numbers_that_other_programs_read_otherwise_are_refused(field):
    with pytest.raises(UnsafeArchiveError, match="at byte 512"):
        number(field, "the mode", 512)


def test_a_wrong_checksum_is_refused_with_its_place():
    block = bytearray(format_entry(entry()))
    block[0] ^= 1
    with pytest.raises(
        UnsafeArchiveError, match="checksum is wrong in the tar header at byte 1024"
    ):
        parse_block(bytes(block), 1024)


def _with_checksum(block, signed=False):
    cleared = block[:148] + b" " * 8 + block[156:]
    total = sum(byte - 256 if signed and byte >= 128 else byte for byte in cleared)
    return block[:148] + b"%06o\0 " % total + block[156:]


def test_a_checksum_of_signed_characters_is_accepted():
    block = format_entry(entry(b"name"))
    block = b"n\xe9me" + block[4:]
    assert parse_block(_with_checksum(block, signed=True), 0).name == b"n\xe9me"


def test_a_checksum_above_65521_is_exact():
    block = b"\xff" * 100 + format_entry(entry())[100:157] + b"\xff" * 100
    block = (block + b"ustar\00000" + b"\xff" * 64 + b"\0" * 16 + b"\xff" * 155).ljust(512, b"\xff")
    block = _with_checksum(block)
    assert parse_block(block, 0).name.endswith(b"\xff" * 100)
    total = int(block[148:154], 8)
    for wrong in (total - 65521, total + 65521):
        if wrong > 0:
            with pytest.raises(UnsafeArchiveError):
                parse_block(block[:148] + b"%06o\0 " % wrong + block[156:], 0)


def test_a_v7_name_with_a_slash_at_its_end_is_a_directory():
    block = format_entry(entry(b"old/"))
    assert parse_block(_with_checksum(block[:156] + b"\0" + block[157:]), 0).kind == DIRECTORY


def test_gnu_headers_have_no_prefix():
    block = format_entry(entry(b"p" * 100 + b"/name"))
    block = _with_checksum(block[:257] + b"ustar  \0" + block[265:])
    assert parse_block(block, 0).name == b"name"


def test_the_size_of_a_directory_is_not_data():
    block = format_entry(entry(b"dir/", kind=DIRECTORY))
    block = _with_checksum(block[:124] + b"00000001000\0" + block[136:])
    assert parse_block(block, 0).stored_size == 0


@pytest.mark.parametrize("owner", [2**32 - 1, 2**40])
def test_owners_that_chown_would_not_set_are_refused(owner):
    with pytest.raises(UnsafeArchiveError, match="out of range"):
        read_back(format_entry(entry(uid=owner)))


def test_names_are_shown_printable_and_short():
    assert show(b"a\x1b[31m\xff") == r"a\x1b[31m\\xff"
    assert len(show(b"x" * 5000)) == 201
