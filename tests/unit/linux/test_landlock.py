"""Abstract sockets of others, which a process can leave behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from jettison.linux import landlock

CONNECT = """
import socket, sys
from jettison.linux import landlock
name = chr(0) + sys.argv[1]
def reaches(name):
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(name)
        except PermissionError:
            return False
    return True
before = reaches(name)
landlock.leave_abstract_sockets()
with socket.socket(socket.AF_UNIX) as own:
    own.bind(name + "-own")
    own.listen()
    print(before, reaches(name), reaches(name + "-own"))
"""


def test_the_interface_has_a_version():
    assert 0 <= landlock.abi() < 1000


@pytest.mark.parametrize(("version", "can"), [(0, False), (5, False), (6, True), (7, True)])
def test_abstract_sockets_are_known_since_a_version(version, can):
    assert landlock.can_scope(version) is can


@pytest.mark.needs_root
@pytest.mark.skipif(not landlock.can_scope(landlock.abi()), reason="the kernel is older")
def test_a_process_that_left_reaches_its_own_sockets_only():
    name = f"jettison-landlock-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0" + name)
        server.listen()
        done = subprocess.run(
            [sys.executable, "-c", CONNECT, name], capture_output=True, text=True, check=True
        )
    assert done.stdout.split() == ["True", "False", "True"]
