"""Builder flags: ``--name=value`` between an instruction and its arguments.

In:  the text after an instruction's name; what flags the instruction has.
Out: flag words with quotes and escapes removed, then typed values.

Values are not expanded here.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile.text import SPACES, did_you_mean


class Kind(enum.Enum):
    """What a flag takes."""

    BOOL = "bool"
    TEXT = "text"
    LIST = "list"


_FROM_FLAGS = {"platform": Kind.TEXT}
_COPY_FLAGS = {
    "chown": Kind.TEXT,
    "from": Kind.TEXT,
    "chmod": Kind.TEXT,
    "link": Kind.BOOL,
    "parents": Kind.BOOL,
    "exclude": Kind.LIST,
}
_ADD_FLAGS = {
    "chown": Kind.TEXT,
    "chmod": Kind.TEXT,
    "link": Kind.BOOL,
    "keep-git-dir": Kind.BOOL,
    "checksum": Kind.TEXT,
    "unpack": Kind.BOOL,
    "exclude": Kind.LIST,
}
_RUN_FLAGS = {
    "mount": Kind.LIST,
    "network": Kind.TEXT,
    "security": Kind.TEXT,
    "device": Kind.LIST,
}
_HEALTH_FLAGS = dict.fromkeys(
    ("interval", "timeout", "start-period", "start-interval", "retries"), Kind.TEXT
)

FLAGS: Mapping[str, Mapping[str, Kind]] = {
    "ADD": _ADD_FLAGS,
    "COPY": _COPY_FLAGS,
    "FROM": _FROM_FLAGS,
    "HEALTHCHECK": _HEALTH_FLAGS,
    "RUN": _RUN_FLAGS,
}
"""The flags of the instructions that have any."""


def split_flags(text: str) -> tuple[tuple[str, ...], str]:
    r"""Split leading flag words from text; a lone ``--`` ends them.

    The escape character of flags is always a backslash.

    >>> split_flags('--a="x y" --b c --d')
    (('--a=x y', '--b'), 'c --d')
    """
    flags: list[str] = []
    pos, size = 0, len(text)
    while True:
        while pos < size and text[pos] in SPACES:
            pos += 1
        if not text.startswith("--", pos):
            return tuple(flags), text[pos:]
        word, pos = _flag_word(text, pos)
        if word == "--":
            return tuple(flags), text[pos:]
        flags.append(word)


def _flag_word(text: str, pos: int) -> tuple[str, int]:
    """Return the unquoted word at ``pos`` and where it ends; an open quote ends with the text."""
    out: list[str] = []
    quote = ""
    size = len(text)
    while pos < size:
        char = text[pos]
        if not quote and char in SPACES:
            break
        pos += 1
        if char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif char == "\\":
            out.append(text[pos : pos + 1])
            pos += 1
        else:
            out.append(char)
    return "".join(out), min(pos, size)


def _known_flags(known: Mapping[str, Kind]) -> str:
    names = ", ".join(f"`--{name}`" for name in sorted(known))
    return f"use one of {names}" if names else "leave it out: the instruction has no flags"


class Flags:
    """The flags of one instruction, checked against those that it has.

    Raises:
        DockerfileSyntaxError: A flag is unknown, given twice, or has no or a wrong value.
    """

    __slots__ = ("_values",)

    def __init__(self, words: Sequence[str], known: Mapping[str, Kind]) -> None:
        self._values: dict[str, list[str]] = {}
        for word in words:
            name, equals, value = word.removeprefix("--").partition("=")
            kind = known.get(name)
            if kind is None:
                suggestion = did_you_mean(name, known)
                raise DockerfileSyntaxError(
                    f"unknown flag: --{name}{suggestion}", hint=_known_flags(known)
                )
            if name in self._values and kind is not Kind.LIST:
                raise DockerfileSyntaxError(f"duplicate flag specified: --{name}")
            if (kind is not Kind.BOOL and not equals) or (
                kind is Kind.BOOL and equals and not value
            ):
                raise DockerfileSyntaxError(f"missing a value on flag: --{name}")
            if kind is Kind.BOOL and value.lower() not in {"", "true", "false"}:
                raise DockerfileSyntaxError(
                    f"expecting boolean value for flag --{name}, not: {value}"
                )
            self._values.setdefault(name, []).append(value)

    def text(self, name: str) -> str:
        """Return the value of a flag, empty if it was not given."""
        return self._values.get(name, ("",))[0]

    def boolean(self, name: str) -> bool | None:
        """Return whether a flag is set; None if it was not given."""
        values = self._values.get(name)
        return None if values is None else values[0].lower() != "false"

    def many(self, name: str) -> tuple[str, ...]:
        """Return all values of a flag."""
        return tuple(self._values.get(name, ()))
