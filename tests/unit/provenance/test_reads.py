"""What a RUN read, as it is kept."""

from __future__ import annotations

import zlib

import pytest

from jettison.provenance.reads import StepReads, decode_reads, encode_reads


def test_reads_come_back_as_they_were():
    reads = StepReads(("/a", "/a/b"), ("/a/x", "/a/b/\udcff"), ("/a",), is_whole=False)
    assert decode_reads(encode_reads(reads)) == reads
    assert decode_reads(encode_reads(StepReads())) == StepReads()


@pytest.mark.parametrize("data", [b"", b"x", zlib.compress(b"x"), zlib.compress(b"\x94\xc0\xc0")])
def test_damaged_ones_are_an_error(data):
    with pytest.raises(ValueError, match="damaged reads"):
        decode_reads(data)
