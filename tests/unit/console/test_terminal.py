"""Whatever others wrote, a terminal gets text."""

from __future__ import annotations

import ast
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jettison.cli.table import table
from jettison.console.select import make_console
from jettison.console.terminal import safe_json, write
from jettison.events import Outcome, PlanReady, VertexEnded, VertexProgress, VertexStarted, Warned
from jettison.linux.text import printable

NASTY = "a\x1b[2J\x1b]0;t\x07b\x9b2J\u202ec\udcff\r\x7f\n"
UNWANTED = set("\x07\x7f\x9b\u202e\udcff")


@given(st.text(st.characters(codec=None)))
def test_what_is_left_is_printable(text: str) -> None:
    shown = printable(text, keep="\n")
    assert all(char.isprintable() or char in "\t\n" for char in shown)
    if all(char.isprintable() or char in "\t\n" for char in text):
        assert shown == text


@given(st.text())
def test_json_means_the_same(text: str) -> None:
    shown = safe_json(json.dumps({"text": text}, ensure_ascii=False))
    assert json.loads(shown) == {"text": text}
    assert shown.isprintable()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_poor_locale_gets_escapes_instead_of_an_error(encoding: str) -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding) as stream:
        write(stream, "é € \udcff\n")
        stream.flush()
        assert raw.getvalue().decode(encoding).startswith(("é ", "\\xe9 "))


def test_cells_of_tables_are_anybody_s() -> None:
    text = table(["ONE", "TWO"], [["x", NASTY], [NASTY, "y"]])
    assert len(text.splitlines()) == 3
    assert set(text) & (UNWANTED | {"\x1b", "\r"}) == set()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("progress", ["plain", "tty", "rawjson"])
def test_no_field_of_an_event_steers_a_terminal(progress: str) -> None:
    stream = Terminal()
    console = make_console(progress, {}, stream)
    for event in (
        PlanReady(0, (("v", NASTY[:-4]),), (NASTY[:-4],)),
        VertexStarted(0, "v", NASTY[:-4]),
        VertexProgress(0, "v", NASTY[:-4], 1, 2),
        Warned(0, NASTY[:-4]),
        Warned(0, NASTY[:-4], rule="Rule"),
        VertexEnded(0, "v", NASTY[:-4], Outcome.FAILED, NASTY[:-4]),
    ):
        console(event)
    if progress == "tty":
        console._screen._redraw(last=False)
    console.close()
    text = stream.getvalue()
    assert "b" in text
    assert set(text) & UNWANTED == set()
    for steering in ("\x1b[2J", "\x1b]"):
        assert steering not in text


def writers(tree: ast.AST) -> list[int]:
    """Return the lines of a module where it writes to standard streams by itself."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="print")):
                found.append(node.lineno)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="click"), attr="echo" | "secho")):
                found.append(node.lineno)
            case ast.Call(func=ast.Attribute(value=value, attr="write" | "writelines")):
                if {"stdout", "stderr", "stream", "_stream"} & names(value):
                    found.append(node.lineno)
            case _:
                pass
    return found


def names(node: ast.AST) -> set[str]:
    attributes = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    return attributes | {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def test_one_module_writes_to_terminals(project_root: Path) -> None:
    allowed = {
        "console/terminal.py",
        "__main__.py",  # the version, before anything is imported
    }
    source = project_root / "src/jettison"
    writing = {}
    for path in source.rglob("*.py"):
        name = str(path.relative_to(source))
        if name.startswith("sandbox/init/") or name == "linux/userns_enter.py":
            continue  # other processes, whose streams are pipes
        lines = writers(ast.parse(path.read_text()))
        if lines and name not in allowed:
            writing[name] = lines
    assert writing == {}


@pytest.mark.parametrize(
    "code",
    ["print(x)", "import click; click.echo(x)", "sys.stdout.write(x)", "self._stream.write(x)",
     "sys.stderr.buffer.write(x)"],
)  # fmt: skip
def test_the_search_finds_other_ways(code: str) -> None:
    assert writers(ast.parse(code))
