"""``import jettison`` gives what its page says, and costs nothing until it is used."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jettison

PAGE = "docs/reference/python.md"


def test_the_page_lists_all_public_names_and_no_other(project_root: Path) -> None:
    text = (project_root / PAGE).read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    table = rows[rows.index(next(row for row in rows if row.startswith("| `build`, `run`"))) :]
    names = {name for row in table for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    names |= {name for name in ("errors", "events") if f"`jettison.{name}`" in text}
    assert names == set(jettison.__all__)


@pytest.mark.parametrize("name", jettison.__all__)
def test_a_public_name_is_there(name: str) -> None:
    assert getattr(jettison, name) is not None
    assert name in dir(jettison)


def test_what_is_not_public_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute `Solver`"):
        _ = jettison.Solver  # type: ignore[attr-defined]


def test_type_checkers_see_the_same_names(project_root: Path) -> None:
    tree = ast.parse((project_root / "src/jettison/__init__.py").read_text())
    (guarded,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        (each.name, node.module) for node in guarded.body for each in node.names
        if isinstance(node, ast.ImportFrom)
    }  # fmt: skip
    homes = {
        (name, f"jettison.{home}") for home, names in jettison._HOMES.items() for name in names
    }
    assert seen == homes | {(name, "jettison") for name in jettison._MODULES}
    assert {name for name, _ in seen} | {"__version__"} == set(jettison.__all__)


def test_importing_it_imports_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import jettison;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["jettison"]
