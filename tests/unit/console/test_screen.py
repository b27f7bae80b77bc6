"""Lines are drawn over those before; a stream that is no terminal gets the last ones."""

from __future__ import annotations

import io
import os
import pty

from jettison.console.screen import Line, Screen
from jettison.console.transfer import TransferConsole
from jettison.events import Outcome, VertexEnded, VertexProgress, Warned

LINES = [Line("title", "bold"), Line("漢" * 60), Line("tab\tbed"), Line("bad\x1b[2J")]


def test_a_stream_gets_the_last_lines_once_without_escapes(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream = io.StringIO()
    screen = Screen(stream, lambda columns, rows: LINES, {})
    screen.close()
    screen.close()
    assert stream.getvalue() == "title\n" + "漢" * 9 + "…\ntab bed\nbad\\x1b[2J\n"


class OnTerminal:
    """A stream on a real terminal of the kernel's, and what was written to it."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        self.stream = os.fdopen(os.dup(self.slave), "w", encoding="utf-8")

    def said(self) -> str:
        self.stream.close()
        os.close(self.slave)
        parts = []
        try:
            while part := os.read(self.master, 65536):
                parts.append(part)
        except OSError:
            pass
        os.close(self.master)
        return b"".join(parts).decode()


def test_a_terminal_gets_its_cursor_back_and_colours_unless_it_wants_none() -> None:
    for environ, coloured in (
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
    ):
        terminal = OnTerminal()
        screen = Screen(terminal.stream, lambda columns, rows: LINES, environ)
        screen.close()
        said = terminal.said()
        assert said.startswith("\x1b[?25l")
        assert said.endswith("\x1b[?25h")
        assert ("\x1b[1mtitle\x1b[0m" in said) == coloured
        assert "\x1b[2J" not in said


def test_a_dumb_terminal_is_none() -> None:
    terminal = OnTerminal()
    Screen(terminal.stream, lambda columns, rows: LINES, {"TERM": "dumb"}).close()
    assert "\x1b" not in terminal.said()


def transfer(*events: object) -> str:
    stream = io.StringIO()
    console = TransferConsole(stream, "push", "app", {})
    for event in events:
        console(event)
    console.close()
    console.close()
    return stream.getvalue()


def moved(current: int, total: int = 10_000_000, item: str = "sha256:a") -> VertexProgress:
    return VertexProgress(0, "v", item, current, total)


def test_the_heading_says_how_a_transfer_ended() -> None:
    end = [
        VertexEnded(0, "v", "push", each)
        for each in (Outcome.DONE, Outcome.FAILED, Outcome.CANCELED)
    ]
    assert transfer(moved(0), moved(5_000_000), moved(10_000_000), end[0]).startswith(
        "[+] Pushed app 0."
    )
    assert (
        transfer(moved(5_000_000), end[1])
        .rstrip()
        .endswith("5MB / 10MB  50MB/s  0/1 layers FAILED")
    )
    assert transfer(moved(5_000_000), end[2]).rstrip().endswith("0/1 layers canceled")
    assert transfer().rstrip().endswith("canceled")


def test_layers_that_are_there_already_count_and_have_no_rate() -> None:
    said = transfer(moved(0), moved(10_000_000), VertexEnded(0, "v", "push", Outcome.DONE))
    assert said.rstrip().endswith("10MB  1/1 layers")


def test_a_warning_is_shown() -> None:
    assert " ! mind this\n" in transfer(
        Warned(0, "mind this"), VertexEnded(0, "v", "x", Outcome.DONE)
    )
