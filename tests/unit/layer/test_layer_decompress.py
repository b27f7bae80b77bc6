from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma

import pytest

from jettison.errors import UnsafeArchiveError, UsageError
from jettison.fs.zstd import CompressionParameter, ZstdCompressor
from jettison.layer.decompress import detect, open_decompressed
from jettison.layer.limits import ArchiveLimits

DATA = b"".join(b"%d lines of text\n" % n for n in range(200_000))


def zstd(data, **options):
    return ZstdCompressor(options=options.get("options") or {100: 3}).compress(
        data, ZstdCompressor.FLUSH_FRAME
    )


PACK = {
    name: functools.cache(function)
    for name, function in {
        "gzip": gzip.compress,
        "bzip2": bz2.compress,
        "xz": functools.partial(lzma.compress, preset=1),
        "zstd": zstd,
    }.items()
}
NAMES = sorted(PACK)


class Trickle(io.BytesIO):
    def read(self, size=-1):
        return super().read(min(size, 7) if size > 0 else 7)


def plain(data, name="auto", **options):
    with open_decompressed(io.BytesIO(data), name, **options) as stream:
        return stream.read()


@pytest.mark.parametrize("name", NAMES)
def test_the_compression_is_found_by_the_first_bytes(name):
    data = PACK[name](DATA)
    assert detect(data[:6]) == name
    with open_decompressed(io.BytesIO(data)) as stream:
        assert stream.compression == name
        assert stream.read() == DATA


def test_other_bytes_pass_as_they_are():
    for data in (b"", b"x", b"plain", DATA):
        assert plain(data) == data
        assert plain(data, "none") == data


def test_none_does_not_look():
    data = gzip.compress(DATA)
    assert plain(data, "none") == data


@pytest.mark.parametrize("name", NAMES)
def test_pieces_of_any_length_give_the_same_bytes(name):
    data = PACK[name](DATA[:50_000])
    with open_decompressed(Trickle(data)) as stream:
        found = b""
        while piece := stream.read(1000):
            assert len(piece) <= 1000
            found += piece
    assert found == DATA[:50_000]


@pytest.mark.parametrize("name", NAMES)
def test_members_and_frames_follow_one_another(name):
    data = PACK[name](b"one ") + PACK[name](b"") + PACK[name](b"two") + bytes(100)
    assert plain(data) == b"one two"
    with open_decompressed(Trickle(data)) as stream:
        assert stream.read() == b"one two"


def test_skippable_zstd_frames_are_skipped():
    skippable = b"\x5e\x2a\x4d\x18" + (10).to_bytes(4, "little") + b"0123456789"
    assert plain(skippable + zstd(b"one ") + skippable + zstd(b"two") + skippable) == b"one two"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("garbage", [b"x", b"garbage behind", b"\0\0\0x", b"\x1f\x8b"])
def test_other_bytes_behind_the_end_are_an_error(name, garbage):
    with pytest.raises(UnsafeArchiveError, match="other bytes follow"):
        plain(PACK[name](b"data") + garbage)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_truncated_stream_is_an_error(name, part):
    data = PACK[name](DATA)
    with pytest.raises(UnsafeArchiveError, match="damaged"):
        plain(data[: int(len(data) * part)])


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_byte_is_an_error(name):
    data = bytearray(PACK[name](DATA) if name != "zstd" else zstd(DATA, options={100: 3, 201: 1}))
    data[len(data) // 2] ^= 0x55
    with pytest.raises(UnsafeArchiveError, match="damaged"):
        plain(bytes(data))


def test_a_wrong_gzip_checksum_is_an_error():
    data = bytearray(gzip.compress(DATA))
    data[-5] ^= 1
    with pytest.raises(UnsafeArchiveError, match="damaged"):
        plain(bytes(data))


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_of_another_compression_is_an_error(name):
    with pytest.raises(UnsafeArchiveError, match=f"said to be {name} and is not"):
        plain(b"something else", name)


def test_an_unknown_compression_is_a_usage_error():
    with pytest.raises(UsageError, match="unknown compression `lz4`"):
        plain(b"x" * 10, "lz4")


def test_output_beyond_the_limit_is_refused():
    data = gzip.compress(bytes(10_000_000))
    assert len(plain(data, limits=ArchiveLimits(max_bytes=10_000_000))) == 10_000_000
    with pytest.raises(UnsafeArchiveError, match="hold more than"):
        plain(data, limits=ArchiveLimits(max_bytes=9_999_999))


@pytest.mark.parametrize("name", ["bzip2", "zstd"])
def test_a_bomb_is_refused_by_its_ratio_and_takes_little_memory(name):
    data = PACK[name](bytes(50_000_000))
    limits = ArchiveLimits(max_ratio=1000, ratio_from_bytes=5_000_000)
    produced = []
    with (
        open_decompressed(io.BytesIO(data), limits=limits) as stream,
        pytest.raises(UnsafeArchiveError, match="hold more than"),
    ):
        produced += map(len, iter(lambda: stream.read(1 << 30), b""))
    assert max(produced) <= 1 << 20
    assert sum(produced) <= 6_100_000


def test_windows_beyond_128_mib_are_refused():
    options = {
        CompressionParameter.compression_level: 1,
        CompressionParameter.window_log: 28,
        CompressionParameter.content_size_flag: 0,
    }
    data = ZstdCompressor(options=options)
    frame = data.compress(b"x" * 1000) + data.flush()
    with pytest.raises(UnsafeArchiveError, match="damaged"):
        plain(frame)


def test_a_closed_stream_is_at_its_end():
    stream = open_decompressed(io.BytesIO(gzip.compress(DATA)))
    assert stream.read(10) == DATA[:10]
    stream.close()
    assert stream.read(10) == b""
