"""A terminal emulator (tmux) that a test looks at.

In:  a size, a command.
Out: the lines that a person would see.
"""

from __future__ import annotations

import itertools
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from host_tools import tool

SCENES = Path(__file__).parent / "scenes.py"
_SECONDS = 20.0
_COUNT = itertools.count()
_STILL = 0.45
"""Longer than two drawings are apart."""


class Terminal:
    """One terminal with one command in it; a context manager.

    Args:
        place: Directory for the socket, which must have a short path.
        columns, rows: Its size.
    """

    def __init__(self, place: Path, columns: int, rows: int = 24) -> None:
        # A server that was told to end may still hold its socket when the next one starts.
        socket = place / f"tmux-{next(_COUNT)}"
        self._tmux = [tool("tmux"), "-S", str(socket), "-f", "/dev/null"]
        self._size = (columns, rows)

    def __enter__(self) -> Self:
        columns, rows = self._size
        # A window that only waits keeps the server, whatever ends.
        self._run("new-session", "-d", "-x", str(columns), "-y", str(rows), "-s", "test", "cat")
        for option, value in (
            ("remain-on-exit", "on"),
            ("status", "off"),
            ("default-size", f"{columns}x{rows}"),
        ):
            self._run("set-option", "-g", option, value)
        return self

    def __exit__(self, *_: object) -> None:
        self._run("kill-server", check=False)

    def start(self, argv: Sequence[str | Path], environ: Mapping[str, str]) -> None:
        """Run a command in a new window; a line above it stays where it is."""
        given = [f"{name}={value}" for name, value in environ.items()]
        command = shlex.join(["env", *given, *map(str, argv)])
        self._run("new-window", "-t", "test", "-n", "main", f"printf 'before\\n'; {command}")

    def scene(self, name: str, environ: Mapping[str, str]) -> None:
        """Run a scene."""
        self.start([sys.executable, SCENES, name], environ)

    def key(self, name: str = "Enter") -> None:
        """Press a key."""
        self._run("send-keys", "-t", "test:main", name)

    def resize(self, columns: int, rows: int) -> None:
        """Make it wider or narrower, as a person does with a window."""
        self._run("resize-window", "-t", "test:main", "-x", str(columns), "-y", str(rows))

    def screen(self) -> list[str]:
        """Return what is seen now, without blank lines at the end."""
        text = self._run("capture-pane", "-p", "-t", "test:main")
        return text.rstrip("\n").split("\n")

    def history(self) -> list[str]:
        """Return all lines, those that were scrolled away too, each as it was written."""
        text = self._run("capture-pane", "-p", "-J", "-S", "-", "-t", "test:main")
        return [line.rstrip() for line in text.rstrip().split("\n")]

    def settled(self, ready: Callable[[list[str]], bool], still: float = _STILL) -> list[str]:
        """Return the screen once it is ready, and has been the same for a while."""
        deadline = time.monotonic() + _SECONDS
        last: list[str] = []
        since = time.monotonic()
        while time.monotonic() < deadline:
            seen = self.screen()
            if seen != last:
                last, since = seen, time.monotonic()
            if ready(seen) and time.monotonic() - since >= still:
                return seen
            time.sleep(0.05)
        raise AssertionError("\n".join(["not seen in time:", *last]))

    def _run(self, *args: str, check: bool = True) -> str:
        done = subprocess.run(
            [*self._tmux, *args], capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout
