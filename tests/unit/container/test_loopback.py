"""A container's ``/proc`` is the kernel's: what an image has in its place is not followed."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from jettison.container.loopback import Loopback
from jettison.container.relay import in_network
from jettison.linux.files import is_procfs


def _open(path: str | Path) -> int:
    return os.open(path, os.O_PATH | os.O_DIRECTORY)


def test_proc_is_told_from_a_directory_that_looks_like_it(tmp_path: Path) -> None:
    for path, expected in (("/proc", True), (tmp_path, False)):
        descriptor = _open(path)
        try:
            assert is_procfs(descriptor) is expected
        finally:
            os.close(descriptor)


@pytest.mark.parametrize("kind", ["absolute", "relative", "directory", "none"])
def test_an_image_that_leads_to_the_hosts_proc_is_refused(tmp_path: Path, kind: str) -> None:
    proc = tmp_path / "proc"
    if kind == "absolute":
        proc.symlink_to("/proc")
    elif kind == "relative":
        proc.symlink_to("../" * 20 + "proc")
    elif kind == "directory":
        (proc / "1").mkdir(parents=True)
        (proc / "1/ns").symlink_to("/proc/self/ns")
        (proc / "1/net").symlink_to("/proc/self/net")
    root = _open(tmp_path)
    try:
        with pytest.raises(OSError, match=r"."):
            Loopback(root)
    finally:
        os.close(root)


def test_without_a_namespace_a_socket_is_made_here() -> None:
    with in_network("", socket.socket) as made:
        assert made.fileno() >= 0
    with pytest.raises(FileNotFoundError):
        in_network("/none", socket.socket)
