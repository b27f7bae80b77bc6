"""Output of a step, cut into lines that are safe to show.

In:  bytes as the process wrote them (hostile: escapes, invalid UTF-8, endless lines).
Out: printable lines, whole ones as they end.
"""

from __future__ import annotations

from jettison.linux.text import printable

MAX_LINE_BYTES = 8192


class LineSplitter:
    """Keeps the unfinished line of one stream."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that end in the data; very long ones are cut into pieces."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        lines = [line for each in whole for line in _show(each)]
        while len(self._rest) > MAX_LINE_BYTES:
            lines += _show(self._rest[:MAX_LINE_BYTES])
            self._rest = self._rest[MAX_LINE_BYTES:]
        return lines

    def finish(self) -> list[str]:
        """Return the line that was not ended."""
        rest, self._rest = self._rest, b""
        return _show(rest) if rest else []


def _show(line: bytes) -> list[str]:
    # A carriage return draws a line again (progress bars): what is seen in the end counts.
    line = line.rstrip(b"\r").rpartition(b"\r")[2]
    pieces = [line[i : i + MAX_LINE_BYTES] for i in range(0, len(line), MAX_LINE_BYTES)] or [b""]
    return [printable(_without_escapes(piece.decode(errors="replace"))) for piece in pieces]


def _without_escapes(text: str) -> str:
    """Drop colours and other CSI and OSC sequences; they are noise in a log."""
    if "\x1b" not in text:
        return text
    import re

    return re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])", "", text)
