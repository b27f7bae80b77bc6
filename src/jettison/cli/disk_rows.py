"""Parts of the store as ``du`` and the prune commands show them: filters, reasons, tables.

In:  values of flags, rows of ``api.disk``.
Out: a ``DiskFilter``; text.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence

from jettison.api.disk import DiskRow
from jettison.api.disk_filter import SWITCHES, TEXTS, Condition, DiskFilter, Operator
from jettison.api.kept import Reason
from jettison.cli.filters import parse_time, switch
from jettison.cli.table import ago, table
from jettison.cli.values import require_text
from jettison.console.plain import size
from jettison.errors import UsageError
from jettison.linux.text import printable

_TIMES = ("until", "unused-for")
FILTERS = (*_TIMES, *TEXTS, *SWITCHES)
_FILTER = re.compile(r"([a-z-]+)(?:(!=|~=|==|=)(.*))?", re.DOTALL)
_WORDS = {
    "image": "image",
    "base": "base of image",
    "container": "container",
    "running": "running",
}


def parse_disk_filters(given: Iterable[str], *, command: str) -> DiskFilter:
    """Return what ``--filter`` asks for: ``NAME=VALUE``, ``NAME!=X``, ``NAME~=REGEX``, ``inuse``.

    Args:
        given: As written.
        command: What has it, for messages.

    Raises:
        UsageError: one is malformed, or there is no such filter.
    """
    conditions: list[Condition] = []
    before: float | None = None
    for text in given:
        require_text("--filter", text)
        match = _FILTER.fullmatch(text.strip())
        name = match[1] if match is not None else text.partition("=")[0]
        if match is None or name not in FILTERS:
            raise UsageError(
                f"`{command}` has no filter `{name}`",
                hint=f"use one of {', '.join(sorted(FILTERS))}",
            )
        operator, value = match[2] or "", (match[3] or "").strip()
        if name in _TIMES:
            if before is not None:
                raise UsageError("more than one `until` filter is given")
            if operator not in {"=", "=="}:
                raise UsageError(f"invalid filter `{text}`", hint=f"write {name}=24h")
            before = parse_time(value)
        else:
            conditions.append(_condition(text, name, operator, value))
    return DiskFilter(tuple(conditions), None if before is None else int(before * 1e9))


def _condition(text: str, name: str, operator: str, value: str) -> Condition:
    kind: Operator = "!=" if operator == "!=" else "~=" if operator == "~=" else "="
    if name in SWITCHES:
        if kind == "~=":
            raise UsageError(f"invalid filter `{text}`", hint=f"write {name} or {name}=false")
        return Condition(name, kind, str(not operator or switch(name, value)).lower())
    if not operator:
        raise UsageError(f"invalid argument `{text}` for `--filter`", hint="write NAME=VALUE")
    if kind == "~=":
        try:
            re.compile(value)
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError(f"`{value}` is no regular expression: {error}") from error
    return Condition(name, kind, value)


def reason_text(reason: Reason, row: DiskRow) -> str:
    """Return one reason in words."""
    match reason.kind:
        case "cache":
            return f"build cache, last used {since(row)}"
        case "download":
            return "the next fetch goes on with it, for a week"
        case "spared":
            return f"spared: {reason.what}"
        case _:
            return f"{_WORDS[reason.kind]} {reason.what}"


def kept_by(row: DiskRow) -> str:
    """Return the first reason, with how many there are beside it; ``-`` for none."""
    if not row.reasons:
        return "-"
    more = f" +{len(row.reasons) - 1}" if len(row.reasons) > 1 else ""
    first = row.reasons[0]
    if first.kind == "cache":
        return f"build cache{more}"
    if first.kind == "download":
        return f"its next fetch{more}"
    return printable(reason_text(first, row))[:40] + more


def all_reasons(row: DiskRow) -> list[str]:
    """Return all that keeps a row, in words."""
    return [reason_text(each, row) for each in row.reasons] or ["nothing"]


def since(row: DiskRow) -> str:
    """Return when something was last used."""
    return ago((time.time_ns() - row.used_ns) / 1e9) if row.used_ns else "N/A"


def kept_table(rows: Sequence[DiskRow]) -> str:
    """Return what stays, with all that keeps it; empty if nothing does."""
    if not rows:
        return ""
    lines = [
        [
            row.short_id,
            size(row.size_bytes),
            printable(row.name)[:40],
            printable("; ".join(all_reasons(row))),
        ]
        for row in rows
    ]
    return table(["KEPT", "SIZE", "MADE BY", "WHY"], lines)
