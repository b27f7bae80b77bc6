"""Events look as docker users know them, and no output can steer the terminal."""

from __future__ import annotations

import io
import json

import pytest

from jettison.console.base import QuietConsole
from jettison.console.lines import MAX_LINE_BYTES, LineSplitter
from jettison.console.live import LiveConsole
from jettison.console.plain import PlainConsole, size
from jettison.console.rawjson import RawJsonConsole
from jettison.console.select import HeldBack, make_console
from jettison.errors import Span
from jettison.events import (
    Outcome,
    PlanReady,
    VertexEnded,
    VertexLog,
    VertexProgress,
    VertexStarted,
    VertexWaiting,
    Warned,
)

SECOND = 1_000_000_000
BUILD = [
    PlanReady(0, (("a", "[1/2] RUN make"), ("b", "[2/2] RUN test")), ("docs",)),
    VertexEnded(0, "x", "[internal] load", Outcome.CACHED),
    VertexStarted(SECOND, "a", "[1/2] RUN make"),
    VertexLog(2 * SECOND, "a", 1, b"hel"),
    VertexLog(2 * SECOND, "a", 1, b"lo\nwor"),
    VertexProgress(2 * SECOND, "a", "layer", 50, 100),
    VertexEnded(3 * SECOND, "a", "[1/2] RUN make", Outcome.DONE),
    VertexStarted(3 * SECOND, "b", "[2/2] RUN test"),
    VertexEnded(4 * SECOND, "b", "[2/2] RUN test", Outcome.FAILED, "exit code: 1"),
    Warned(4 * SECOND, "unused"),
]


def test_plain_lines_have_the_shape_of_docker():
    stream = io.StringIO()
    console = PlainConsole(stream)
    for event in BUILD:
        console(event)
    console.close()
    assert stream.getvalue().splitlines() == [
        "skipped (not needed): docs",
        "#1 [internal] load",
        "#1 CACHED",
        "",
        "#2 [1/2] RUN make",
        "#2 1.000 hello",
        "#2 layer 50B / 100B",
        "#2 2.000 wor",
        "#2 DONE 2.0s",
        "",
        "#3 [2/2] RUN test",
        "#3 ERROR: exit code: 1",
        "",
        "WARN: unused",
    ]


def test_a_step_that_waits_says_so_in_plain_lines():
    stream = io.StringIO()
    console = PlainConsole(stream)
    console(VertexStarted(SECOND, "a", "[1/2] RUN make"))
    console(VertexWaiting(SECOND, "a", "the build of `b` (process 7)"))
    console(VertexWaiting(SECOND, "a", ""))
    assert stream.getvalue().splitlines()[1:] == ["#1 waiting for the build of `b` (process 7)"]


def test_json_lines_are_one_object_an_event():
    stream = io.StringIO()
    console = RawJsonConsole(stream)
    for event in BUILD:
        console(event)
    rows = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [row["event"] for row in rows][:4] == ["plan", "end", "start", "log"]
    assert rows[8]["outcome"] == "failed"


def test_the_live_view_ends_with_every_step_and_its_time(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    stream = io.StringIO()
    console = LiveConsole(stream, {})
    for event in BUILD:
        console(event)
    console.close()
    text = stream.getvalue()
    assert "[1/2] RUN make" in text
    assert "CACHED [internal] load" in text
    assert "ERROR [2/2] RUN test" in text
    assert "2.0s" in text
    assert "skipped (not needed): docs" in text
    assert text.endswith("\n")


def test_a_pipe_gets_plain_lines_and_quiet_nothing():
    assert isinstance(make_console("auto", {}, io.StringIO()), PlainConsole)
    stream = io.StringIO()
    console = make_console("quiet", {}, stream)
    assert isinstance(console, QuietConsole)
    for event in BUILD:
        console(event)
    console.close()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"10%\r50%\r100%\n", ["100%"]),
        (b"\x1b[31mred\x1b[0m\n", ["red"]),
        (b"\x1b]0;title\x07x\n", ["x"]),
        (b"bell\x07\n", ["bell\\x07"]),
        (b"\xff\xfe\n", ["\ufffd\ufffd"]),
        (b"windows\r\n", ["windows"]),
    ],
)
def test_output_is_cut_into_harmless_lines(data, lines):
    assert LineSplitter().feed(data) == lines


def test_an_endless_line_is_cut():
    splitter = LineSplitter()
    lines = splitter.feed(b"x" * (3 * MAX_LINE_BYTES + 5))
    assert [len(line) for line in lines] == [MAX_LINE_BYTES] * 3
    assert splitter.finish() == ["xxxxx"]


def test_sizes_have_decimal_units():
    assert [size(n) for n in (0, 1000, 1_234_567, 5 * 10**9)] == ["0B", "1kB", "1.235MB", "5GB"]


FINDINGS = [
    Warned(0, "JSON arguments recommended", rule="JSONArgsRecommended", span=Span(3)),
    Warned(0, "Stage name 'A' should be lowercase", rule="StageNameCasing", span=Span(1)),
]


@pytest.mark.parametrize("make", [PlainConsole, lambda stream: LiveConsole(stream, {})])
def test_findings_are_counted_and_listed_once_at_the_end(make, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    stream = io.StringIO()
    console = make(stream)
    for event in [*FINDINGS, *BUILD]:
        console(event)
    console.close()
    console.close()
    tail = [line.strip() for line in stream.getvalue().rstrip().splitlines()[-3:]]
    assert tail == [
        "2 warnings found (run `jettison check` to see more):",
        "- JSONArgsRecommended: JSON arguments recommended (line 3)",
        "- StageNameCasing: Stage name 'A' should be lowercase (line 1)",
    ]
    assert stream.getvalue().count("JSONArgsRecommended") == 1


def test_a_count_without_a_total_stands_alone():
    stream = io.StringIO()
    console = PlainConsole(stream)
    console(VertexProgress(SECOND, "a", "files", 2000, 0))
    assert stream.getvalue() == "#1 files 2kB\n"


def test_held_back_events_are_shown_in_the_end(capsys):
    held = HeldBack("plain", {})
    for event in BUILD:
        held(event)
    assert capsys.readouterr().err == ""
    held.close()
    assert "#2 DONE 2.0s" in capsys.readouterr().err
