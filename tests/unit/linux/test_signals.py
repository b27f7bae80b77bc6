"""Signals by name, waiting for descriptors, changes of a directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.errors import UsageError
from jettison.linux import inotify
from jettison.linux.poll import readable
from jettison.linux.signals import signal_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("TERM", 15), ("sigkill", 9), ("SIGUSR1", 10), ("1", 1), ("64", 64), ("SIGRTMIN+3", 37)],
)
def test_a_signal_has_its_names(text: str, number: int) -> None:
    assert signal_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "0", "65", "999", "SIGNONE", "TERM+1", "RTMIN+x", "-9", "\uff19"]
)
def test_what_is_no_signal_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="invalid signal"):
        signal_number(text)


def test_a_change_in_a_directory_is_noticed(tmp_path: Path) -> None:
    descriptor = inotify.watch(tmp_path)
    try:
        assert readable([descriptor], 0) == set()
        (tmp_path / "file").write_text("x")
        assert readable([descriptor], 20) == {descriptor}
        inotify.clear(descriptor)
        assert readable([descriptor], 0) == set()
    finally:
        os.close(descriptor)
    with pytest.raises(FileNotFoundError):
        inotify.watch(tmp_path / "absent")
