"""Maps of sparse files, and maps that cannot be meant."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from jettison.errors import UnsafeArchiveError
from jettison.layer.header import BLOCK
from jettison.layer.sparse import MAX_REGIONS, checked_map, data_map, old_map, pax_map


def blocks(data: bytes) -> Callable[[], bytes]:
    """A function that returns a text block by block, the last one filled with zeros."""
    pieces = [data[start : start + BLOCK] for start in range(0, len(data), BLOCK)]
    return iter([piece.ljust(BLOCK, b"\0") for piece in pieces]).__next__


def wrong(call: Callable[[], object]) -> str:
    with pytest.raises(UnsafeArchiveError) as caught:
        call()
    message, _, place = caught.value.message.partition(" in the sparse map of ")
    assert place == "the tar header at byte 7"
    return message


def test_a_map_is_regions_in_order_without_empty_ones():
    assert checked_map([0, 5, 10, 0, 20, 5], 30, 10, 7) == ((0, 5), (20, 5))
    assert checked_map([30, 0], 30, 0, 7) == ()
    assert checked_map([], 0, 0, 7) == ()


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([0, 5, 10], "a region has no length"),
        ([10, 5, 0, 5], "regions overlap or go back"),
        ([0, 6, 5, 4], "regions overlap or go back"),
        ([0, -1], "regions overlap or go back"),
        ([25, 10], "a region is beyond the end of the file"),
        ([31, 0], "a region is beyond the end of the file"),
        ([0, 9], "regions and stored bytes differ"),
    ],
)
def test_a_map_that_contradicts_itself_is_an_error(numbers, message):
    assert wrong(lambda: checked_map(numbers, 30, 10, 7)) == message


def old_header(pairs: list[tuple[int, int]], real_size: int, *, extended: bool) -> bytes:
    fields = b"".join(b"%011o\0%011o\0" % pair for pair in pairs)
    block = bytes(386) + fields.ljust(96, b"\0") + bytes([extended]) + b"%011o\0" % real_size
    return block.ljust(BLOCK, b"\0")


def test_an_old_map_goes_on_in_further_blocks():
    further = b"%011o\0%011o\0" % (50, 5)
    more = iter([further.ljust(504, b"\0") + b"\1".ljust(8, b"\0"), bytes(BLOCK)]).__next__
    header = old_header([(0, 1), (10, 2)], 100, extended=True)
    assert old_map(header, more, 8, 7) == (100, ((0, 1), (10, 2), (50, 5)))
    assert old_map(old_header([], 9, extended=False), more, 0, 7) == (9, ())


def test_an_old_map_without_end_is_an_error():
    block = (b"%011o\0%011o\0" % (0, 0)) * 21 + b"\1".ljust(8, b"\0")
    header = old_header([(0, 1)], 100, extended=True)
    assert wrong(lambda: old_map(header, lambda: block, 1, 7)) == "too many regions"


def test_records_repeat_or_hold_a_whole_map():
    repeated = [(b"GNU.sparse.offset", b"0"), (b"GNU.sparse.numbytes", b"5"), (b"x", b"y"),
                (b"GNU.sparse.offset", b"9"), (b"GNU.sparse.numbytes", b"1")]  # fmt: skip
    assert pax_map(repeated, 10, 6, 7) == ((0, 5), (9, 1))
    assert pax_map([(b"GNU.sparse.map", b"0,5,9,1")], 10, 6, 7) == ((0, 5), (9, 1))
    assert pax_map([(b"GNU.sparse.map", b"")], 10, 0, 7) == ()
    doubled = [repeated[0], repeated[3]]
    assert wrong(lambda: pax_map(doubled, 10, 6, 7)) == "offsets and lengths do not alternate"


def test_a_map_before_the_data_says_how_much_it_takes():
    assert data_map(blocks(b"2\n0\n5\n9\n1\n"), 10, BLOCK + 6, 7) == (((0, 5), (9, 1)), BLOCK)
    numbers = b"".join(b"%d\n1\n" % (2 * n) for n in range(200))
    regions, used = data_map(blocks(b"200\n" + numbers), 400, 3 * BLOCK + 200, 7)
    assert (len(regions), used) == (200, 3 * BLOCK)


@pytest.mark.parametrize(
    ("text", "stored_size", "message"),
    [
        (b"300\n" + b"1\n" * 254, 5, "the map is longer than the entry"),
        (b"%d\n" % (MAX_REGIONS + 1), 1 << 30, "too many regions"),
        (b"1\n0\n9\n", BLOCK + 5, "regions and stored bytes differ"),
        (b"1\n0\n", 1 << 30, "a number is too long"),  # zeros follow
    ],
)
def test_a_map_before_the_data_that_is_wrong_is_an_error(text, stored_size, message):
    assert wrong(lambda: data_map(blocks(text), 10, stored_size, 7)) == message


def test_a_number_that_never_ends_is_an_error_at_once():
    began = time.monotonic()
    assert wrong(lambda: data_map(lambda: b"1" * BLOCK, 10, 1 << 30, 7)) == "a number is too long"
    assert time.monotonic() - began < 1
