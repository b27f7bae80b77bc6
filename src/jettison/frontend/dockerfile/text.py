"""Text as the language sees it: its white space, its quoting in messages, its suggestions.

In:  words of a Dockerfile.
Out: trimmed and quoted text, and ``did you mean`` endings of messages.

White space is Unicode's ``White_Space`` set. Python's ``str.strip`` also takes the control
characters U+001C to U+001F, which are ordinary characters here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jettison.spelling import distance, near_misses

SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""White space, every character: what ``str.strip`` wants."""

SEPARATOR = re.compile(r"[\t\v\f\r ]+")
"""What separates the words of an instruction."""

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_MAX_DISTANCE = 2
_WORD = 3
_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    '"': r"\"",
    "\\": r"\\",
}


def quote(text: str) -> str:
    r"""Return text in double quotes, as Go's ``strconv.Quote`` writes it.

    >>> print(quote('a "b"\t\x00ü'))
    "a \"b\"\t\x00ü"
    """
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_quoted, text)) + '"'


def parse_bool(text: str) -> bool | None:
    """Return the truth value that a text is, as Go's ``strconv.ParseBool`` reads it, or None."""
    return True if text in _TRUE else False if text in _FALSE else None


def _quoted(char: str) -> str:
    escape = _ESCAPES.get(char)
    if escape is not None:
        return escape
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def suggest(wrong: str, options: Iterable[str], *, ignore_case: bool = False) -> str:
    """Return the option that is at most two edits away, or an empty text.

    With ``ignore_case`` the answer is in the case of ``wrong`` if that has one case only.
    An option that is equal means that the error was not about the word: nothing is suggested.

    >>> suggest("FORM", ["from", "run"], ignore_case=True)
    'FROM'
    """
    wanted = wrong.lower() if ignore_case else wrong
    best, nearest = "", _MAX_DISTANCE + 1
    for option in options:
        candidate = option.lower() if ignore_case else option
        if candidate == wanted:
            return ""
        if abs(len(candidate) - len(wanted)) >= nearest:
            continue
        found = distance(wanted, candidate)
        if found < nearest:
            best, nearest = candidate, found
    if best and ignore_case and wrong == wrong.upper() != wrong.lower():
        return best.upper()
    return best


def did_you_mean(wrong: str, options: Iterable[str], *, ignore_case: bool = False) -> str:
    """Return `` (did you mean X?)`` or nothing, to be appended to a message."""
    match = suggest(wrong, options, ignore_case=ignore_case)
    return f" (did you mean {match}?)" if match else ""


def near_name(wrong: str, names: Iterable[str]) -> str:
    """Return the name of a stage that was probably meant, or an empty text.

    One of two that is the beginning of the other counts, too, if it is a word by itself.

    >>> near_name("bulid", ["build"]), near_name("build", ["builder"]), near_name("go", ["js"])
    ('build', 'builder', '')
    """
    asked = wrong.lower()
    known = [name for name in names if name]
    near = near_misses(asked, known)
    near += [
        name
        for name in known
        if min(len(name), len(asked)) >= _WORD
        if name.startswith(asked) or asked.startswith(name)
    ]
    return near[0] if near and asked not in known else ""
