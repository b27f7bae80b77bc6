"""MS603: documentation in the image.

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
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice

_DOCUMENTS = re.compile(r"^(/usr(?:/local)?/share/(?:man|doc|info|gtk-doc|help|locale))/")
_MARKED = Marks(
    f"documents {_DOCUMENTS.pattern}", lambda path, _mode: _DOCUMENTS.match(path) is not None
)
_LEAST = 5 * MEGABYTE


class MS603(Rule):
    r"""Documentation in the image.

    ## What it does
    Finds manual pages, documents and translations that the build put into the image, from 5 MB
    on.

    ## Why is this bad
    Nobody reads them in a container.

    ## Example
        FROM busybox
        RUN mkdir -p /usr/share/doc/x && head -c 6000000 /dev/urandom > /usr/share/doc/x/manual

    ## Use instead
        FROM busybox
        RUN mkdir -p /usr/share/doc/x && rm -rf /usr/share/doc/x
    """

    id = "MS603"
    title = "Images have no documentation"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield one finding if there is much of it."""
        sums: dict[str, int] = {}
        lines: dict[int, int] = {}
        spans = {}
        files = 0
        for path, count, span in own_files(subject, _MARKED):
            match = _DOCUMENTS.match(path)
            if match is not None:
                files += 1
                sums[match[1]] = sums.get(match[1], 0) + count
                if span is not None:
                    lines[span.line] = lines.get(span.line, 0) + count
                    spans[span.line] = span
        total = sum(sums.values())
        if total < _LEAST:
            return
        most = max(lines, key=lambda line: lines[line], default=0)
        yield self.finding(
            Severity.NOTE,
            f"{size(total)} of documentation are in the image ({counted(files, 'file')})",
            span=spans.get(most),
            path=max(sums, key=lambda each: sums[each]),
            stage=subject.final.label,
            cause=tuple(f"{size(count)} in {place}" for place, count in sorted(sums.items())[:4]),
            fixes=advice("remove it in the same RUN, or have dpkg leave it out (path-exclude)"),
        )
