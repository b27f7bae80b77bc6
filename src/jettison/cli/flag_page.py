"""The page about docker's and podman's flags: what each is here.

In:  the flags that docker and podman have, recorded from their help; our commands; the tables of
     ``compat``.
Out: Markdown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click
import msgspec

from jettison.cli.compat.accepted import WARNED, notes_of
from jettison.cli.compat.lookup import reason_of
from jettison.cli.main import jettison
from jettison.cli.names import GROUPS, canonical
from jettison.cli.usage import unknown_command

Recorded = Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]
"""By tool: ``version`` and ``commands``; by command flags; each with its short name and value."""

_HEAD = """\
# Flags of docker and podman

Every flag of the commands that docker {docker} and podman {podman} have about images, builds and
containers, and what it is here. This page is made by `scripts/flag_pages.py` from the help of both
and from the tables by which the command line itself answers: a flag that is refused says the same
when it is typed.

| here | what it means |
|---|---|
| works | it does what it does there |
| accepted | it is taken; the note says what comes of it |
| noted | it is taken, and a line on standard error says that nothing comes of it |
| refused | it is an error, which says why and what to do instead |
"""


class Row(msgspec.Struct, frozen=True):
    """A flag of a command.

    Args:
        names: The long name, and the short one if there is one.
        tools: Who has it.
        here: ``works``, ``accepted``, ``noted`` or ``refused``; empty if nothing is known.
        note: Why, and what to do instead.
    """

    names: str
    tools: str
    here: str
    note: str = ""


def page(recorded: Recorded) -> str:
    """Return the page."""
    versions = {tool: str(each["version"]) for tool, each in recorded.items()}
    parts = [_HEAD.format(**versions)]
    absent: list[str] = []
    for command, paths in commands(recorded).items():
        rows = list(rows_of(recorded, command, paths))
        parts.append(f"## {_title(command, paths)}\n\n{_table(rows)}")
    for path in missing(recorded):
        reason = unknown_command(*_split(path), ()).message.partition(": ")[2]
        absent.append(f"| `{path}` | {reason} |")
    parts.append("## Commands that are not there\n\n| command | why |\n|---|---|\n")
    return "\n".join(parts) + "\n".join(absent) + "\n"


def commands(recorded: Recorded) -> dict[str, list[str]]:
    """Return docker's and podman's names of each command that is here, by its name here."""
    found: dict[str, list[str]] = {}
    for tool in recorded.values():
        for path in tool["commands"]:
            name = canonical(path.split())
            if name is not None and path not in found.setdefault(name, []):
                found[name].append(path)
    return found


def missing(recorded: Recorded) -> list[str]:
    """Return the commands that are not here."""
    paths = {path for tool in recorded.values() for path in tool["commands"]}
    return sorted(path for path in paths if canonical(path.split()) is None)


def rows_of(recorded: Recorded, command: str, paths: list[str]) -> Iterator[Row]:
    """Yield a row for each flag that docker or podman have for a command."""
    ours = names_of(find(command))
    tools: dict[str, set[str]] = {}
    shorts: dict[str, str] = {}
    for tool, each in recorded.items():
        for path in paths:
            for flag, value in each["commands"].get(path, {}).items():
                tools.setdefault(flag, set()).add(tool)
                if value.startswith("-"):
                    shorts[flag] = value.split()[0]
    for flag in sorted(tools):
        names = f"`{flag}`, `{shorts[flag]}`" if flag in shorts else f"`{flag}`"
        owners = ", ".join(sorted(tools[flag]))
        note = notes_of(command).get(flag, "")
        if flag in ours:
            warned = flag in WARNED.get(command, {})
            yield Row(names, owners, "noted" if warned else "accepted" if note else "works", note)
        elif why := reason_of(command, flag):
            yield Row(names, owners, "refused", f"{why[0]}; {why[1]}")
        else:
            yield Row(names, owners, "")


def find(command: str) -> click.Command:
    """Return a command by its name here."""
    found: click.Command = jettison
    context = click.Context(jettison, info_name="jettison")
    for word in _path(command).split():
        assert isinstance(found, click.Group)  # noqa: S101 - its subcommand has a name
        inner = found.get_command(context, word)
        assert inner is not None  # noqa: S101 - the tables name commands that exist
        found = inner
    return found


def _path(command: str) -> str:
    return "buildx inspect" if command == "doctor" else command


def names_of(command: click.Command) -> dict[str, click.Option]:
    """Return the flags of a command by each of their names."""
    return {
        name: each
        for each in command.params
        if isinstance(each, click.Option)
        for name in each.opts
    }


def _title(command: str, paths: list[str]) -> str:
    others = [f"`{path}`" for path in paths if path and path != command]
    title = f"`{command}`" if command else "Before the command"
    return title + (f" ({', '.join(others)})" if others else "")


def _table(rows: list[Row]) -> str:
    if not rows:
        return "No flags.\n"
    lines = ["| flag | of | here | note |", "|---|---|---|---|"]
    for row in rows:
        note = row.note.replace("|", "\\|")
        lines.append(f"| {row.names} | {row.tools} | {row.here} | {note} |")
    return "\n".join(lines) + "\n"


def _split(path: str) -> tuple[str, str]:
    """Return what ``unknown_command`` takes: the path up to the name that is unknown, and it."""
    first, _, rest = path.partition(" ")
    if not rest or first not in GROUPS:
        return "jettison", first
    return f"jettison {first}", rest.split()[0]
