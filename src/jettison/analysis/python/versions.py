"""Versions of Python distributions, and what they are compared with.

In:  text: ``1.0rc1``, ``>=1.0, !=1.5``.
Out: ``Version``, which can be ordered; whether a version is in a set.

Source: the PyPA specification "Version specifiers" (PEP 440).
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne

import msgspec

_MAX_TEXT = 200
_MAX_PARTS = 50
_VERSION = re.compile(
    r"v?(?:(?P<epoch>[0-9]{1,9})!)?(?P<release>[0-9]{1,18}(?:\.[0-9]{1,18})*)"
    r"(?:[-_.]?(?P<pre>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?P<pre_number>[0-9]{0,18}))?"
    r"(?:-(?P<implicit>[0-9]{1,18})|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_number>[0-9]{0,18}))?"
    r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_number>[0-9]{0,18}))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"\s*(===|~=|==|!=|<=|>=|<|>)\s*([^\s,;]+)\s*")
_PRE = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
_LAST = 1 << 62
_COMPARED = {"==": eq, "!=": ne, "<=": le, ">=": ge, "<": lt, ">": gt}


class Version(msgspec.Struct, frozen=True, order=True):
    """A version in the form in which versions are ordered.

    Args:
        epoch: Number before ``!``.
        release: Without zeros at its end.
        pre: (letter, number); what has none is after all that have, unless it is ``dev`` only.
        post: -1 without one.
        dev: Greater than any number without one.
        local: What follows ``+``: numbers are after words.
    """

    epoch: int
    release: tuple[int, ...]
    pre: tuple[str, int]
    post: int
    dev: int
    local: tuple[tuple[int, str], ...] = ()

    @property
    def is_prerelease(self) -> bool:
        """Whether it is one, or a development release."""
        return self.pre[0] not in {"", "~"} or self.dev != _LAST

    @property
    def public(self) -> Version:
        """The version without its local part."""
        return msgspec.structs.replace(self, local=())


@lru_cache(4096)
def parse_version(text: str) -> Version | None:
    """Return a version; None if it is none.

    >>> parse_version("1.0rc1") < parse_version("1.0") < parse_version("1.0.post1")
    True
    """
    found = _VERSION.fullmatch(text.strip()) if len(text) <= _MAX_TEXT else None
    if found is None:
        return None
    part = found.groupdict()
    release = tuple(map(int, part["release"].split(".")))[:_MAX_PARTS]
    while len(release) > 1 and not release[-1]:
        release = release[:-1]
    post, dev = -1, _LAST
    if part["implicit"] or part["post"]:
        post = int(part["implicit"] or part["post_number"] or 0)
    if part["dev"]:
        dev = int(part["dev_number"] or 0)
    pre = ("~", 0)
    if part["pre"]:
        letter = part["pre"].lower()
        pre = (_PRE.get(letter, letter), int(part["pre_number"] or 0))
    elif post < 0 and part["dev"]:
        pre = ("", 0)
    words = re.split(r"[-_.]", (part["local"] or "").lower()) if part["local"] else []
    local = tuple((int(each), "") if each.isdigit() else (-1, each) for each in words)
    return Version(int(part["epoch"] or 0), release, pre, post, dev, local)


def parse_clauses(text: str) -> tuple[tuple[str, str], ...] | None:
    """Return the (operator, version) pairs of a set such as ``>=1.0, <2``; None if it is none."""
    clauses: list[tuple[str, str]] = []
    for each in text[: _MAX_TEXT * 5].split(","):
        if not each.strip():
            continue
        found = _CLAUSE.fullmatch(each)
        if found is None:
            return None
        clauses.append((found[1], found[2]))
    return tuple(clauses)


def satisfies(text: str, clauses: tuple[tuple[str, str], ...]) -> bool:
    """Tell whether an installed version is in a set. What cannot be compared is.

    Pre-releases count as what they are: they are installed already.
    """
    return all(_holds(text, operator, wanted) for operator, wanted in clauses)


def _holds(text: str, operator: str, wanted: str) -> bool:
    if operator == "===":
        return text.strip().lower() == wanted.lower()
    version = parse_version(text)
    is_prefix = wanted.endswith(".*")
    other = parse_version(wanted.removesuffix(".*"))
    if version is None or other is None:
        return True
    if operator == "~=":
        return version >= other and _begins(version, other, _length(wanted) - 1)
    if is_prefix:
        return _begins(version, other, _length(wanted.removesuffix(".*"))) == (operator == "==")
    if not other.local:
        version = version.public
    same = version.epoch == other.epoch and version.release == other.release
    if operator == ">" and same and other.post < 0 and version.pre == other.pre:
        return version > other and version.post < 0  # its post releases are not after it
    if operator == "<" and same and other.post < 0 and not other.is_prerelease:
        return version < other and not version.is_prerelease  # nor its pre-releases before it
    return bool(_COMPARED[operator](version, other))


def _begins(version: Version, other: Version, parts: int) -> bool:
    def padded(release: tuple[int, ...]) -> tuple[int, ...]:
        return (*release, *(0,) * parts)[:parts]

    return version.epoch == other.epoch and padded(version.release) == padded(other.release)


def _length(text: str) -> int:
    found = _VERSION.fullmatch(text)
    return found["release"].count(".") + 1 if found else 0
