"""Moments as docker's flags name them: a date, seconds since the epoch, or how long ago.

In:  ``2026-01-02T03:04:05Z``, ``2026-01-02``, ``1767323045.5``, ``10m``, ``1h30m``.
Out: nanoseconds since the epoch.

Source: docker's ``timestamps.GetTimestamp``, Go's ``time.ParseDuration``.
"""

from __future__ import annotations

import contextlib
import re
import time
from datetime import datetime

from jettison.errors import DockerfileSyntaxError, UsageError
from jettison.frontend.dockerfile.durations import parse_duration

_SECOND = 10**9
_FRACTION = re.compile(r":[0-9]{2}\.([0-9]{1,9})(?=Z|[+-]|$)")
_UNIX = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,9}))?")


def moment_ns(text: str, flag: str) -> int:
    """Return the moment that a text names.

    Args:
        text: As the module says; dates without a zone are local.
        flag: Whose value it is, for the error.

    Raises:
        UsageError: it names none.
    """
    if match := _UNIX.fullmatch(text):
        return int(match[1]) * _SECOND + int((match[2] or "0").ljust(9, "0"))
    with contextlib.suppress(DockerfileSyntaxError):
        return time.time_ns() - parse_duration(text)
    fraction = _FRACTION.search(text)
    digits = fraction[1] if fraction else ""
    try:
        whole = datetime.fromisoformat(text.replace(f".{digits}", "", 1) if digits else text)
        return int(whole.astimezone().timestamp()) * _SECOND + int(digits.ljust(9, "0"))
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f'invalid value for "{flag}": `{text}` is no time',
            hint="write a date like 2026-01-02T03:04:05Z, or how long ago: 10m",
        ) from None
