"""What the checks of a build found, as lines for the end of its output."""

from __future__ import annotations

from collections.abc import Sequence

from jettison.events import Warned
from jettison.linux.text import printable


def finding_lines(findings: Sequence[Warned]) -> list[str]:
    """Return a count and a line for each finding; nothing if there is none."""
    if not findings:
        return []
    count = "1 warning" if len(findings) == 1 else f"{len(findings)} warnings"
    lines = [f"{count} found (run `jettison check` to see more):"]
    for each in findings:
        place = f" (line {each.span.line})" if each.span is not None else ""
        lines.append(f" - {each.rule}: {printable(each.message)}{place}")
    return lines
