"""Maps of GNU sparse files: which regions of a file its archive holds.

In:  old GNU header blocks, pax records (formats 0.0 and 0.1), or the map before the data (1.0).
Out: a checked map: (offset, length) in bytes, ascending, not overlapping, inside the file.

Source: GNU tar 1.35 manual, "Storing Sparse Files".
Security: a map must use exactly the stored bytes, and has at most ``MAX_REGIONS`` regions; no
number is longer than any that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jettison.errors import UnsafeArchiveError
from jettison.layer.header import BLOCK, number
from jettison.layer.pax import pax_integer

MAX_REGIONS = 1_000_000
_MAX_DIGITS = 20

SparseMap = tuple[tuple[int, int], ...]


def _bad(what: str, offset: int) -> UnsafeArchiveError:
    return UnsafeArchiveError(
        f"{what} in the sparse map of the tar header at byte {offset}",
        hint="make the archive again; it is damaged or made to do harm",
    )


def checked_map(numbers: Sequence[int], real_size: int, stored_size: int, offset: int) -> SparseMap:
    """Return a map from offsets and lengths in turn.

    Args:
        numbers: offset, length, offset, length, …
        real_size: Length of the file, in bytes.
        stored_size: Bytes of it that the archive holds.
        offset: Where the header is, for messages.

    Raises:
        UnsafeArchiveError: the map contradicts itself or the sizes.
    """
    if len(numbers) % 2:
        raise _bad("a region has no length", offset)
    regions: list[tuple[int, int]] = []
    end = total = 0
    for start, length in zip(numbers[::2], numbers[1::2], strict=True):
        if start < end or length < 0:
            raise _bad("regions overlap or go back", offset)
        end = start + length
        total += length
        if length:
            regions.append((start, length))
    if end > real_size:
        raise _bad("a region is beyond the end of the file", offset)
    if total != stored_size:
        raise _bad("regions and stored bytes differ", offset)
    return tuple(regions)


def old_map(
    block: bytes, more: Callable[[], bytes], stored_size: int, offset: int
) -> tuple[int, SparseMap]:
    """Return (real size, map) of an old GNU sparse header (type ``S``).

    Args:
        block: The header block.
        more: Returns the next block of the archive.
        stored_size: The header's size.
        offset: Where the header is.

    Raises:
        UnsafeArchiveError: the map is wrong.
    """
    real_size = number(block[483:495], "the real size", offset)
    numbers = _fields(block[386:482], offset)
    extended = block[482]
    while extended:
        extension = more()
        numbers += _fields(extension[:504], offset)
        extended = extension[504]
        if len(numbers) > 2 * MAX_REGIONS:
            raise _bad("too many regions", offset)
    return real_size, checked_map(numbers, real_size, stored_size, offset)


def _fields(data: bytes, offset: int) -> list[int]:
    numbers: list[int] = []
    for start in range(0, len(data), 24):
        if not data[start]:
            break
        numbers.append(number(data[start : start + 12], "a region's offset", offset))
        numbers.append(number(data[start + 12 : start + 24], "a region's length", offset))
    return numbers


def pax_map(
    records: Sequence[tuple[bytes, bytes]], real_size: int, stored_size: int, offset: int
) -> SparseMap:
    """Return the map of formats 0.0 (repeated records) and 0.1 (one record).

    Raises:
        UnsafeArchiveError: the map is wrong.
    """
    numbers: list[int] = []
    for key, value in records:
        if key == b"GNU.sparse.map":
            numbers = [pax_integer(item, "a region", offset) for item in value.split(b",") if value]
        elif key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
            if (len(numbers) % 2 == 0) != (key == b"GNU.sparse.offset"):
                raise _bad("offsets and lengths do not alternate", offset)
            numbers.append(pax_integer(value, "a region", offset))
    return checked_map(numbers, real_size, stored_size, offset)


def data_map(
    more: Callable[[], bytes], real_size: int, stored_size: int, offset: int
) -> tuple[SparseMap, int]:
    """Return (map, bytes that the map takes) of format 1.0, where the map precedes the data.

    Args:
        more: Returns the next block of the entry's data.
        real_size: Length of the file.
        stored_size: Bytes in the archive, the map included.
        offset: Where the header is.

    Raises:
        UnsafeArchiveError: the map is wrong.
    """
    data = b""
    used = 0
    wanted = 1
    numbers: list[int] = []
    while len(numbers) < wanted:
        if used + BLOCK > stored_size + BLOCK - 1:
            raise _bad("the map is longer than the entry", offset)
        data += more()
        used += BLOCK
        *lines, data = data.split(b"\n")
        for line in lines:
            if len(numbers) == wanted:
                break
            numbers.append(pax_integer(line, "a region", offset))
            if len(numbers) == 1:
                wanted = 1 + 2 * numbers[0]
                if numbers[0] > MAX_REGIONS:
                    raise _bad("too many regions", offset)
        if len(numbers) < wanted and len(data) > _MAX_DIGITS:
            raise _bad("a number is too long", offset)
    return checked_map(numbers[1:], real_size, stored_size - used, offset), used
