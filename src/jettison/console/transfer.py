"""A live view of a pull or a push on a terminal: bytes, rate and layers.

The heading says what is done to what, and how it ended: ``Pushed``, ``FAILED``, ``canceled``.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Literal, TextIO

import msgspec

from jettison.console.cells import clip, pad, width
from jettison.console.plain import size
from jettison.console.screen import Line, Screen
from jettison.events import Event, Outcome, VertexEnded, VertexProgress, Warned
from jettison.linux.text import printable

Kind = Literal["pull", "push"]
_WORDS = {"pull": ("Pulling", "Pulled"), "push": ("Pushing", "Pushed")}
_WINDOW_SECONDS = 3.0
_BAR = 20
_AT_ONCE = 1 << 20
"""More bytes than are sent between two reports."""
_ID = 12


class _Item(msgspec.Struct):
    """A blob; ``start`` is how much of it was there when it was first heard of."""

    total: int
    current: int = 0
    start: int = 0

    @property
    def done(self) -> bool:
        return self.current >= self.total


class TransferConsole:
    """Draws what moves, five times a second.

    Args:
        stream: The terminal.
        kind: What is done.
        name: To what.
        environ: See ``Screen``.
    """

    def __init__(self, stream: TextIO, kind: Kind, name: str, environ: Mapping[str, str]) -> None:
        self._words = _WORDS[kind]
        self._name = printable(name)
        self._items: dict[str, _Item] = {}
        self._warnings: list[str] = []
        self._outcome: Outcome | None = None
        self._closed = False
        self._begin = time.monotonic()
        self._ended = 0.0
        self._moved: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()
        self._screen = Screen(stream, self._lines, environ)

    def __call__(self, event: Event) -> None:
        """Take note of an event; the next drawing shows it."""
        with self._lock:
            match event:
                case VertexProgress():
                    self._take(event)
                case VertexEnded():
                    self._outcome = event.outcome
                case Warned():
                    self._warnings.append(printable(event.message))
                case _:
                    pass

    def close(self) -> None:
        """Draw the end state once and leave it on the terminal."""
        if not self._closed:
            self._closed = True
            self._ended = time.monotonic()
            self._screen.close()

    def _take(self, event: VertexProgress) -> None:
        key = printable(event.item)
        item = self._items.get(key)
        if item is None:
            # What is whole when it is first heard of was there already.
            start = event.current if event.current >= event.total else 0
            item = self._items[key] = _Item(event.total, start, start)
        moved = event.current - item.current
        if item.current == 0 and moved == event.total > _AT_ONCE:
            item.start, moved = event.current, 0  # the other side had it
        item.current, item.total = event.current, event.total
        if moved > 0:
            self._moved.append((time.monotonic(), moved))

    def _rate(self, now: float) -> float:
        """Return bytes a second: of the last seconds, in the end of all the time."""
        if self._closed:
            moved = sum(item.current - item.start for item in self._items.values())
            return moved / max(0.1, self._ended - self._begin)
        while self._moved and now - self._moved[0][0] > _WINDOW_SECONDS:
            self._moved.popleft()
        window = min(_WINDOW_SECONDS, max(0.5, now - self._begin))
        return sum(count for _, count in self._moved) / window

    def _lines(self, columns: int, rows: int) -> list[Line]:
        with self._lock:
            lines = [Line(self._heading(columns), "bold")]
            if not self._closed:
                running = [each for each in self._items.items() if not each[1].done]
                lines += [_row(name, item, columns) for name, item in running[: max(1, rows - 3)]]
            lines += [Line(f" ! {warning}", "warning") for warning in self._warnings]
        return lines

    def _heading(self, columns: int) -> str:
        now = self._ended or time.monotonic()
        word, end = self._words[0], ""
        if self._closed:
            word = self._words[1] if self._outcome is Outcome.DONE else word
            failed = self._outcome is Outcome.FAILED
            end = "" if self._outcome is Outcome.DONE else " FAILED" if failed else " canceled"
        facts = f" {now - self._begin:.1f}s{self._counts(now)}{end}"
        begin = f"[+] {word} "
        room = columns - 1 - width(begin) - width(facts)
        if room < _ID:  # the end says more than how much it was
            facts = f" {now - self._begin:.1f}s{end}"
            room = columns - 1 - width(begin) - width(facts)
        return f"{begin}{clip(self._name, max(1, room))}{facts}"

    def _counts(self, now: float) -> str:
        items = self._items.values()
        total = sum(item.total for item in items)
        if not items:
            return ""
        done = sum(1 for item in items if item.done)
        current = sum(item.current for item in items)
        amount = size(total) if current >= total else f"{size(current)} / {size(total)}"
        rate = self._rate(now)
        speed = f"  {size(int(rate))}/s" if rate else ""
        return f"  {amount}{speed}  {done}/{len(items)} layers"


def _row(name: str, item: _Item, columns: int) -> Line:
    short = name.rpartition(":")[2][:_ID] if name.startswith("sha256:") else name
    amount = f"{size(item.current)} / {size(item.total)}" if item.total else size(item.current)
    full = _BAR * item.current // item.total if item.total else 0
    bar = f"[{'=' * full}{' ' * (_BAR - full)}] " if columns > 3 * _BAR else ""
    room = columns - 1 - len(bar) - len(amount) - 1
    return Line(f"{pad(clip(f' => {short}', room), room)} {bar}{amount}")
