"""Man pages have every command and every flag, and are roff without a fault."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from host_tools import tool
from jettison.cli.main import jettison
from jettison.cli.names import COMMANDS, GROUPS

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "man_pages.py"
_spec = importlib.util.spec_from_file_location("man_pages", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
man_pages = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(man_pages)

PAGES = man_pages.pages()
MACROS = {".TH", ".SH", ".PP", ".TP", ".B", ".BR", ".I", ".IR", ".nf", ".fi"}


def shown(text: str) -> str:
    """Return roff as it is read."""
    marks = {r"\-": "-", r"\e": "\\", r"\(aq": "'", r"\(ga": "`", r"\(ha": "^", r"\(ti": "~"}
    for escape, char in marks.items():
        text = text.replace(escape, char)
    return re.sub(r"\\f[BIR]|\\&", "", text)


def test_every_command_has_a_page() -> None:
    """Docker's long forms are the same commands under other names."""
    assert {f"jettison-{name}.1" for name in COMMANDS} <= PAGES.keys()
    assert not any(f"jettison-{name}.1" in PAGES for name in GROUPS)
    assert {"jettison.1", "jettison-debug-shell.1", "jettison-debug-parse.1"} <= PAGES.keys()


def test_a_page_has_every_flag_of_its_command() -> None:
    root = click.Context(jettison, info_name="jettison")
    counted = 0
    for name, context in man_pages.commands(root):
        lines = shown(PAGES[f"jettison-{name}.1"])
        for parameter in context.command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.opts[-1] in lines, name
                help_text = " ".join((parameter.help or "").split())
                assert help_text.replace("…", "...") in lines, name
                counted += 1
    assert counted > 100


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_roff(name: str) -> None:
    text = PAGES[name]
    lines = text.splitlines()
    titles = [line[4:] for line in lines if line.startswith(".SH ")]
    assert lines[0].startswith(f'.TH "{name[:-2].upper()}" "1"')
    assert titles[:2] == ["NAME", "SYNOPSIS"]
    assert {line.split()[0] for line in lines if line[:1] in ".'"} <= MACROS
    assert text.isascii()
    assert lines[2].startswith(name[:-2].replace("-", r"\-") + r" \- ")


def test_groff_has_nothing_to_say_about_them(tmp_path: Path) -> None:
    groff = tool("groff")
    man_pages_of = [tmp_path / name for name in PAGES]
    for path in man_pages_of:
        path.write_text(PAGES[path.name])
    done = subprocess.run(
        [groff, "-man", "-Tascii", "-ww", *man_pages_of], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert "JETTISON-BUILD(1)" in done.stdout


def test_the_script_writes_them(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SCRIPT, tmp_path / "man"], check=True)
    assert {path.name: path.read_text() for path in (tmp_path / "man").iterdir()} == PAGES
