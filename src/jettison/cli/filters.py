"""Values of ``--filter``: ``NAME=VALUE`` and ``label!=VALUE``, docker's times.

In:  texts as written on a command line.
Out: an ``ImageFilter``; seconds since the epoch.

Source: docker's ``opts.FilterOpt`` and ``timestamp`` package.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable
from datetime import datetime

from jettison.api.filters import ImageFilter, LabelFilter
from jettison.cli.values import require_text
from jettison.errors import DockerfileSyntaxError, UsageError

_SECONDS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?")
_SWITCHES = {"true": True, "1": True, "false": False, "0": False}


def parse_filters(
    given: Iterable[str], known: Collection[str], *, command: str
) -> dict[str, list[str]]:
    """Return the values by name; ``label!=X`` is the name ``label!``.

    Args:
        given: As written.
        known: The names that there are.
        command: What has no others, for messages.

    Raises:
        UsageError: one is malformed, or there is no such filter.
    """
    found: dict[str, list[str]] = {}
    for each in given:
        name, equals, value = each.partition("=")
        name, value = name.strip().lower(), value.strip()
        require_text("--filter", each)
        if not equals:
            raise UsageError(f"invalid argument `{each}` for `--filter`", hint="write NAME=VALUE")
        if name.removesuffix("!") not in known or (name.endswith("!") and name != "label!"):
            raise UsageError(
                f"`{command}` has no filter `{name}`",
                hint=f"use one of {', '.join(sorted(known))}",
            )
        found.setdefault(name, []).append(value)
    return found


def image_filter(found: dict[str, list[str]], *, pattern: str = "") -> ImageFilter:
    """Return which images filters ask for.

    Args:
        found: By name.
        pattern: Another reference.

    Raises:
        UsageError: a value is malformed.
    """
    references = found.get("reference", [])
    dangling = [switch("dangling", each) for each in found.get("dangling", [])]
    labels = [_label(each) for each in found.get("label", [])]
    labels += [_label(each, absent=True) for each in found.get("label!", [])]
    return ImageFilter(
        references=tuple([*references, pattern] if pattern else references),
        dangling=dangling[-1] if dangling else None,
        labels=tuple(labels),
        until=until(found),
        before=(found.get("before") or [""])[-1],
        since=(found.get("since") or [""])[-1],
    )


def switch(name: str, text: str) -> bool:
    """Return whether a filter asks for it or for the contrary.

    Raises:
        UsageError: the text is neither.
    """
    if text.lower() not in _SWITCHES:
        raise UsageError(
            f"invalid filter `{name}={text}`", hint=f"write {name}=true or {name}=false"
        )
    return _SWITCHES[text.lower()]


def until(found: dict[str, list[str]]) -> float | None:
    """Return the time of ``until``, seconds since the epoch; None without that filter.

    Raises:
        UsageError: it is given twice, or is no time.
    """
    given = found.get("until", [])
    if len(given) > 1:
        raise UsageError("more than one `until` filter is given")
    return parse_time(given[0]) if given else None


def parse_time(text: str) -> float:
    """Return seconds since the epoch of a time, or of so long ago: ``24h``.

    Raises:
        UsageError: it is neither.

    >>> parse_time("1970-01-01T00:01:00Z"), parse_time("12.5")
    (60.0, 12.5)
    """
    from jettison.frontend.dockerfile.durations import parse_duration

    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        return time.time() - parse_duration(text) / 1e9
    except DockerfileSyntaxError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise UsageError(
            f"`{text}` is no time",
            hint="write it like 24h, 10m, 2025-06-01T12:00:00Z or 1748779200",
        ) from None


def _label(text: str, *, absent: bool = False) -> LabelFilter:
    name, equals, value = text.partition("=")
    return LabelFilter(name, value if equals else None, absent)
