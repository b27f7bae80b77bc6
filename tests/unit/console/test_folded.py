"""In CI logs the output of each step is a group that can be folded, one step after the other."""

from __future__ import annotations

import io

import pytest

from jettison.console.base import make_console
from jettison.console.folded import FoldedConsole
from jettison.console.message import error_message
from jettison.console.plain import PlainConsole
from jettison.errors import ExecError
from jettison.events import Event, Outcome, PlanReady, VertexEnded, VertexLog, VertexStarted, Warned

SECOND = 10**9
A, B, C = "[a 1/1] RUN make", "[b 1/1] RUN test", "[c 1/1] COPY . ."


def log(at: int, vertex: str, text: str) -> Event:
    return VertexLog(at * SECOND, vertex, 1, text.encode())


AT_ONCE: list[Event] = [
    PlanReady(SECOND, (("a", A), ("b", B), ("c", C))),
    VertexStarted(SECOND, "a", A),
    VertexStarted(SECOND, "b", B),
    log(2, "a", "one\n"),
    log(2, "b", "first\n"),
    VertexEnded(3 * SECOND, "c", C, Outcome.CACHED),
    log(3, "b", "second\n"),
    VertexEnded(4 * SECOND, "b", B, Outcome.DONE),
    Warned(4 * SECOND, "mind this"),
    log(5, "a", "two"),
    VertexEnded(6 * SECOND, "a", A, Outcome.FAILED, "exit code: 1"),
]


def shown(environ: dict[str, str], events: list[Event]) -> str:
    stream = io.StringIO()
    console = make_console("plain", environ, stream)
    for event in events:
        console(event)
    console.close()
    return stream.getvalue()


def test_github_gets_groups_that_do_not_interleave() -> None:
    lines = [line for line in shown({"GITHUB_ACTIONS": "true"}, AT_ONCE).splitlines() if line]
    assert lines == [
        f"#1 {A}",
        "::group::#1 output",
        "#1 1.000 one",
        "WARN: mind this",
        "#1 5.000 two",
        "::endgroup::",
        "#1 ERROR: exit code: 1",
        f"#2 {B}",
        "::group::#2 output",
        "#2 1.000 first",
        "#2 2.000 second",
        "::endgroup::",
        "#2 DONE 3.0s",
        f"#3 {C}",
        "#3 CACHED",
    ]


def test_gitlab_gets_collapsed_sections() -> None:
    text = shown({"GITLAB_CI": "true"}, AT_ONCE)
    assert "\x1b[0Ksection_start:2:step_1[collapsed=true]\r\x1b[0K#1 output\n#1 1.000 one\n" in text
    assert "#1 5.000 two\n\x1b[0Ksection_end:6:step_1\r\x1b[0K\n#1 ERROR: exit code: 1\n" in text
    assert text.count("section_start:") == text.count("section_end:") == 2


def test_what_has_not_ended_is_shown_in_the_end_and_its_group_is_closed() -> None:
    text = shown({"GITHUB_ACTIONS": "true"}, AT_ONCE[:7])
    assert text.count("::group::") == text.count("::endgroup::") == 2
    assert text.index("#1 1.000 one") < text.index("#2 1.000 first")


def test_the_next_step_is_shown_while_it_runs() -> None:
    stream = io.StringIO()
    console = FoldedConsole(stream, "github")
    for event in AT_ONCE[:5]:
        console(event)
    assert "first" not in stream.getvalue()
    console(VertexEnded(5 * SECOND, "a", A, Outcome.DONE))
    assert "#2 1.000 first" in stream.getvalue()
    console(log(6, "b", "live\n"))
    assert stream.getvalue().endswith("#2 5.000 live\n")


@pytest.mark.parametrize("service", ["GITHUB_ACTIONS", "GITLAB_CI"])
def test_a_step_writes_no_marker_of_its_own(service: str) -> None:
    hostile = "::endgroup::\n::add-mask::x\n\x1b[0Ksection_end:1:step_1\r\x1b[0K\r\n##[error]x\n"
    events = [AT_ONCE[1], log(2, "a", hostile), AT_ONCE[-1]]
    text = shown({service: "true"}, events)
    begins = [line for line in text.splitlines() if line.startswith(("::", "##["))]
    assert begins in ([], ["::group::#1 output", "::endgroup::"])
    assert text.count("\x1b[0Ksection_end:") == (service == "GITLAB_CI")


def test_the_end_of_a_step_s_output_is_no_command_of_github() -> None:
    tail = "::add-mask::x\n  ::error::y\n##[command]z\nplain\n"
    lines = error_message(ExecError("failed", exit_code=1, log_tail=tail)).splitlines()
    assert lines[1:5] == ["| ::add-mask::x", "|   ::error::y", "| ##[command]z", "plain"]


def test_elsewhere_and_on_terminals_nothing_is_folded() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert type(make_console("plain", {}, io.StringIO())) is PlainConsole
    assert type(make_console("plain", {"GITHUB_ACTIONS": "false"}, io.StringIO())) is PlainConsole
    assert type(make_console("plain", {"GITHUB_ACTIONS": "true"}, Terminal())) is PlainConsole
