"""What a Dockerfile offers: its targets and its outline, as text and as docker's JSON.

In:  an outline, or targets.
Out: text, ready to be printed.

The ``*_json`` functions have the form of docker's ``--call=…,format=json``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jettison.findings.form.place import Json, encoded, indented, location, without_empty
from jettison.frontend.dockerfile.syntax import Dockerfile
from jettison.lint.outline import Outline, OutlineMount, Target


def targets_text(targets: Sequence[Target]) -> str:
    """Return a table of targets; the default one is marked."""
    rows = [("TARGET", "DESCRIPTION")]
    for target in targets:
        mark = "(default)" if target.is_default else ""
        rows.append((" ".join(filter(None, (target.name, mark))), target.description))
    return _table(rows)


def targets_json(targets: Iterable[Target], dockerfile: Dockerfile) -> str:
    """Return an object with ``targets`` and ``sources``."""
    listed = [
        without_empty(
            {
                "name": target.name,
                "default": target.is_default,
                "description": target.description,
                "base": target.base,
                "platform": target.platform,
                "location": location(target.span),
            }
        )
        for target in targets
    ]
    return indented({"targets": listed, "sources": [encoded(dockerfile)]})


def outline_text(outline: Outline) -> str:
    """Return tables of everything that a target can be given."""
    parts: list[str] = []
    if outline.name or outline.description:
        parts.append(_table([("TARGET:", outline.name), ("DESCRIPTION:", outline.description)]))
    if outline.args:
        rows = [(each.name, each.value, each.description) for each in outline.args]
        parts.append(_table([("BUILD ARG", "VALUE", "DESCRIPTION"), *rows]))
    for title, mounts in (("SECRET", outline.secrets), ("SSH", outline.ssh)):
        if mounts:
            lines = [(each.name, "true" if each.required else "") for each in mounts]
            parts.append(_table([(title, "REQUIRED"), *lines]))
    return "\n".join(parts)


def outline_json(outline: Outline, dockerfile: Dockerfile) -> str:
    """Return an object with the arguments, secrets and sockets of a target."""
    args = [
        without_empty(
            {
                "name": each.name,
                "description": each.description,
                "value": each.value,
                "location": location(each.span),
            }
        )
        for each in outline.args
    ]
    document = {
        "name": outline.name,
        "description": outline.description,
        "args": args,
        "secrets": list(map(_mount, outline.secrets)),
        "ssh": list(map(_mount, outline.ssh)),
        "sources": [encoded(dockerfile)],
    }
    return indented(without_empty(document))


def _mount(mount: OutlineMount) -> Json:
    fields = {"name": mount.name, "required": mount.required, "location": location(mount.span)}
    return without_empty(fields)


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
    return "".join(
        "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"
        for row in rows
    )
