"""Files with holes: read in no time, and bounded."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from jettison.errors import ContentError
from jettison.fs.holes import (
    MAX_FILE_BYTES,
    MAX_HOLE_BYTES,
    check_size,
    data_regions,
    may_have_holes,
    pieces,
)

BLOCK = 1 << 16


@pytest.fixture
def file(tmp_path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def test_regions_are_what_was_written(file):
    os.pwrite(file, b"a" * BLOCK, 2 * BLOCK)
    os.pwrite(file, b"b" * BLOCK, 5 * BLOCK)
    os.ftruncate(file, 8 * BLOCK)
    assert list(data_regions(file, 8 * BLOCK)) == [
        (2 * BLOCK, 3 * BLOCK),
        (5 * BLOCK, 6 * BLOCK),
    ]
    assert list(data_regions(file, 2 * BLOCK + 5)) == [(2 * BLOCK, 2 * BLOCK + 5)]
    assert list(data_regions(file, 0)) == []
    assert may_have_holes(os.fstat(file))


@pytest.mark.parametrize("amount", [1000, BLOCK, 1 << 22])
def test_pieces_are_the_bytes_of_the_file(file, amount):
    os.pwrite(file, os.urandom(BLOCK), BLOCK)
    os.pwrite(file, b"end", 4 * BLOCK)
    os.ftruncate(file, 4 * BLOCK + 100)
    found = list(pieces(file, 4 * BLOCK + 100, amount))
    assert b"".join(found) == os.pread(file, 5 * BLOCK, 0)
    assert max(map(len, found)) <= amount


@pytest.mark.parametrize("size", [BLOCK, 0])
def test_a_file_that_became_shorter_ends_early(file, size):
    os.pwrite(file, b"a" * 2 * BLOCK, 0)
    os.ftruncate(file, size)
    assert b"".join(pieces(file, 3 * BLOCK, 1000)) == b"a" * size


def test_a_small_file_without_holes_is_fine(file):
    os.pwrite(file, b"a" * BLOCK, 0)
    check_size(file, os.fstat(file), "name")


def test_holes_up_to_a_limit_are_fine(file):
    os.ftruncate(file, MAX_HOLE_BYTES)
    check_size(file, os.fstat(file), "name")
    os.ftruncate(file, MAX_HOLE_BYTES + 1)
    with pytest.raises(ContentError) as caught:
        check_size(file, os.fstat(file), "name")
    assert caught.value.message == (
        "`name` has holes of 64 GiB, which an image holds as zeros; up to 64 GiB are allowed"
    )
    assert caught.value.hint.startswith("make the file where it is used")


def test_a_file_of_petabytes_is_refused_before_its_holes_are_looked_at(file):
    os.ftruncate(file, 3 * MAX_FILE_BYTES // 2)
    with pytest.raises(ContentError) as caught:
        check_size(-1, os.fstat(file), "name")
    assert caught.value.message == "`name` is 1.5 TiB long; files of up to 1 TiB can be in an image"
