"""The table of habits as a page.

In:  the lines with their outcomes.
Out: Markdown.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

_HEAD = """\
# Habits from docker

{count} lines of daily work, recorded with docker 28.5 and run with Jettison in a test, in this order:
{equal} print the same, {noted} are noted, {refused} are refused, none is silent. `REGISTRY` is a registry of this machine.
[Every flag](docker-flags.md) has its own page.

| here | what it means |
|---|---|
| equal | the same output, and it succeeds or fails as docker's does; left out are sizes and ages, and IDs of images that are built |
| noted | it does what was asked, and prints something else |
| refused | it is an error that says why and what to do instead |

| line | here | note |
|---|---|---|
"""


def page(rows: list[dict[str, Any]]) -> str:
    """Return the page."""
    counts = Counter(row["outcome"] for row in rows)
    return _HEAD.format(count=len(rows), **counts) + "".join(map(_row, rows))


def _row(row: dict[str, Any]) -> str:
    notes = [row["note"]] if row.get("note") else []
    if row["outcome"] == "refused":
        notes.insert(0, row["ours"]["err"].removeprefix("ERROR: "))
    line = row["line"].replace("|", "\\|")
    note = "; ".join(notes).replace("|", "\\|")
    return f"| `{line}` | {row['outcome']} | {note} |\n"
