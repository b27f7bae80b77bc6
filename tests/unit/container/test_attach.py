"""Pipes and terminals between a caller and a container, whose place a test takes."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import struct
import termios
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from jettison.container.attach import Pipes, Terminal, set_size
from jettison.errors import HostError


@pytest.fixture
def caller() -> Iterator[list[int]]:
    """Pipes of a caller: read and write ends of its input, output and error."""
    descriptors = [*os.pipe(), *os.pipe(), *os.pipe()]
    yield descriptors
    for each in descriptors:
        if each >= 0:
            os.close(each)


def read_all(descriptor: int) -> bytes:
    return b"".join(iter(lambda: os.read(descriptor, 1 << 16), b""))


def test_a_container_reads_input_and_both_outputs_arrive_where_they_belong(caller):
    source, typed, out, stdout, err, stderr = caller
    os.write(typed, b"question\n")
    os.close(typed)
    caller[1] = -1
    with Pipes(source, stdout, stderr) as pipes:
        streams = [
            os.dup(each)
            for each in (pipes.streams.stdin, pipes.streams.stdout, pipes.streams.stderr)
        ]
        pipes.begin(lambda: None)
        assert read_all(streams[0]) == b"question\n"
        os.write(streams[1], b"answer")
        os.write(streams[2], b"problem")
        for each in streams:
            os.close(each)
        assert pipes.finish(3) == 3
    assert (os.read(out, 100), os.read(err, 100)) == (b"answer", b"problem")


def test_without_input_there_is_an_empty_one(caller):
    _, _, _, stdout, _, stderr = caller
    with Pipes(-1, stdout, stderr) as pipes:
        assert os.read(pipes.streams.stdin, 1) == b""
        pipes.begin(lambda: None)
        assert pipes.finish(0) == 0


def test_what_the_container_gets_are_pipes_of_its_own(caller):
    _, _, _, stdout, _, stderr = caller
    with Pipes(-1, stdout, stderr) as pipes:
        assert os.fstat(pipes.streams.stdout).st_ino != os.fstat(stdout).st_ino
        pipes.begin(lambda: None)
        pipes.finish(0)


def test_a_container_whose_output_cannot_be_written_is_ended_and_that_is_an_error(caller):
    killed = threading.Event()
    with open("/dev/full", "wb", buffering=0) as full, Pipes(-1, full.fileno(), caller[5]) as pipes:
        stdout = os.dup(pipes.streams.stdout)
        pipes.begin(killed.set)
        os.write(stdout, b"x")
        assert killed.wait(5)
        os.close(stdout)
        with pytest.raises(HostError) as caught:
            pipes.finish(137)
    assert caught.value.message == (
        "cannot pass on what the container writes: No space left on device"
    )


def test_a_container_that_writes_to_nobody_gets_a_broken_pipe_and_then_is_ended(
    caller, monkeypatch
):
    monkeypatch.setattr("jettison.container.attach._PATIENCE_SECONDS", 0.05)
    os.close(caller[2])
    caller[2] = -1
    killed = threading.Event()
    with Pipes(-1, caller[3], caller[5]) as pipes:
        stdout = os.dup(pipes.streams.stdout)
        pipes.begin(killed.set)
        os.write(stdout, b"x")
        assert killed.wait(5)
        with pytest.raises(BrokenPipeError):
            os.write(stdout, b"x")
        os.close(stdout)
        assert pipes.finish(137) == 128 + signal.SIGPIPE


def test_an_error_in_the_block_ends_the_container(caller):
    killed = threading.Event()
    with suppress(ZeroDivisionError), Pipes(-1, caller[3], caller[5]) as pipes:
        pipes.begin(killed.set)
        raise ZeroDivisionError
    assert killed.is_set()


def size_of(terminal: int) -> tuple[int, ...]:
    return struct.unpack("4H", fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8)))[:2]


@pytest.fixture
def user() -> Iterator[tuple[int, int]]:
    """The user's terminal: what the user sees, and what this process has."""
    seen, own = os.openpty()
    set_size(own, (30, 100))
    yield seen, own
    os.close(seen)
    os.close(own)


def hand_over(terminal: Terminal) -> int:
    """Make the container's terminal as a driver does; return the container's side."""
    master, slave = os.openpty()
    with socket.socket(fileno=os.dup(terminal.streams.stdin)) as console:
        socket.send_fds(console, [b"."], [master])
    os.close(master)
    return slave


def test_a_terminal_is_of_the_user_s_size_and_what_is_typed_goes_through(user):
    seen, own = user
    before = termios.tcgetattr(own)
    with Terminal(own, own) as terminal:
        assert terminal.size == (30, 100)
        slave = hand_over(terminal)
        terminal.begin(lambda: None)
        assert size_of(slave) == (30, 100)
        assert not termios.tcgetattr(own)[3] & termios.ECHO  # raw meanwhile
        set_size(own, (10, 20))
        terminal.resize()
        assert size_of(slave) == (10, 20)
        os.write(seen, b"a\r")
        assert os.read(slave, 10) == b"a\n"
        os.write(slave, b"b")
        shown = b""
        while not shown.endswith(b"b"):
            assert select.select([seen], [], [], 5)[0]
            shown += os.read(seen, 100)
        os.close(slave)
        assert terminal.finish(7) == 7
    assert termios.tcgetattr(own) == before


def test_a_terminal_that_was_not_made_is_left_to_the_container_to_explain():
    with Terminal(-1, -1) as terminal:
        assert terminal.size is None
        terminal.begin(lambda: None)
        terminal.resize()
        assert terminal.finish(125) == 125


def test_input_of_a_file_ends_as_if_it_was_typed(tmp_path):
    (tmp_path / "in").write_bytes(b"text\n")
    with (
        open(tmp_path / "in", "rb") as source,
        open(os.devnull, "wb") as sink,
        Terminal(source.fileno(), sink.fileno()) as terminal,
    ):
        slave = hand_over(terminal)
        terminal.begin(lambda: None)
        assert os.read(slave, 10) == b"text\n"
        assert os.read(slave, 10) == b""
        os.close(slave)
