"""Logs of containers: each line with its time, bounded, read while they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.container.state.log import STDERR, STDOUT, Entry, LogReader, LogWriter, stamp_of


def data_of(entries) -> list[bytes]:
    return [entry.data for entry in entries]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_what_was_written_is_read_byte_by_byte(path: Path) -> None:
    writer = LogWriter(path)
    writer.write(STDOUT, b"one\ntwo\r\n\xff\0beg")
    writer.write(STDERR, b"error\n")
    writer.write(STDOUT, b"in\n")
    writer.close()
    entries = [*LogReader(path).read()]
    assert b"".join(e.data for e in entries if e.stream == STDOUT) == b"one\ntwo\r\n\xff\0begin\n"
    assert b"".join(e.data for e in entries if e.stream == STDERR) == b"error\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_long_lines_are_cut_in_pieces(path: Path) -> None:
    writer = LogWriter(path)
    line = b"x" * 100_000 + b"\n"
    writer.write(STDOUT, line)
    found = data_of(LogReader(path).read())
    assert b"".join(found) == line
    assert max(map(len, found)) <= 1 << 14


def test_a_log_has_two_files_at_most_and_the_last_lines(path: Path) -> None:
    writer = LogWriter(path, file_bytes=1000)
    for number in range(200):
        writer.write(STDOUT, b"line %d\n" % number)
    assert sum(each.stat().st_size for each in path.parent.iterdir()) <= 2000
    assert {each.name for each in path.parent.iterdir()} == {"log", "log.1"}
    found = data_of(LogReader(path).read())
    assert found[-1] == b"line 199\n"
    numbers = [int(each.split()[1]) for each in found]
    assert numbers == [*range(numbers[0], 200)]


def test_a_reader_goes_on_over_a_change_of_files(path: Path) -> None:
    writer = LogWriter(path, file_bytes=300)
    reader = LogReader(path)
    seen = []
    for number in range(50):
        writer.write(STDOUT, b"line %d\n" % number)
        seen += data_of(reader.read())
    assert seen == [b"line %d\n" % number for number in range(50)]


def test_a_reader_may_come_first(path: Path) -> None:
    reader = LogReader(path)
    assert [*reader.read()] == []
    LogWriter(path).write(STDOUT, b"late\n")
    assert data_of(reader.read()) == [b"late\n"]


def test_lines_that_a_full_disk_has_cut_are_left_out(path: Path) -> None:
    writer = LogWriter(path)
    writer.write(STDOUT, b"good\n")
    with path.open("ab") as file:
        file.write(b"2026-01-02T03\nnonsense\n")
    writer.write(STDOUT, b"more\n")
    assert data_of(LogReader(path).read()) == [b"good\n", b"more\n"]


def test_stamps_sort_as_times() -> None:
    assert stamp_of(0) == b"1970-01-01T00:00:00.000000000Z"
    assert stamp_of(1_000_000_001) > stamp_of(1_000_000_000) > stamp_of(999_999_999)
    assert Entry(stamp_of(5), STDOUT, b"").stamp.endswith(b".000000005Z")
