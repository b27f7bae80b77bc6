"""The page about kaniko's flags, ``docs/reference/kaniko.md``, made of their table."""

from __future__ import annotations

from jettison.cli.kaniko.table import FLAGS, Flag, Status

_HEAD = """\
# kaniko's flags

Made by `scripts/kaniko_page.py` of the table that the command is made of; a test keeps it so.

`jettison executor`, and `/kaniko/executor` in the [CI image](../guides/ci.md), take
the command line of kaniko's executor. Credentials are read where kaniko reads them: in the
directory that `DOCKER_CONFIG` names, else in `/kaniko/.docker/config.json`. The
[exit status](exit-status.md) is Jettison's.
"""
_PARTS: tuple[tuple[Status, str, str], ...] = (
    ("works", "Works", "what it does"),
    ("accepted", "Accepted, with a note", "why it changes nothing"),
    ("refused", "Refused, with the reason", "why, and what to do instead"),
)


def page() -> str:
    """Return the page."""
    parts = [_HEAD]
    for status, title, column in _PARTS:
        rows = "".join(_row(flag) for flag in FLAGS if flag.status == status)
        parts.append(f"## {title}\n\n| flag | {column} |\n|---|---|\n{rows}")
    return "\n".join(parts)


def _row(flag: Flag) -> str:
    names = f"`--{flag.name}`" + (f", `-{flag.short}`" if flag.short else "")
    text = f"{flag.about}; {flag.instead}" if flag.instead else flag.about
    return f"| {names} | {text} |\n"
