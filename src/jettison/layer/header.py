"""Tar headers: one 512-byte block, read and written by hand.

In:  blocks of an archive, or a ``TarEntry``.
Out: a ``TarEntry``, or the blocks that describe one.

Reads ustar, pax, GNU and old (V7) headers, octal and base-256 numbers. Writes ustar where it can
say everything, and a pax header before it where it cannot.

Source: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar 1.35 manual, "Basic Tar Format".
Security: every field is an attacker's; numbers are parsed strictly (no signs, no underscores),
ids of all ones are refused because chown(2) takes them for "leave it".
"""

from __future__ import annotations

import stat
from zlib import adler32

import msgspec

from jettison.errors import UnsafeArchiveError
from jettison.layer.pax import format_pax

BLOCK = 512

FILE = b"0"
HARD_LINK = b"1"
SYMLINK = b"2"
CHARACTER = b"3"
DEVICE_BLOCK = b"4"
DIRECTORY = b"5"
FIFO = b"6"

KINDS = frozenset({FILE, HARD_LINK, SYMLINK, CHARACTER, DEVICE_BLOCK, DIRECTORY, FIFO})
"""Kinds of entries that mean something in a file system."""

KIND_OF_TYPE = {
    stat.S_IFREG: FILE,
    stat.S_IFLNK: SYMLINK,
    stat.S_IFCHR: CHARACTER,
    stat.S_IFBLK: DEVICE_BLOCK,
    stat.S_IFIFO: FIFO,
    stat.S_IFDIR: DIRECTORY,
}
"""``S_IF…`` bits to the kind of an entry."""

_FILES = frozenset({b"0", b"\0", b"7"})  # today's, V7's, contiguous
_NO_DEVICE = (0, 0)

MAX_ID = 2**32 - 2
MAX_SIZE = 2**63 - 1
MAX_SECONDS = 2**40  # 34,000 years; file systems clamp to what they have

_MAX_OCTAL_ID = 0o7777777
_MAX_OCTAL_SIZE = 0o77777777777


class TarEntry(msgspec.Struct, frozen=True, gc=False):
    """One entry of an archive, as its headers describe it.

    ``name`` and ``link`` are raw bytes as written, unchecked. ``mode`` has permission bits only.
    ``size`` is the length of the file, ``stored_size`` how many bytes of it follow in the archive:
    less for sparse files, whose data regions ``sparse`` lists as (offset, length).
    ``offset`` is where the header starts, in bytes of the uncompressed archive.
    """

    name: bytes
    kind: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    link: bytes = b""
    device: tuple[int, int] = (0, 0)
    xattrs: dict[str, bytes] = {}
    sparse: tuple[tuple[int, int], ...] | None = None
    stored_size: int = 0
    offset: int = 0


def show(name: bytes) -> str:
    """Return a name for a message: printable text whatever the bytes are, and not endless."""
    text = name[:200].decode("utf-8", "backslashreplace")
    if not text.isprintable():
        text = text.encode("unicode_escape").decode("ascii")
    return text + ("…" if len(name) > 200 else "")


def malformed(what: str, offset: int) -> UnsafeArchiveError:
    """Return the error for a header that cannot be right."""
    return UnsafeArchiveError(
        f"{what} in the tar header at byte {offset}",
        hint="make the archive again; it is damaged or made to do harm",
    )


def _sum_of(block: bytes) -> int:
    """Return the sum of a block's bytes, its checksum field taken for eight spaces."""
    # adler32's low half is 1 + the sum modulo 65521, which 256 bytes cannot reach: exact, and
    # five times faster than sum(), which would be a tenth of the time of unpacking.
    return (
        (adler32(block[:148]) & 0xFFFF)
        + (adler32(block[156:412]) & 0xFFFF)
        + (adler32(block[412:]) & 0xFFFF)
        + (8 * 32 - 3)
    )


def _check_sum(block: bytes, offset: int) -> None:
    total = _sum_of(block)
    said = number(block[148:156], "the checksum", offset)
    # Some old programs summed signed characters.
    if said != total and said != total - 256 * sum(
        byte >= 0x80 for byte in block[:148] + block[156:]
    ):
        raise malformed("the checksum is wrong", offset)


def number(field: bytes, what: str, offset: int) -> int:
    """Return a numeric field's value; an empty one is 0.

    Args:
        field: Octal digits with spaces and NULs around them, or base-256 with its top bit set.
        what: The field's name for the message.
        offset: Where the header starts.

    Raises:
        UnsafeArchiveError: it is neither.
    """
    digits = field.strip(b" \0")
    if digits.isdigit():
        try:
            return int(digits, 8)
        except ValueError:
            raise malformed(f"{what} is not octal", offset) from None
    if not digits:
        return 0
    if field[0] & 0x80:
        bits = 8 * len(field) - 1
        value = int.from_bytes(field, "big") & ((1 << bits) - 1)
        return value - (1 << bits) if field[0] & 0x40 else value
    digits = digits.partition(b"\0")[0].strip(b" ")
    if digits.isdigit() and not digits.strip(b"01234567"):
        return int(digits, 8)
    raise malformed(f"{what} is not a number", offset)


def check_ranges(entry: TarEntry) -> None:
    """Refuse numbers that no file system has.

    Raises:
        UnsafeArchiveError: an id, a size or a time is out of range.
    """
    if not (0 <= entry.uid <= MAX_ID and 0 <= entry.gid <= MAX_ID):
        raise malformed(f"owner {entry.uid}:{entry.gid} is out of range", entry.offset)
    if not (0 <= entry.stored_size <= MAX_SIZE and 0 <= entry.size <= MAX_SIZE):
        raise malformed(f"size {entry.size} is out of range", entry.offset)
    if not -MAX_SECONDS <= entry.mtime_ns // 1_000_000_000 <= MAX_SECONDS:
        raise malformed("the time is out of range", entry.offset)


def _text(block: bytes, start: int, end: int) -> bytes:
    stop = block.find(0, start, end)
    return block[start : end if stop < 0 else stop]


def _name(block: bytes) -> bytes:
    name = _text(block, 0, 100)
    # GNU's magic is `ustar  `: it keeps times where ustar has the prefix. star's prefix is shorter.
    if block[345] and block[257:263] == b"ustar\0":
        prefix = _text(block, 345, 476 if block[508:512] == b"tar\0" else 500)
        return prefix + b"/" + name
    return name


def parse_block(block: bytes, offset: int) -> TarEntry:
    """Return what one header block says, with ``kind`` as the type flag was written.

    V7 and contiguous files become ``FILE``, V7 names that end with a slash ``DIRECTORY``; flags
    that describe other headers (``x``, ``g``, ``L``, ``K``) and unknown ones stay as they are.

    Args:
        block: 512 bytes.
        offset: Where they are in the archive.

    Raises:
        UnsafeArchiveError: the checksum or a field is wrong.
    """
    numbers = _plain_numbers(block)
    if numbers is None or numbers[5] != _sum_of(block):
        _check_sum(block, offset)
        numbers = (
            number(block[100:108], "the mode", offset),
            number(block[108:116], "the owner", offset),
            number(block[116:124], "the group", offset),
            number(block[124:136], "the size", offset),
            number(block[136:148], "the time", offset),
            0,
        )
    mode, uid, gid, size, seconds, _ = numbers
    kind = block[156:157]
    name = _name(block)
    if kind in _FILES:
        kind = DIRECTORY if name.endswith(b"/") and kind == b"\0" else FILE
    elif kind in b"123456":
        # Links, devices, directories and fifos have no data, whatever their size field says.
        size = 0
    device = _NO_DEVICE
    if kind in {CHARACTER, DEVICE_BLOCK}:
        device = (
            number(block[329:337], "the device number", offset),
            number(block[337:345], "the device number", offset),
        )
    return TarEntry(
        name,
        kind,
        mode & 0o7777,
        uid,
        gid,
        size,
        seconds * 1_000_000_000,
        _text(block, 157, 257) if block[157] else b"",
        device,
        {},
        None,
        size,
        offset,
    )


def _plain_numbers(block: bytes) -> tuple[int, int, int, int, int, int] | None:
    """Return mode, owner, group, size, time and checksum if all are written as is most usual.

    That is: octal digits up to the last byte of the field. Half of the time of parsing was here.
    """
    if (
        not block[100:156].translate(None, b" \0").isdigit()
        or (
            block[107] | block[115] | block[123] | block[135] | block[147] | block[154] | block[155]
        )
        & 0xDF
    ):
        return None
    try:
        return (
            int(block[100:107], 8),
            int(block[108:115], 8),
            int(block[116:123], 8),
            int(block[124:135], 8),
            int(block[136:147], 8),
            int(block[148:154], 8),
        )
    except ValueError:
        return None


def _ustar_name(name: bytes) -> tuple[bytes, bytes] | None:
    """Split a name into ustar's prefix (155 bytes) and name (100); None if it does not fit."""
    if len(name) <= 100:
        return b"", name
    cut = name.rfind(b"/", 0, min(156, len(name) - 1))
    if cut <= 0 or len(name) - cut - 1 > 100:
        return None
    return name[:cut], name[cut + 1 :]


def _head(entry: TarEntry, name: bytes) -> bytes:
    """Return a header up to its checksum."""
    seconds = entry.mtime_ns // 1_000_000_000
    return name.ljust(100, b"\0") + b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (
        entry.mode,
        entry.uid if entry.uid <= _MAX_OCTAL_ID else 0,
        entry.gid if entry.gid <= _MAX_OCTAL_ID else 0,
        entry.stored_size if entry.stored_size <= _MAX_OCTAL_SIZE else 0,
        seconds if 0 <= seconds <= _MAX_OCTAL_SIZE else 0,
    )


def _tail(kind: bytes, prefix: bytes, link: bytes, device: tuple[int, int]) -> bytes:
    """Return a header from behind its checksum."""
    tail = kind + link.ljust(100, b"\0") + b"ustar\00000" + bytes(64)
    return tail + b"%07o\0%07o\0" % device + prefix.ljust(167, b"\0")


_SIMPLE_TAILS = {
    kind: (tail, _sum_of(bytes(148) + b"        " + tail) - 1)  # adler32 begins with 1
    for kind in (FILE, DIRECTORY)
    for tail in (_tail(kind, b"", b"", _NO_DEVICE),)
}
"""Tails, and their sums, of headers that say nothing in them but the kind."""


def _is_simple(entry: TarEntry) -> bool:
    """Tell whether ustar can say everything, and that with a tail of ``_SIMPLE_TAILS``."""
    return (
        entry.kind in _SIMPLE_TAILS
        and len(entry.name) <= 100
        and entry.name.isascii()
        and not entry.xattrs
        and entry.uid <= _MAX_OCTAL_ID
        and entry.gid <= _MAX_OCTAL_ID
        and entry.stored_size <= _MAX_OCTAL_SIZE
        and 0 <= entry.mtime_ns <= _MAX_OCTAL_SIZE * 1_000_000_000
        and not entry.link
        and entry.device == _NO_DEVICE
    )


def _block(entry: TarEntry, name: bytes, prefix: bytes, link: bytes) -> bytes:
    head = _head(entry, name)
    tail = _tail(entry.kind, prefix, link, entry.device)
    block = head + b"        " + tail
    return head + b"%06o\0 " % _sum_of(block) + tail


def _pax_records(entry: TarEntry, name_fits: bool) -> dict[bytes, bytes]:
    records: dict[bytes, bytes] = {}
    if not name_fits or not entry.name.isascii():
        records[b"path"] = entry.name
    if len(entry.link) > 100 or not entry.link.isascii():
        records[b"linkpath"] = entry.link
    if entry.uid > _MAX_OCTAL_ID:
        records[b"uid"] = b"%d" % entry.uid
    if entry.gid > _MAX_OCTAL_ID:
        records[b"gid"] = b"%d" % entry.gid
    if entry.stored_size > _MAX_OCTAL_SIZE:
        records[b"size"] = b"%d" % entry.stored_size
    seconds = entry.mtime_ns // 1_000_000_000
    if not 0 <= seconds <= _MAX_OCTAL_SIZE:
        records[b"mtime"] = b"%d" % seconds
    for key, value in entry.xattrs.items():
        encoded = key.encode("utf-8", "surrogateescape")
        encoded = encoded.replace(b"%", b"%25").replace(b"=", b"%3D")
        records[b"SCHILY.xattr." + encoded] = value
    return records


def _ascii(name: bytes) -> bytes:
    return name if name.isascii() else bytes(byte for byte in name if byte < 0x80)


def format_entry(entry: TarEntry) -> bytes:
    """Return the header blocks of an entry; its data, padded to 512 bytes, come after them.

    The time is written in whole seconds (rounded down), as containerd and BuildKit do: sub-second
    times would need a pax header for nearly every file and differ between file systems.
    """
    if _is_simple(entry):
        head = _head(entry, entry.name)
        tail, tail_sum = _SIMPLE_TAILS[entry.kind]
        return head + b"%06o\0 " % ((adler32(head) & 0xFFFF) + tail_sum) + tail
    split = _ustar_name(entry.name)
    records = _pax_records(entry, split is not None)
    if not records:
        prefix, name = split or (b"", b"")
        return _block(entry, name, prefix, entry.link)
    data = format_pax(records)
    # Programs that do not know pax extract this header as a file of this name.
    base = _ascii(entry.name.rstrip(b"/").rpartition(b"/")[2])[:80]
    pax = TarEntry(b"", b"x", 0o644, 0, 0, len(data), 0, stored_size=len(data))
    prefix, name = split or (b"", entry.name[:100])
    return (
        _block(pax, b"PaxHeaders.0/" + base, b"", b"")
        + data
        + bytes(-len(data) % BLOCK)
        + _block(entry, _ascii(name), _ascii(prefix), _ascii(entry.link[:100]))
    )
