from __future__ import annotations

import gzip
import os
import random
import threading
import zlib

import pytest

from jettison.errors import UsageError
from jettison.fs.zstd import DecompressionParameter, ZstdDecompressor
from jettison.layer import compress
from jettison.layer.compress import compressor

TEXT = b"".join(b"%d bottles of beer on the wall\n" % n for n in range(100_000))
NOISE = random.Random(1).randbytes(1_500_000)


def compressed(data, name, level=None, step=1 << 20):
    pieces = []
    with compressor(pieces.append, name, level) as output:
        for start in range(0, len(data), step):
            output.write(data[start : start + step])
        output.close()
    return b"".join(pieces)


def plain(data, name):
    return {"gzip": gzip.decompress, "zstd": lambda d: ZstdDecompressor().decompress(d)}[name](data)


CASES = [("gzip", level) for level in [None, *range(10)]] + [("zstd", n) for n in (None, 1, 3, 9)]


@pytest.mark.parametrize(("name", "level"), CASES)
@pytest.mark.parametrize("data", [b"", b"x", TEXT, NOISE + TEXT], ids=["0", "1", "text", "mixed"])
def test_what_is_compressed_comes_back(name, level, data):
    assert plain(compressed(data, name, level), name) == data


@pytest.mark.parametrize(("name", "level"), [("gzip", 1), ("gzip", 6), ("zstd", 3), ("zstd", None)])
def test_the_bytes_depend_neither_on_pieces_nor_on_threads(name, level, monkeypatch):
    data = TEXT + NOISE
    expected = compressed(data, name, level)
    for threads, step in ((1, 1 << 20), (3, 777_777), (2, 3 << 20), (1, 4_000_001)):
        monkeypatch.setattr(compress, "_thread_count", lambda threads=threads: threads)
        assert compressed(data, name, level, step=step) == expected


def test_gzip_above_level_3_is_zlibs():
    found = compressed(TEXT[:100_000], "gzip", 6)
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    deflated = stream.compress(TEXT[:100_000]) + stream.flush(zlib.Z_SYNC_FLUSH)
    assert found[:-10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + deflated


def test_higher_levels_are_smaller():
    sizes = [len(compressed(TEXT, "gzip", level)) for level in (0, 1, 6, 9)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > len(TEXT)


def test_zstd_finds_equal_files_that_are_far_apart_in_a_window_that_every_decoder_has():
    noise = os.urandom(6 << 20)
    found = compressed(noise + noise, "zstd")
    assert len(found) < len(noise) + (1 << 16)
    limited = ZstdDecompressor(options={DecompressionParameter.window_log_max: 23})
    assert limited.decompress(found) == noise + noise


def test_none_passes_the_pieces_on():
    assert compressed(TEXT, "none") == TEXT


@pytest.mark.parametrize(
    ("name", "level"), [("lzma", None), ("gzip", 10), ("gzip", -1), ("zstd", 0), ("zstd", 23)]
)
def test_unknown_compressions_and_levels_are_usage_errors(name, level):
    with pytest.raises(UsageError) as caught:
        compressor(print, name, level)
    assert caught.value.hint


def test_memory_is_bounded_when_the_sink_is_slow():
    seen = []
    with compressor(seen.append, "gzip", 1) as output:
        for _ in range(64):
            output.write(os.urandom(1 << 20))
            waiting = len(output._pending)
            assert waiting <= output._ahead
        output.close()
    assert len(seen) == 66


def test_threads_end_when_a_write_fails():
    before = threading.active_count()

    def refuse(data):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"), compressor(refuse, "gzip") as output:
        output.write(TEXT)
    calls = []

    def refuse_later(data):
        calls.append(data)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")

    def feed(output):
        output.write(NOISE + TEXT)
        output.close()

    with compressor(refuse_later, "gzip") as output, pytest.raises(OSError, match="No space"):
        feed(output)
    assert threading.active_count() == before
