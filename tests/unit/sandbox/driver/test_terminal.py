"""Terminals that are made on the host, and handed over."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
from pathlib import Path

import pytest

from jettison.sandbox.base import Streams
from jettison.sandbox.driver.terminal import host_terminal
from jettison.sandbox.spec import Root, RootKind, SandboxSpec

ROOT = Root(RootKind.DIRECTORY, Path("/upper"))


def spec(**fields) -> SandboxSpec:
    return SandboxSpec(ROOT, ("sh",), (), **fields)


def test_without_a_terminal_streams_are_as_they_were():
    streams = Streams(0, 1, 2)
    with host_terminal(spec(), streams) as found:
        assert found is streams


def test_the_master_side_goes_over_the_socket_and_the_slave_side_is_of_the_wanted_size():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        streams = Streams(theirs.fileno(), theirs.fileno(), theirs.fileno())
        with host_terminal(spec(terminal=True, terminal_size=(30, 100)), streams) as found:
            byte, (master,), _, _ = socket.recv_fds(ours, 1, 1)
            slave = found.stdin
            assert (byte, found) == (b".", Streams(slave, slave, slave))
            size = fcntl.ioctl(slave, termios.TIOCGWINSZ, bytes(8))
            assert struct.unpack("4H", size)[:2] == (30, 100)
            os.write(slave, b"out\n")
            assert os.read(master, 100) == b"out\r\n"
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(slave)
        with pytest.raises(OSError, match="Input/output error"):
            os.read(master, 1)  # nobody has the other side any more
        os.close(master)


def test_when_it_cannot_be_handed_over_both_sides_are_closed():
    before = set(os.listdir("/proc/self/fd"))
    ours, theirs = socket.socketpair()
    with theirs:
        ours.close()
        streams = Streams(theirs.fileno(), theirs.fileno(), theirs.fileno())
        with pytest.raises(BrokenPipeError), host_terminal(spec(terminal=True), streams):
            pass
    assert set(os.listdir("/proc/self/fd")) == before
