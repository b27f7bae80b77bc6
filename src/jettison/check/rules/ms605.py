"""MS605: what only builds need, in the image.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jettison.check.layer_facts import Marks
from jettison.check.layers import own_files
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.units import MEGABYTE, counted, size
from jettison.errors import Span
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice

_KINDS = {
    "static libraries": re.compile(r"/lib[^/]*/(?:.*/)?[^/]+\.l?a$"),
    "headers": re.compile(r"^/usr(?:/local)?/include/"),
    "tests of Python packages": re.compile(r"/(?:site|dist)-packages/(?:.*/)?tests?/"),
}
_ANY = re.compile("|".join(f"(?:{kind.pattern})" for kind in _KINDS.values()))
_MARKED = Marks(f"for builds {_ANY.pattern}", lambda path, _mode: _ANY.search(path) is not None)
_LEAST = 2 * MEGABYTE


class MS605(Rule):
    r"""What only builds need, in the image.

    ## What it does
    Finds static libraries, headers and tests of packages that the build put into the image, from
    2 MB of a kind on. What a COPY took is judged by MS205.

    ## Why is this bad
    Nothing at run time reads them. They come with development packages, which a stage of its own
    can have.

    ## Example
        FROM busybox
        RUN mkdir -p /usr/include && head -c 3000000 /dev/urandom > /usr/include/all.h

    ## Use instead
        FROM busybox AS build
        RUN mkdir -p /usr/include && head -c 3000000 /dev/urandom > /usr/include/all.h
        FROM busybox
        COPY --from=build /bin/true /app
    """

    id = "MS605"
    title = "What only builds need stays in a stage"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield kinds of such files with their bytes."""
        sums: dict[str, dict[int, int]] = {}
        files: dict[str, int] = {}
        spans: dict[int, Span] = {}
        for path, count, span in own_files(subject, _MARKED):
            kind = next((each for each, found in _KINDS.items() if found.search(path)), "")
            if kind and span is not None:
                lines = sums.setdefault(kind, {})
                lines[span.line] = lines.get(span.line, 0) + count
                files[kind] = files.get(kind, 0) + 1
                spans[span.line] = span
        for kind, lines in sums.items():
            total = sum(lines.values())
            if total >= _LEAST:
                yield self.finding(
                    Severity.NOTE,
                    f"{size(total)} of {kind} are in the image ({counted(files[kind], 'file')})",
                    span=spans[max(lines, key=lambda line: lines[line])],
                    stage=subject.final.label,
                    fixes=advice("compile in a stage of its own and copy what it makes"),
                )
