"""Bytes moved between descriptors until there are no more."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jettison.container.pump import Pump, write_all


class Ends:
    """What a pump said at its end."""

    def __init__(self) -> None:
        self.happened = threading.Event()
        self.error: OSError | None = None

    def __call__(self, error: OSError | None) -> None:
        self.error = error
        self.happened.set()


@pytest.fixture
def pipes() -> Iterator[list[int]]:
    """Two pipes: source and its writer, reader and the sink."""
    descriptors = [*os.pipe(), *os.pipe()]
    yield descriptors
    for each in descriptors:
        if each >= 0:
            os.close(each)


def close(descriptors: list[int], index: int) -> None:
    os.close(descriptors[index])
    descriptors[index] = -1


def test_all_bytes_pass_from_pipe_to_pipe(pipes):
    source, writer, reader, sink = pipes
    ended = Ends()
    pump = Pump(source, sink, rest=True, ended=ended)
    data = os.urandom(300_000)
    thread = threading.Thread(target=lambda: (write_all(writer, data), close(pipes, 1)))
    thread.start()
    found = b""
    while len(found) < len(data):
        found += os.read(reader, 1 << 16)
    thread.join()
    pump.join()
    assert found == data
    assert ended.happened.is_set()
    assert ended.error is None


@pytest.mark.parametrize("kind", ["file", "append", "socket", "null"])
def test_sinks_of_other_kinds_take_them_too(pipes, tmp_path: Path, kind):
    source, writer, _, _ = pipes
    ours, theirs = socket.socketpair()
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if kind == "append" else 0)
    sinks = {"socket": ours.fileno(), "null": os.open(os.devnull, os.O_WRONLY)}
    sink = sinks.get(kind) or os.open(tmp_path / "out", flags)
    pump = Pump(source, sink, rest=True, ended=Ends())
    os.write(writer, b"text")
    close(pipes, 1)
    pump.join()
    if kind == "socket":
        assert theirs.recv(10) == b"text"
    elif kind != "null":
        assert (tmp_path / "out").read_bytes() == b"text"
        os.close(sink)
    os.close(sinks["null"])
    ours.close()
    theirs.close()


def test_a_sink_that_nobody_reads_ends_it_with_the_reason(pipes):
    source, writer, _, sink = pipes
    ended = Ends()
    pump = Pump(source, sink, rest=True, ended=ended)
    close(pipes, 2)
    os.write(writer, b"x")
    assert ended.happened.wait(5)
    pump.join()
    assert ended.error is not None
    assert ended.error.errno == errno.EPIPE


@pytest.mark.parametrize(("rest", "moved"), [(True, b"before"), (False, b"")])
def test_when_it_is_stopped_only_what_is_there_already_is_moved(pipes, rest, moved):
    source, writer, reader, sink = pipes
    os.write(writer, moved)
    pump = Pump(source, sink, rest=rest, ended=Ends())
    began = time.monotonic()
    pump.stop()
    pump.join()  # though the source stays open
    assert time.monotonic() - began < 5
    os.write(writer, b"after")
    close(pipes, 3)
    assert os.read(reader, 100) == moved


def test_a_sink_that_does_not_block_is_waited_for(pipes):
    _, _, reader, sink = pipes
    os.set_blocking(sink, False)
    data = bytes(1 << 20)
    found = bytearray()

    def read() -> None:
        while len(found) < len(data):
            found.extend(os.read(reader, 1 << 16))

    thread = threading.Thread(target=read)
    thread.start()
    write_all(sink, data)
    thread.join()
    assert found == data
