"""What the checks of a build found, as lines for the end of its output."""

from __future__ import annotations

from collections.abc import Sequence

from jettison.events import Warned
from jettison.linux.text import printable

_SEVERITIES = ("error", "warning", "note")


def finding_lines(findings: Sequence[Warned]) -> list[str]:
    """Return a count and a line for each finding, errors first; nothing if there is none.

    An error has a second line: what ends it.
    """
    if not findings:
        return []
    more = "`jettison check --image` on it" if _about_files(findings) else "`jettison check`"
    lines = [f"{_counted(findings)} found (run {more} to see more):"]
    for each in sorted(findings, key=lambda each: _SEVERITIES.index(each.severity)):
        place = f" (line {each.span.line})" if each.span is not None else ""
        mark = "ERROR " if each.severity == "error" else ""
        lines.append(f" - {mark}{each.rule}: {printable(each.message)}{place}")
        if each.severity == "error" and each.hint:
            lines.append(f"     fix: {printable(each.hint)}")
    return lines


def _about_files(findings: Sequence[Warned]) -> bool:
    return any(each.severity == "error" or each.path for each in findings)


def _counted(findings: Sequence[Warned]) -> str:
    parts = []
    for severity in _SEVERITIES:
        count = sum(1 for each in findings if each.severity == severity)
        if count:
            parts.append(f"{count} {severity}{'s' if count > 1 else ''}")
    return ", ".join(parts)
