"""The lines at the end of a build about what its checks found."""

from __future__ import annotations

from jettison.console.findings import finding_lines
from jettison.errors import Span
from jettison.events import Warned


def test_nothing_found_is_no_line():
    assert finding_lines([]) == []


def test_one_finding_is_one_warning_with_its_line():
    assert finding_lines(
        [
            Warned(
                time_ns=0,
                message="Stage name 'A'",
                rule="StageNameCasing",
                span=Span(7, end_line=9),
            )
        ]
    ) == [
        "1 warning found (run `jettison check` to see more):",
        " - StageNameCasing: Stage name 'A' (line 7)",
    ]


def test_what_a_finding_quotes_cannot_control_the_terminal():
    lines = finding_lines(
        [
            Warned(time_ns=0, message="a\x1b[2Jb\nc", rule="R"),
            Warned(time_ns=0, message="d", rule="S"),
        ]
    )
    assert lines[0] == "2 warnings found (run `jettison check` to see more):"
    assert lines[1:] == [" - R: a\\x1b[2Jb\\nc", " - S: d"]
