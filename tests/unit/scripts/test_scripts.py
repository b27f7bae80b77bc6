"""Scripts run from a fresh clone: by the machine's own Python, in the project's environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.packages import PYTHON
from pages.tree import TreeCopy

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
ARGUMENTS = {
    "check_tables.py": ("--help",),
    "man_pages.py": ("man",),
    "regenerate_corpus.py": ("--help",),
    "regenerate_docs.py": ("--help",),
    "report_pictures.py": ("--help",),
}
"""What those are called with that need or understand arguments."""
PARTS = {"browser.py", "command_tree.py", "page_files.py", "project_python.py", "site_pages.py"}
ELSEWHERE = {
    "record_demo.py": "takes a minute; test_record_demo.py looks at its parts",
    "record_habits.py": "asks docker what it prints",
    "record_edits.py": "asks BuildKit what it prints; the edits are those of engine/test_why_edits",
    "record_flags.py": "asks docker and podman, and needs the standard library only",
    "seccomp_profile.py": "needs modules of Go beside it, and the standard library only",
}
NAMES = sorted({path.name for path in SCRIPTS.glob("*.py")} - PARTS - set(ELSEWHERE))


@pytest.fixture(scope="module")
def clone() -> Iterator[TreeCopy]:
    with TreeCopy() as made:
        yield made


def run(clone: TreeCopy, name: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYTHON, f"scripts/{name}", *args],
        cwd=clone.place,
        env={"PATH": os.environ["PATH"], "HOME": str(clone.place)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_script_runs_by_any_python(clone: TreeCopy, name: str) -> None:
    done = run(clone, name, *ARGUMENTS.get(name, ()))
    assert done.returncode == 0, f"does it call `project_python.enter()`?\n{done.stderr}"


def test_without_the_environment_it_says_how_to_make_it(clone: TreeCopy) -> None:
    python = clone.place / ".venv/bin/python"
    python.rename(python.with_name("gone"))
    done = run(clone, "rule_pages.py")
    python.with_name("gone").rename(python)
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no `.venv` with what this script needs\nhint:")
