"""Pax extended headers: records ``length key=value``.

In:  the data of a header of type ``x`` or ``g``, or records to write.
Out: records as a dictionary of bytes, in the order of the archive; a later one wins.

Source: POSIX.1-2017 pax, "pax Extended Header".
Security: lengths must add up exactly, so that no two programs see two archives in one.
"""

from __future__ import annotations

from jettison.errors import UnsafeArchiveError

_NO_NUL = frozenset({b"path", b"linkpath", b"GNU.sparse.name"})


def _bad(what: str, offset: int) -> UnsafeArchiveError:
    return UnsafeArchiveError(
        f"{what} in the pax header at byte {offset}",
        hint="make the archive again; it is damaged or made to do harm",
    )


def parse_pax(data: bytes, offset: int) -> list[tuple[bytes, bytes]]:
    """Return the records of an extended header; keys repeat in GNU's sparse format 0.0.

    Args:
        data: The header's data without padding.
        offset: Where its block is in the archive, for messages.

    Raises:
        UnsafeArchiveError: a record is malformed.
    """
    records: list[tuple[bytes, bytes]] = []
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 20)
        digits = data[position:space] if space > 0 else b""
        if not digits.isdigit():
            raise _bad("a record has no length", offset)
        end = position + int(digits)
        if end > len(data) or end <= space + 1 or data[end - 1] != 0x0A:
            raise _bad("a record has a wrong length", offset)
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not equals or not key or b"\0" in key or (key in _NO_NUL and b"\0" in value):
            raise _bad("a record is malformed", offset)
        records.append((key, value))
        position = end
    return records


def format_pax(records: dict[bytes, bytes]) -> bytes:
    """Return the data of an extended header, keys sorted.

    Names that are no UTF-8 are announced with ``hdrcharset=BINARY``, as POSIX asks.
    """
    named = (records.get(b"path", b""), records.get(b"linkpath", b""))
    charset = b"" if all(map(_is_utf8, named)) else _record(b"hdrcharset", b"BINARY")
    return charset + b"".join(_record(key, records[key]) for key in sorted(records))


def _record(key: bytes, value: bytes) -> bytes:
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def pax_integer(value: bytes, what: str, offset: int) -> int:
    """Return a decimal number of a record.

    Raises:
        UnsafeArchiveError: it is none, or has more than 20 digits.
    """
    if not value.isdigit() or len(value) > 20:
        raise _bad(f"{what} is not a number", offset)
    return int(value)


def pax_time_ns(value: bytes, offset: int) -> int:
    """Return a time in nanoseconds from decimal seconds, such as ``1700000000.25``.

    Raises:
        UnsafeArchiveError: it is no time.
    """
    sign = -1 if value.startswith(b"-") else 1
    whole, _, fraction = value.removeprefix(b"-").partition(b".")
    if not whole.isdigit() or len(whole) > 20 or (fraction and not fraction.isdigit()):
        raise _bad("a time is not a number", offset)
    return sign * (int(whole) * 1_000_000_000 + int(fraction[:9].ljust(9, b"0")))
