#!/usr/bin/env python3
"""Write a page for each command below ``docs/reference/commands``, from the commands' own help.

    scripts/command_pages.py

A test compares the pages with what would be written now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from project_python import enter

enter()

import click  # noqa: E402 - found through sys.path
from command_tree import commands, root  # noqa: E402
from page_files import write_pages  # noqa: E402

from jettison.cli.examples import examples  # noqa: E402
from jettison.cli.names import GROUPS  # noqa: E402

PLACE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "commands"


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    top = root()
    found = {f"{name}.md": page(context) for name, context in commands(top)}
    return {"README.md": index(top)} | found


def page(context: click.Context) -> str:
    """Return the page of a command."""
    usage = " ".join(context.command.collect_usage_pieces(context))
    lines = [
        f"# {context.command_path}",
        "",
        "<!-- written by scripts/command_pages.py -->",
        "",
        *_paragraphs(context.command.help or ""),
        "```text",
        f"{context.command_path} {usage}".rstrip(),
        "```",
        "",
    ]
    if inner := [(name, each) for name, each in commands(context) if "-" not in name]:
        lines += ["| command | |", "|---|---|"]
        stem = context.command_path.removeprefix("jettison ").replace(" ", "-")
        for name, each in inner:
            short = _cell(each.command.get_short_help_str(200))
            lines.append(f"| [`{each.command_path}`]({stem}-{name}.md) | {short} |")
        lines.append("")
    if options := list(_options(context)):
        lines += ["| flag | |", "|---|---|", *options, ""]
    if found := examples(context.command_path.split()[1:]):
        lines += ["## Examples", "", "```sh"]
        lines += [row for line, about in found for row in (f"# {about}", line)]
        lines += ["```", ""]
    return "\n".join(lines)


def index(root: click.Context) -> str:
    """Return the page that lists all commands, and docker's long forms of them."""
    lines = [
        "# Commands",
        "",
        "<!-- written by scripts/command_pages.py -->",
        "",
        "What `jettison COMMAND --help` says, a page for each command.",
        "",
        "| command | |",
        "|---|---|",
    ]
    for name, context in commands(root):
        short = _cell(context.command.get_short_help_str(200))
        lines.append(f"| [`{context.command_path}`]({name}.md) | {short} |")
    lines += ["", "Docker's long forms are understood, too:", "", "| docker | the same as |"]
    lines.append("|---|---|")
    for group, inner in GROUPS.items():
        lines += [f"| `{group} {name}` | `{ours}` |" for name, ours in inner.items()]
    lines += ["", "These flags stand before the command:", "", "| flag | |", "|---|---|"]
    return "\n".join([*lines, *_options(root), ""])


def _options(context: click.Context) -> Iterator[str]:
    """Yield the rows of a command's flags, but for ``--help``."""
    for parameter in context.command.params:
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            yield f"| `{_cell(record[0], code=True)}` | {_cell(record[1])} |"


def _cell(text: str, *, code: bool = False) -> str:
    """Return a text as a cell of a table; what Markdown would read in it is code's or escaped."""
    plain = " ".join(text.split()).replace("|", "\\|")
    return plain if code else re.sub(r"([<*_])", r"\\\1", plain)


def _paragraphs(text: str) -> list[str]:
    r"""Return the paragraphs of a help; click's ``\b`` keeps the lines of one."""
    lines: list[str] = []
    for each in re.split(r"\n\s*\n", text.strip()):
        rows = [row.rstrip() for row in each.replace("\b", "").strip("\n").splitlines()]
        if each.lstrip().startswith("\b"):
            lines += ["```text", *rows, "```", ""]
        else:
            lines += [_cell(" ".join(rows)), ""]
    return lines


def main() -> None:
    """Write every page and remove those of commands that are gone."""
    write_pages(PLACE, pages())


if __name__ == "__main__":
    main()
