"""An error says where, what, why and what to do, and never shows a traceback."""

from __future__ import annotations

from jettison.console.message import error_message
from jettison.errors import DockerfileSyntaxError, ExecError, Span


def test_an_error_with_a_place_shows_the_lines_around_it():
    error = DockerfileSyntaxError(
        "unknown instruction: RUM", hint="did you mean RUN?", span=Span(2, 1, 2, 4)
    )
    error.source = ("Dockerfile", "FROM a\nRUM b\nCMD c\n")
    assert error_message(error).splitlines() == [
        "Dockerfile:2",
        "-" * 20,
        "   1 |     FROM a",
        "   2 | >>> RUM b",
        "     |     ^^^",
        "   3 |     CMD c",
        "-" * 20,
        "ERROR: unknown instruction: RUM",
        "hint: did you mean RUN?",
    ]


def test_a_failed_step_shows_the_end_of_its_output_without_control_characters():
    error = ExecError("process failed", exit_code=1, log_tail="one\n\x1b[2Jtwo\n")
    lines = error_message(error).splitlines()
    assert lines[:4] == ["------", "one", "\\x1b[2Jtwo", "------"]


def test_notes_tell_what_else_failed():
    error = DockerfileSyntaxError("first")
    error.add_note("also failed: second")
    assert error_message(error).splitlines() == ["ERROR: first", "note: also failed: second"]
