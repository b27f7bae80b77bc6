"""Findings: what a rule says about a place in a file, or about a file of an image.

In:  nothing.
Out: ``Finding``, which runners collect, pragmas silence and formats print.
"""

from __future__ import annotations

import enum

import msgspec

from jettison.errors import Span


class Severity(enum.Enum):
    """How bad it is.

    ``ERROR`` says that the image will fail or leak, ``WARNING`` that it probably is not what was
    wanted, ``NOTE`` what is good to know.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class FixKind(enum.Enum):
    """What a fix does to the Dockerfile: see ``Fix``."""

    INSERT = "insert"
    REPLACE = "replace"
    DELETE = "delete"
    APPEND = "append"
    ADVICE = "advice"


class Fix(msgspec.Struct, frozen=True):
    """A change of the Dockerfile that ends a finding.

    Args:
        kind: ``INSERT`` puts the text behind a line (0: before the first), ``REPLACE`` and
            ``DELETE`` concern the lines from ``line`` to ``end_line``, ``APPEND`` puts it at the
            end of the file, ``ADVICE`` changes nothing: the text is words.
        text: One or more lines without a line break at the end.
        line: From 1.
        end_line: Inclusive; 0 is ``line``.
    """

    kind: FixKind
    text: str = ""
    line: int = 0
    end_line: int = 0


class Finding(msgspec.Struct, frozen=True):
    """One thing that a rule found.

    Args:
        rule: The rule's name, as pragmas want it: ``MS304``, ``StageNameCasing``.
        detail: What is wrong here, one sentence.
        span: Where in the Dockerfile; None if no line of it is to blame.
        description: What the rule is about, whatever it found.
        url: Where the rule is explained; empty without a page.
        severity: How bad it is.
        path: The file of the image that it is about; empty if it is about none.
        stage: Name of the stage concerned; empty for a finding about the text.
        cause: How that comes, a line each: both sides that disagree, with their versions.
        fixes: What ends it, the best first.
    """

    rule: str
    detail: str
    span: Span | None
    description: str = ""
    url: str = ""
    severity: Severity = Severity.WARNING
    path: str = ""
    stage: str = ""
    cause: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()

    @property
    def line(self) -> int:
        """First line in the Dockerfile, 0 without one."""
        return 0 if self.span is None else self.span.line


def printable(finding: Finding) -> Finding:
    """Return a finding in which what is no UTF-8 is escaped: names of files may be any bytes."""
    texts = (finding.detail, finding.path, finding.stage, *finding.cause)
    texts += tuple(fix.text for fix in finding.fixes)
    if all(text.isascii() for text in texts):
        return finding
    return msgspec.structs.replace(
        finding,
        detail=_escaped(finding.detail),
        path=_escaped(finding.path),
        stage=_escaped(finding.stage),
        cause=tuple(map(_escaped, finding.cause)),
        fixes=tuple(msgspec.structs.replace(fix, text=_escaped(fix.text)) for fix in finding.fixes),
    )


def _escaped(text: str) -> str:
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")
