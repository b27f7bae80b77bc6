"""Fingerprints: what a finding is known by in the next run, when lines have moved.

In:  findings, the Dockerfile.
Out: a digest each, all different.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from jettison.findings.finding import Finding
from jettison.findings.form.place import end_line
from jettison.findings.source import Source


def fingerprints(findings: Iterable[Finding], source: Source) -> Iterator[str]:
    """Yield the fingerprint of each finding, in hexadecimal digits.

    It depends on the rule, the file's name, the text of the instruction, the path in the image and
    the stage, not on the number of a line; of equal ones the second, third, … differ by
    that.
    """
    lines = source.text.split("\n")
    seen: dict[tuple[str, ...], int] = {}
    for each in findings:
        text = ""
        if each.span is not None:
            text = " ".join(" ".join(lines[each.span.line - 1 : end_line(each.span)]).split())
        parts = (each.rule, source.filename, each.path, each.stage, text)
        count = seen[parts] = seen.get(parts, 0) + 1
        data = "\0".join((*parts, str(count))).encode(errors="surrogateescape")
        yield hashlib.sha256(data).hexdigest()
