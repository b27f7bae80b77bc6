"""Lines at the lower end of a terminal that are drawn again and again.

In:  lines that fit the terminal, each with a style.
Out: the same on the terminal, in the place of those before; a stream that is none gets the last
     ones only.

A terminal that becomes narrower breaks lines that are too long for it, so that they take more
rows: these are counted before they are drawn over.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

import msgspec

from jettison.console.cells import clip, width
from jettison.console.colors import USUAL, colors
from jettison.console.terminal import draw
from jettison.linux.text import printable

_SECONDS = 0.2
STYLES = {"": "", "bold": "1", "dim": "2", **USUAL}
"""Numbers of the escape sequence that begins a style."""


class Line(msgspec.Struct, frozen=True):
    """A line and the name of its style."""

    text: str
    style: str = ""


class Screen:
    """Draws until it is closed, five times a second.

    Args:
        stream: The terminal, or anything else.
        lines: Returns what is to be seen now; called with the columns and rows that there are.
        environ: ``NO_COLOR`` takes the colours away, ``BUILDKIT_COLORS`` chooses others;
            ``TERM=dumb`` is no terminal.

    Concurrency: a thread of its own draws; ``lines`` is called from it, and from ``close``.
    """

    def __init__(
        self,
        stream: TextIO,
        lines: Callable[[int, int], Sequence[Line]],
        environ: Mapping[str, str],
    ) -> None:
        self._stream = stream
        self._lines = lines
        self._styles = {} if environ.get("NO_COLOR") else {**STYLES, **colors(environ)}
        self._terminal = stream.isatty() and environ.get("TERM", "") not in {"", "dumb"}
        self._drawn: list[int] = []
        self._size = (0, 0)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name="screen", daemon=True)
        if self._terminal:
            self._write("\x1b[?25l")
            self._thread.start()

    def close(self) -> None:
        """Draw the last state, all of it, and leave the cursor below."""
        if self._ended.is_set():
            return
        self._ended.set()
        if not self._terminal:
            columns = self._measure()[0]
            for line in self._lines(columns, 0):
                self._write(clip(_shown(line), columns).rstrip() + "\n")
            return
        self._thread.join()
        self._redraw(last=True)
        self._write("\x1b[?25h")

    def _repeat(self) -> None:
        while True:
            self._redraw(last=False)
            if self._ended.wait(_SECONDS):
                return

    def _redraw(self, *, last: bool) -> None:
        columns, rows = self._measure()
        lines = self._lines(columns, 0 if last else rows)
        if not last:
            lines = lines[: rows - 1]
        texts = [clip(_shown(line), columns) for line in lines]
        # Lines that became too long for a narrower terminal take several rows of it.
        above = sum(max(1, -(-cells // columns)) for cells in self._drawn)
        same = self._size in {(0, 0), (columns, rows)}
        parts = [f"\x1b[{above}A" if above else "", "\r", "" if same else "\x1b[J"]
        parts += [
            f"{self._styled(text, line.style)}\x1b[K\n"
            for text, line in zip(texts, lines, strict=True)
        ]
        self._write("".join([*parts, "\x1b[J"]))
        self._drawn = [width(text) for text in texts]
        self._size = (columns, rows)

    def _styled(self, text: str, style: str) -> str:
        number = self._styles.get(style)
        return f"\x1b[{number}m{text}\x1b[0m" if number else text

    def _measure(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            size = shutil.get_terminal_size()
        return max(20, size.columns), max(4, size.lines)

    def _write(self, text: str) -> None:
        draw(self._stream, text)
        self._stream.flush()


def _shown(line: Line) -> str:
    return printable(line.text).expandtabs(4)
