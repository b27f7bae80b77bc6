"""Messages of the page about trouble are messages of the program."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
MESSAGES = re.findall(r"^\| `` ?(.+?) ?`` \|", PAGE, re.MULTILINE)


@cache
def texts() -> frozenset[str]:
    """Return all texts of the program, with ``…`` where something is put in."""
    found = set()
    for path in (ROOT / "src" / "jettison").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = (
                    each.value if isinstance(each, ast.Constant) else "…" for each in node.values
                )
                found.add("".join(map(str, parts)))
    return frozenset(found)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_one_of_the_program(message: str) -> None:
    # What is put in may be empty in the page, or a text of several parts.
    wanted = re.compile(r"…*".join(map(re.escape, re.split("…+", message))))
    assert any(wanted.fullmatch(re.sub("…+$", "…", text)) for text in texts()), message


def test_many_are_there() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert len(MESSAGES) == len(rows) > 35


def test_a_message_that_nobody_prints_is_found() -> None:
    with pytest.raises(AssertionError):
        test_a_message_is_one_of_the_program("no image `…` in the cellar")
