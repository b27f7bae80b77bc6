"""Namespaces left and entered by a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from jettison.linux import namespace

RENAME = """
import os, socket
from jettison.linux.namespace import NEWUTS, enter, set_hostname, unshare
old = os.open("/proc/self/ns/uts", os.O_RDONLY)
before = socket.gethostname()
unshare(NEWUTS)
set_hostname(b"box.example.org")
inside = socket.gethostname()
enter(old, NEWUTS)
print(inside, socket.gethostname() == before)
"""


@pytest.mark.needs_root
def test_a_namespace_has_its_own_host_name_and_can_be_left_again():
    done = subprocess.run(
        [sys.executable, "-c", RENAME], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["box.example.org", "True"]


def test_what_is_no_namespace_cannot_be_entered():
    with open(os.devnull) as file, pytest.raises(OSError, match="Invalid argument"):
        namespace.enter(file.fileno(), namespace.NEWNET)


def test_the_kernel_refuses_flags_that_it_does_not_know():
    with pytest.raises(OSError, match="Invalid argument"):
        namespace.unshare(1)


def test_flags_are_those_of_the_kernel():
    unshared = {
        name: getattr(namespace, f"NEW{name}") for name in ("NS", "UTS", "IPC", "PID", "NET")
    }
    if sys.version_info >= (3, 12):
        assert unshared == {name: getattr(os, f"CLONE_NEW{name}") for name in unshared}
    assert len(set(unshared.values())) == len(unshared)
