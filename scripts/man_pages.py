#!/usr/bin/env python3
"""Write a man page for each command into a directory, from the commands' own help.

    scripts/man_pages.py DIRECTORY

The pages are ``jettison.1`` and ``jettison-COMMAND.1``; ``man -l FILE`` shows one. They hold what
``--help`` shows, so they are made when they are packaged and are not kept.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from project_python import enter

enter()

import click  # noqa: E402 - found through sys.path
from command_tree import commands, root  # noqa: E402

from jettison import __version__  # noqa: E402
from jettison.cli.examples import examples  # noqa: E402

ESCAPES = {
    "-": "\\-",
    "'": "\\(aq",
    "`": "\\(ga",
    "^": "\\(ha",
    "~": "\\(ti",
    "…": "...",
}
SEE_ALSO = {"build": ("run", "check"), "run": ("build",)}
FILES = """\
.TP
.I ~/.config/jettison/config.toml
Settings. Each may also be given as a variable
.BR JETTISON_ NAME.
.TP
.IR ~/.local/share/jettison ", " /var/lib/jettison
The store of a user, and of root.
"""
STATUSES = Path(__file__).resolve().parents[1] / "docs" / "reference" / "exit-status.md"


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    top = root()
    found = {"jettison.1": page(top)}
    for name, context in commands(top):
        found[f"jettison-{name}.1"] = page(context)
    return found


def page(context: click.Context) -> str:
    """Return the man page of a command."""
    command = context.command
    name = context.command_path.replace(" ", "-")
    summary, _, rest = (command.help or "").partition("\n")
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [
        f'.TH "{name.upper()}" "1" "" "jettison {__version__}" "Jettison"',
        ".SH NAME",
        f"{roff(name)} \\- {roff(summary.rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B {roff(context.command_path)}",
        roff(usage),
    ]
    if rest.strip():
        parts += [".SH DESCRIPTION", *paragraphs(rest)]
    parts += options(context)
    if isinstance(command, click.Group):
        parts.append(".SH COMMANDS")
        for inner, found in commands(context):
            if "-" not in inner:
                short = found.command.get_short_help_str(200)
                parts += [".TP", f"\\fB{roff(inner)}\\fR", roff(short)]
    if context.parent is None:
        parts += [".SH EXIT STATUS", *statuses(), ".SH FILES", FILES.rstrip()]
    if found := examples(context.command_path.split()[1:]):
        parts.append(".SH EXAMPLES")
        for line, about in found:
            parts += [".TP", f"\\fB{roff(line)}\\fR", roff(about)]
    see = ["jettison", *(f"jettison-{each}" for each in SEE_ALSO.get(command.name or "", ()))]
    if context.parent is not None:
        parts += [".SH SEE ALSO", ", ".join(f"\\fB{roff(each)}\\fR(1)" for each in see)]
    return "\n".join(parts) + "\n"


def options(context: click.Context) -> list[str]:
    """Return the section of a command's flags, as its help describes them."""
    lines: list[str] = []
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            lines += [".TP", f"\\fB{roff(record[0])}\\fR", roff(record[1]) or "\\&"]
    return [".SH OPTIONS", *lines] if lines else []


def statuses() -> list[str]:
    """Return the exit statuses, from the page that documents them."""
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", STATUSES.read_text(), re.MULTILINE)
    return [line for number, means in rows for line in (".TP", f".B {number}", roff(means))]


def paragraphs(text: str) -> list[str]:
    r"""Return text as paragraphs; click's ``\b`` keeps the lines of one."""
    lines: list[str] = []
    for each in re.split(r"\n\s*\n", text.strip()):
        kept = each.lstrip().startswith("\b")
        rows = [row.strip() for row in each.replace("\b", "").strip().splitlines()]
        body = [roff(row) for row in rows]
        lines += [".PP", ".nf", *body, ".fi"] if kept else [".PP", *body]
    return lines


def roff(text: str) -> str:
    """Return text that roff shows as it is, in one line."""
    plain = " ".join(text.split()).replace("\\", "\\e")
    for char, escape in ESCAPES.items():
        plain = plain.replace(char, escape)
    return f"\\&{plain}" if plain.startswith(".") else plain


def main() -> None:
    """Write the pages."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    place = Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (place / name).write_text(text)


if __name__ == "__main__":
    main()
