"""Durations in Go's notation: ``1m30s``, ``1.5h``, ``300ms``.

In:  text of a HEALTHCHECK flag.
Out: nanoseconds.
"""

from __future__ import annotations

import re

from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile.text import quote

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_MAX_NS = 2**63 - 1
_PART = r"(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?([^.0-9]*)"


def parse_duration(text: str) -> int:
    """Return a duration in nanoseconds.

    Raises:
        DockerfileSyntaxError: The text is no duration or too long a one.

    >>> parse_duration("1m30.5s")
    90500000000
    """
    rest = text.removeprefix("-") if text.startswith("-") else text.removeprefix("+")
    if rest == "0":
        return 0
    invalid = DockerfileSyntaxError(f"time: invalid duration {quote(text)}")
    if not rest:
        raise invalid
    total = 0
    while rest:
        match = re.match(_PART, rest)
        if match is None:
            raise invalid
        whole, fraction, unit = match[1], match[2] or "", match[3]
        if not unit:
            raise DockerfileSyntaxError(f"time: missing unit in duration {quote(text)}")
        if unit not in _UNITS:
            raise DockerfileSyntaxError(
                f"time: unknown unit {quote(unit)} in duration {quote(text)}"
            )
        if len(whole) > 20 or len(fraction) > 20:
            raise invalid
        scale = _UNITS[unit]
        total += int(whole or "0") * scale + int(fraction or "0") * scale // 10 ** len(fraction)
        if total > _MAX_NS:
            raise invalid
        rest = rest[match.end() :]
    return -total if text.startswith("-") else total
