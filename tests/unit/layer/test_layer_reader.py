from __future__ import annotations

import io
import tarfile

import pytest

from jettison.errors import SourceError, UnsafeArchiveError
from jettison.layer.header import TarEntry, format_entry
from jettison.layer.limits import ArchiveLimits
from jettison.layer.pax import format_pax
from jettison.layer.reader import TarReader
from layer_archives import archive, directory, hard_link, member, symlink


class Slow(io.BytesIO):
    """Returns at most a few bytes at a time."""

    def __init__(self, data, step):
        super().__init__(data)
        self.step = step

    def read(self, size=-1):
        return super().read(min(size, self.step))


def read_all(data, **options):
    reader = TarReader(io.BytesIO(data), **options)
    return [(entry, b"".join(reader.data())) for entry in reader]


LONG = "long/" * 60 + "name"


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["gnu", "pax"])
@pytest.mark.parametrize("step", [1, 511, 513, 10_000])
def test_pieces_of_any_length_give_the_same_entries(form, step):
    data = archive(
        directory("d/"),
        member(LONG, b"x" * 1000),
        symlink("s", LONG),
        hard_link("h", LONG),
        member("big-owner", b"y", uid=3_000_000),
        form=form,
    )
    reader = TarReader(Slow(data, step))
    found = [(entry.name, entry.link, entry.uid, b"".join(reader.data())) for entry in reader]
    assert found == [(e.name, e.link, e.uid, content) for e, content in read_all(data)]
    assert found[1][0] == LONG.encode()
    assert found[1][3] == b"x" * 1000
    assert found[2][1] == LONG.encode()
    assert found[3][1] == LONG.encode()
    assert found[4][2] == 3_000_000


def test_unread_data_is_skipped():
    data = archive(member("a", b"1" * 5000), member("b", b"2"))
    assert [entry.name for entry in TarReader(Slow(data, 700))] == [b"a", b"b"]


def test_pax_records_win_over_the_header():
    info, data = member("a", b"123")
    info.pax_headers = {
        "mtime": "1.25",
        "SCHILY.xattr.user.k": "v",
        "comment": "ignored",
    }
    ((entry, content),) = read_all(archive((info, data)))
    assert (entry.mtime_ns, entry.xattrs, content) == (1_250_000_000, {"user.k": b"v"}, b"123")


def test_global_records_hold_for_all_entries_but_name_nothing():
    data = archive(
        member("a", b"1"), member("b"), pax_headers={"uid": "7", "path": "evil", "comment": "c"}
    )
    # The library writes each entry's own uid only when it needs to.
    assert [(entry.name, entry.uid) for entry, _ in read_all(data)] == [(b"a", 7), (b"b", 7)]


def test_an_archive_with_only_a_global_header_is_empty():
    assert read_all(archive(pax_headers={"comment": "commit"})) == []


@pytest.mark.parametrize("cut", [100, 512, 700, 1023])
def test_an_archive_that_ends_early_is_an_error(cut):
    data = archive(member("a", b"1" * 600))[:cut]
    with pytest.raises(UnsafeArchiveError, match="ends"):
        read_all(data)


def test_the_end_may_be_missing_and_zeros_may_follow():
    data = archive(member("a", b"1" * 512))
    assert len(read_all(data[:1024])) == 1
    assert len(read_all(data + bytes(5000))) == 1


def test_bytes_behind_the_end_are_drained():
    stream = io.BytesIO(archive(member("a")) + b"behind")
    reader = TarReader(stream)
    assert reader.next() is not None
    assert reader.next() is None
    assert reader.next() is None
    reader.drain()
    assert stream.read() == b""


def test_an_extended_header_without_an_entry_is_an_error():
    data = archive(member(LONG))
    with pytest.raises(UnsafeArchiveError, match="no entry follows"):
        read_all(data[:1024] + bytes(1024))


def test_an_extended_header_of_more_than_a_mebibyte_is_refused():
    header = format_entry(TarEntry(b"h", b"x", 0, 0, 0, 2 << 20, 0, stored_size=2 << 20))
    with pytest.raises(UnsafeArchiveError, match="extended header is too large"):
        read_all(header + bytes(2 << 20))


def test_more_entries_than_allowed_are_refused():
    data = archive(member("a"), member("b"), member("c"))
    assert len(read_all(data, limits=ArchiveLimits(max_entries=3))) == 3
    with pytest.raises(UnsafeArchiveError, match="more than 2 entries"):
        read_all(data, limits=ArchiveLimits(max_entries=2))


def test_more_bytes_than_allowed_are_refused_before_they_are_read():
    header = format_entry(TarEntry(b"huge", b"0", 0, 0, 0, 1 << 40, 0, stored_size=1 << 40))
    with pytest.raises(UnsafeArchiveError, match="`huge` makes the archive larger than 1000"):
        TarReader(io.BytesIO(header), ArchiveLimits(max_bytes=1000)).next()


def test_a_stream_that_fails_is_a_source_error():
    class Broken:
        def read(self, size):
            raise OSError(5, "Input/output error")

    with pytest.raises(SourceError, match="cannot read the archive"):
        TarReader(Broken()).next()


def sparse(records, data, size=None):
    pax = format_pax(records) if isinstance(records, dict) else records
    stored = len(data)
    return (
        format_entry(TarEntry(b"p", b"x", 0, 0, 0, 0, 0, stored_size=len(pax)))
        + pax.ljust(-(-len(pax) // 512) * 512, b"\0")
        + format_entry(TarEntry(b"s", b"0", 0o644, 0, 0, 0, 0, stored_size=stored))
        + data.ljust(-(-stored // 512) * 512, b"\0")
        + format_entry(TarEntry(b"next", b"0", 0o644, 0, 0, 0, 0))
        + bytes(1024)
    )


def record(key, value):
    return format_pax({key: value})


SPARSE_00 = b"".join(
    [
        record(b"GNU.sparse.size", b"5000"),
        record(b"GNU.sparse.numblocks", b"2"),
        record(b"GNU.sparse.offset", b"0"),
        record(b"GNU.sparse.numbytes", b"3"),
        record(b"GNU.sparse.offset", b"4000"),
        record(b"GNU.sparse.numbytes", b"2"),
    ]
)
SPARSE_01 = {
    b"GNU.sparse.size": b"5000",
    b"GNU.sparse.name": b"s",
    b"GNU.sparse.map": b"0,3,4000,2",
}
SPARSE_10 = {
    b"GNU.sparse.major": b"1",
    b"GNU.sparse.minor": b"0",
    b"GNU.sparse.name": b"s",
    b"GNU.sparse.realsize": b"5000",
}


@pytest.mark.parametrize(
    ("records", "data"),
    [
        (SPARSE_00, b"abcde"),
        (SPARSE_01, b"abcde"),
        (SPARSE_10, b"2\n0\n3\n4000\n2\n".ljust(512, b"\0") + b"abcde"),
    ],
    ids=["0.0", "0.1", "1.0"],
)
def test_all_pax_forms_of_sparse_files_are_understood(records, data):
    (entry, content), (after, _) = read_all(sparse(records, data))
    assert (entry.name, entry.size, entry.sparse) == (b"s", 5000, ((0, 3), (4000, 2)))
    assert content == b"abcde"
    assert after.name == b"next"


@pytest.mark.parametrize(
    ("changes", "data"),
    [
        ({b"GNU.sparse.map": b"0,3,2,2"}, b"abcde"),
        ({b"GNU.sparse.map": b"0,3,4999,2"}, b"abcde"),
        ({b"GNU.sparse.map": b"0,3"}, b"abcde"),
        ({b"GNU.sparse.map": b"0,3,4"}, b"abcde"),
        ({b"GNU.sparse.map": b"0,x"}, b"abcde"),
        ({b"GNU.sparse.map": b"0,99999999999999999999"}, b"abcde"),
        ({b"GNU.sparse.size": b"99999999999999999999"}, b"abcde"),
    ],
    ids=["overlap", "beyond the end", "too few", "no length", "no number", "too long", "too large"],
)
def test_sparse_maps_that_contradict_are_refused(changes, data):
    with pytest.raises(UnsafeArchiveError):
        read_all(sparse({**SPARSE_01, **changes}, data))


@pytest.mark.parametrize(
    "data",
    [b"", b"9999999999\n", b"1\n", b"x\n", b"2\n0\n3\n".ljust(512, b"\0"), b"1" * 600],
)
def test_maps_before_the_data_that_contradict_are_refused(data):
    with pytest.raises(UnsafeArchiveError):
        read_all(sparse(SPARSE_10, data))
