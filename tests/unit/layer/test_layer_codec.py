from __future__ import annotations

import hashlib
import io
import os
import threading

import pytest

from jettison.errors import DigestMismatchError, StorageError, UnsafeArchiveError
from jettison.layer.codec import pack_layer, unpack_layer
from jettison.layer.pack import pack
from jettison.layer.threads import HashThread, ReadAhead
from layer_archives import archive, facts, member
from ownership_rig import OWNERSHIP


@pytest.fixture
def upper(tmp_path):
    path = tmp_path / "upper"
    (path / "d").mkdir(parents=True)
    (path / "d/f").write_bytes(b"data" * 1_000_000)
    (path / "d/g").write_bytes(b"")
    (path / "s").symlink_to("d/f")
    return path


@pytest.fixture
def into(tmp_path):
    path = tmp_path / "into"
    path.mkdir()
    return path


def digest(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_layer_packs_and_unpacks_to_itself(upper, into, compression):
    pieces, tar = [], []
    diff_id = pack_layer(upper, OWNERSHIP, pieces.append, compression)
    pack(upper, OWNERSHIP, tar.append)
    assert diff_id == digest(b"".join(tar))
    stream = io.BytesIO(b"".join(pieces))
    unpacked, found = unpack_layer(stream, compression, into, OWNERSHIP, diff_id)
    assert found == diff_id
    assert unpacked.size_bytes == 4_000_000
    assert facts(into) == facts(upper)


def test_another_diff_id_is_refused(into):
    data = archive(member("f", b"1"))
    with pytest.raises(DigestMismatchError, match="its image promises"):
        unpack_layer(io.BytesIO(data), "none", into, OWNERSHIP, digest(b"other"))


def test_bytes_behind_the_archive_belong_to_the_diff_id(into):
    data = archive(member("f", b"1")) + b"behind" * 10_000
    _, found = unpack_layer(io.BytesIO(data), "auto", into, OWNERSHIP, None)
    assert found == digest(data)


def test_sha512_diff_ids_are_verified(into):
    data = archive(member("f", b"1"))
    _, found = unpack_layer(io.BytesIO(data), "none", into, OWNERSHIP, digest(data, "sha512"))
    assert found == digest(data, "sha512")


@pytest.mark.parametrize("cut", [10, 1000, -1])
def test_a_truncated_blob_is_refused(upper, into, cut):
    pieces = []
    pack_layer(upper, OWNERSHIP, pieces.append, "gzip")
    with pytest.raises(UnsafeArchiveError):
        unpack_layer(io.BytesIO(b"".join(pieces)[:cut]), "gzip", into, OWNERSHIP, None)


def test_threads_end_whatever_happens(upper, into):
    before = threading.active_count()
    big = io.BytesIO(archive(member("../evil"), member("f", os.urandom(30 << 20))))
    with pytest.raises(UnsafeArchiveError):
        unpack_layer(big, "none", into, OWNERSHIP, None)

    def refuse(data):
        raise StorageError("disk full")

    with pytest.raises(StorageError, match="disk full"):
        pack_layer(upper, OWNERSHIP, refuse, "gzip")
    assert threading.active_count() == before


def test_errors_of_the_stream_reach_the_caller():
    class Broken:
        def read(self, size):
            raise RuntimeError("connection lost")

    with ReadAhead(Broken()) as ahead:
        with pytest.raises(RuntimeError, match="connection lost"):
            ahead.read(10)
        assert ahead.read(10) == b""


def test_reading_ahead_keeps_the_order_and_the_requested_sizes():
    data = bytes(range(256)) * 40_000
    with HashThread() as hashing, ReadAhead(io.BytesIO(data), hashing) as ahead:
        found = b""
        while piece := ahead.read(300_001):
            assert len(piece) <= 300_001
            found += piece
        assert hashing.digest() == digest(data)
    assert found == data


def test_reading_ahead_can_be_given_up():
    with ReadAhead(io.BytesIO(bytes(100 << 20))) as ahead:
        assert ahead.read(1) == b"\0"


def test_a_clamped_layer_has_another_diff_id(upper):
    os.utime(upper / "d/f", (5_000, 5_000))
    plain = pack_layer(upper, OWNERSHIP, len, "none")
    assert pack_layer(upper, OWNERSHIP, len, "none", clamp_mtime=10) != plain
    assert pack_layer(upper, OWNERSHIP, len, "none", clamp_mtime=2**33) == plain


@pytest.mark.parametrize("sizes", [(), (3,), (512, 256 << 10), (256 << 10, 1, 1), (1 << 20,) * 3])
def test_a_digest_does_not_depend_on_where_it_is_computed(sizes):
    pieces = [bytes([number]) * size for number, size in enumerate(sizes)]
    with HashThread("sha512") as hashing:
        for piece in pieces:
            hashing.update(piece)
        assert hashing.digest() == digest(b"".join(pieces), "sha512")
