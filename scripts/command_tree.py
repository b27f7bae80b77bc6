"""All commands of Jettison, for scripts that write something about each.

Scripts import it after ``project_python.enter``.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from jettison.cli.main import jettison
from jettison.cli.names import GROUPS


def root() -> click.Context:
    """Return the context of the program itself."""
    return click.Context(jettison, info_name="jettison")


def commands(parent: click.Context, prefix: str = "") -> Iterator[tuple[str, click.Context]]:
    """Yield all commands below one by the names of their pages, but for docker's long forms."""
    group = parent.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        if command is None or command.hidden or (not prefix and name in GROUPS):
            continue
        context = click.Context(command, info_name=name, parent=parent)
        yield f"{prefix}{name}", context
        yield from commands(context, f"{prefix}{name}-")
