"""A script has the line ends of Windows (CRLF)."""

from __future__ import annotations

import re

from jettison.errors import Cause
from jettison.failure.base import Failure

_SIGNS = (
    ("bad interpreter", r"bad interpreter.*\^M|\^M: bad interpreter"),
    ("\\r", r"\\r'?: (?:command not found|No such file|not found|invalid option)"),
    ("^m", r"\^M['\"]?: "),
)
_RAW = re.compile(r"\r(?:'|\": |: )(?:command )?(?:not found|No such file|invalid option)")
_SCRIPT = re.compile(r"(?:^|\s|&&\s*|sh )((?:\./|/)?[\w./-]+)")


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    if not (failure.log.find(*_SIGNS, last=40) or _RAW.search(failure.log.raw)):
        if failure.exit_code not in {126, 127}:
            return None
        if not any(_has_crlf(failure, each) for each in _SCRIPT.findall(failure.instruction)[:20]):
            return None
    return Cause(
        "line-ends",
        "a script has the line ends of Windows (CRLF)",
        "the carriage return counts as a part of each line: `/bin/sh\\r` is no program",
        "`RUN sed -i 's/\\r$//' FILE`; for good: `*.sh text eol=lf` in `.gitattributes`",
    )


def _has_crlf(failure: Failure, path: str) -> bool:
    head = failure.head(path)
    return head is not None and re.match(rb"#![^\n]{0,200}\r\n", head) is not None
