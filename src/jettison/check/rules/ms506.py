"""MS506: files that all may write.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable

from jettison.check.layer_facts import Marks
from jettison.check.layers import OwnEntry, is_system, mode_below, own_entries, span_of_layer
from jettison.check.rule import Rule
from jettison.check.rules.ms505 import mode_fixes
from jettison.check.subject import Subject
from jettison.check.written import listed, quoted
from jettison.findings.finding import Finding, Severity

_ALL_WRITE = 0o002
_STICKY = 0o1000
_FOR_ALL = re.compile(r"^/(?:tmp|var/tmp|dev|proc|sys|run/lock|var/lock)(?:/|$)")


class MS506(Rule):
    r"""All users may write to files of the image.

    ## What it does
    Finds files that all users may write to, and directories in which all may replace files (mode
    777 without the sticky bit), that the build added. `/tmp` and the like do not count.

    ## Why is this bad
    What breaks into a program without rights changes the programs and settings that others use:
    the next start runs its code, as root if root starts it.

    ## Example
        FROM python:3.11-slim
        COPY . /app
        RUN chmod -R 777 /app

    ## Use instead
        FROM python:3.11-slim
        COPY --chown=65532 . /app
        USER 65532
    """

    id = "MS506"
    title = "Not all users may write to files of the image"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a warning for each instruction that made such files."""
        found: dict[int, list[OwnEntry]] = {}
        for entry in own_entries(subject, _OPEN):
            if not _FOR_ALL.match(entry.path) and not _is_open(
                mode_below(subject, entry.path, entry.position)
            ):
                found.setdefault(entry.position, []).append(entry)
        for position, entries in found.items():
            if is_system(subject, position):
                continue
            paths = [each.path for each in entries]
            what = "directory" if stat.S_ISDIR(entries[0].mode) else "file"
            one = f"all users may write to the {what} `{paths[0]}`"
            many = f"all users may write to {len(paths)} files and directories: {listed(paths)}"
            span = span_of_layer(subject, position)
            command = f"chmod -R o-w {quoted(_tops(paths))}"
            yield self.finding(
                Severity.WARNING,
                one if len(paths) == 1 else many,
                span=span,
                path=paths[0],
                stage=subject.final.label,
                fixes=mode_fixes(subject, span, command, "0755"),
            )


def _is_open(mode: int) -> bool:
    if stat.S_ISDIR(mode):
        return bool(mode & _ALL_WRITE) and not mode & _STICKY
    return stat.S_ISREG(mode) and bool(mode & _ALL_WRITE)


_OPEN = Marks("for all 1", lambda _path, mode: _is_open(mode))


def _tops(paths: list[str]) -> list[str]:
    """Return the paths that are in none of the others."""
    tops: list[str] = []
    for path in sorted(paths):
        if not tops or not path.startswith(tops[-1] + "/"):
            tops.append(path)
    return tops[:20]
