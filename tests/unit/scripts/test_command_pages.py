"""The reference of commands is what the commands' help says."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from jettison.cli.names import COMMANDS

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "scripts" / "command_pages.py"

_spec = importlib.util.spec_from_file_location("command_pages", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
command_pages = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(command_pages)


def test_the_pages_are_up_to_date() -> None:
    written = {path.name: path.read_text() for path in command_pages.PLACE.glob("*.md")}
    assert written == command_pages.pages(), "run scripts/command_pages.py"


def test_every_command_has_one() -> None:
    assert {f"{name}.md" for name in COMMANDS} <= set(command_pages.pages())


@pytest.mark.parametrize("name", ["build", "run", "debug-shell"])
def test_a_page_has_all_flags_of_the_help(name: str) -> None:
    argv = [sys.executable, "-m", "jettison", *name.split("-"), "--help"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    page = command_pages.pages()[f"{name}.md"]
    flags = {word.strip(",") for word in said.split() if word.startswith("--")}
    flags = {flag.split("=")[0] for flag in flags if flag.strip("-").replace("-", "").isalnum()}
    assert len(flags) > 2
    assert {flag for flag in flags if flag not in page} <= {"--help"}
