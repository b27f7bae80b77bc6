"""Limits that a build is to keep: as flags, ``jettison.toml`` and dive's ``.dive-ci`` write them.

In:  texts and parsed documents.
Out: ``Limits``; each limit knows where it was set.

Sizes are decimal, as everything in a report: ``50MB`` is 50,000,000 bytes; ``50MiB`` is binary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from jettison.errors import UsageError
from jettison.spelling import near_misses

FORBIDDEN = {
    "shells": "shells",
    "setuid": "setuid",
    "compilers": "compilers",
    "pkgmgrs": "package_managers",
    "netclients": "network_clients",
    "debuggers": "debuggers",
    "interpreters": "interpreters",
    "capabilities": "capabilities",
    "world-writable": "world_writable",
}
"""What ``--forbid`` takes, and the field of a surface that it is."""

NONE = "none"
"""Takes a limit away that a file sets."""

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_SHARE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*%")
_DIVE = {
    "lowestEfficiency": "lowest-efficiency",
    "highestWastedBytes": "max-wasted",
    "highestUserWastedPercent": "max-user-wasted",
}
"""Keys of dive's file, and the limits that they are."""


class Amount(msgspec.Struct, frozen=True):
    """So many bytes, or a share of something, 0 to 1 and more."""

    bytes: int | None = None
    share: float | None = None


class Limit(msgspec.Struct, frozen=True):
    """One limit.

    Args:
        name: Of its gate.
        text: As written.
        source: Where.
        amount: Of a gate that has one.
        kinds: Of ``forbid``, as in ``FORBIDDEN``.
    """

    name: str
    text: str
    source: str
    amount: Amount = Amount()
    kinds: tuple[str, ...] = ()


class Limits(msgspec.Struct, frozen=True):
    """All limits of a build, one of a name at most.

    Args:
        limits: By name.
        baseline: What growth is measured against: a file of a report, or an image; empty for the
            last build of the same tag.
    """

    limits: Mapping[str, Limit] = {}
    baseline: str = ""

    def over(self, other: Limits) -> Limits:
        """Return both; these win, and ``none`` takes one of the others away."""
        both = {**other.limits, **self.limits}
        kept = {name: limit for name, limit in both.items() if limit.text != NONE}
        return Limits(kept, self.baseline or other.baseline)


def from_flags(flags: Mapping[str, str], baseline: str = "") -> Limits:
    """Return the limits of a command line.

    Args:
        flags: Gate to text; empty ones are not given.
        baseline: Of ``--baseline``.

    Raises:
        UsageError: a value is none.
    """
    made = {name: limit(name, text, f"--{name}") for name, text in flags.items() if text}
    return Limits(made, baseline)


def from_table(table: Mapping[str, Any], source: str) -> Limits:
    """Return the limits of a table ``[gates]``.

    Args:
        table: It, as TOML is read.
        source: Name of the file.

    Raises:
        UsageError: a key is not known, or a value is none.
    """
    made = {}
    baseline = ""
    for key, value in table.items():
        name = _DIVE.get(key, key)
        if name == "baseline":
            baseline = str(value)
            continue
        if name not in _KINDS:
            near = near_misses(key, [*_KINDS, "baseline"])
            hint = f"write `{near[0]}`" if near else f"write one of {', '.join(_KINDS)}"
            raise UsageError(f"{source}: there is no gate `{key}`", hint=hint)
        made[name] = limit(name, _text(value), source, key)
    return Limits(made, baseline)


def _text(value: Any) -> str:  # noqa: ANN401 - whatever TOML has
    """Return a value of TOML as a flag would have it."""
    if isinstance(value, bool):
        return "true" if value else NONE
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def from_dive(data: bytes, source: str) -> Limits:
    """Return the limits of dive's file: ``key: value`` lines below ``rules:``.

    Raises:
        UsageError: a line or a value is not understood.
    """
    made = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        text = line.partition("#")[0].rstrip()
        if not text.strip() or text.strip() in {"rules:", "---"}:
            continue
        key, colon, value = text.strip().partition(":")
        value = value.strip().strip("'\"")
        if not colon or key not in _DIVE:
            raise UsageError(
                f"{source}:{number}: `{text.strip()}` is no rule",
                hint=f"write {', '.join(_DIVE)}, each with a value",
            )
        if value != "disabled":
            made[_DIVE[key]] = limit(_DIVE[key], value, source, key)
    return Limits(made)


def limit(name: str, text: str, source: str, key: str = "") -> Limit:
    """Return a limit from its text.

    Args:
        name: Of its gate.
        text: As written.
        source: Where.
        key: By which name it was written; ``name`` if empty.

    Raises:
        UsageError: that is no value of it.
    """
    if text == NONE:
        return Limit(name, text, source)
    try:
        return _KINDS[name](name, text, source)
    except ValueError as error:
        what = source if source.startswith("--") else f"{source}: `{key or name}`"
        raise UsageError(f"{what}: `{text}` {error}", hint=f"write {_HINTS[name]}") from None


def amount(text: str) -> Amount:
    """Return bytes or a share.

    >>> amount("50MB").bytes, amount("1 KiB").bytes, amount("5%").share
    (50000000, 1024, 0.05)

    Raises:
        ValueError: it is neither.
    """
    share = _SHARE.fullmatch(text.strip())
    if share is not None:
        return Amount(share=float(share[1]) / 100)
    size = _SIZE.fullmatch(text.strip())
    if size is None:
        raise ValueError("is no size")
    unit = (1024 if size[2] and size[3] else 1000) ** "_kmgt".index(size[2].lower() or "_")
    return Amount(bytes=int(float(size[1]) * unit))


def _bytes(name: str, text: str, source: str) -> Limit:
    found = amount(text)
    if found.bytes is None:
        raise ValueError("is no number of bytes")
    return Limit(name, text, source, found)


def _amount(name: str, text: str, source: str) -> Limit:
    return Limit(name, text, source, amount(text))


def _share(name: str, text: str, source: str) -> Limit:
    number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 <= number <= 1:
        raise ValueError("is no share between 0 and 1")
    return Limit(name, text, source, Amount(share=number))


def _forbid(name: str, text: str, source: str) -> Limit:
    kinds = tuple(each.strip() for each in text.split(",") if each.strip())
    unknown = [each for each in kinds if each not in FORBIDDEN]
    if unknown or not kinds:
        raise ValueError("has a kind that is not known" if unknown else "forbids nothing")
    return Limit(name, text, source, kinds=kinds)


def _yes(name: str, text: str, source: str) -> Limit:
    if text != "true":
        raise ValueError("is neither true nor false")
    return Limit(name, text, source)


_KINDS: Mapping[str, Callable[[str, str, str], Limit]] = {
    "max-size": _bytes,
    "max-growth": _amount,
    "max-wasted": _amount,
    "forbid": _forbid,
    "require-user": _yes,
    "lowest-efficiency": _share,
    "max-user-wasted": _share,
}
_HINTS = {
    "max-size": "a size such as 50MB",
    "max-growth": "a size or a share, such as 1MB or 5%",
    "max-wasted": "a size or a share, such as 1MB or 5%",
    "forbid": f"some of {', '.join(FORBIDDEN)}",
    "require-user": "true or false",
    "lowest-efficiency": "a share such as 0.95",
    "max-user-wasted": "a share such as 0.1",
}
