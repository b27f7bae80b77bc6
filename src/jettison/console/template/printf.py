"""``printf``: a format and values to a text.

In:  a format of Go's, values.
Out: the text; what does not fit is shown in it, as Go shows it: ``%!d(string=x)``.

Source: Go's ``fmt``, print.go (``doPrintf``, ``argNumber``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from jettison.console.template.values import (
    Value,
    float_text,
    is_list,
    items,
    show,
    type_of,
)
from jettison.frontend.dockerfile.text import quote

_WIDEST = 9999
_FLAGS = re.compile(r"[-+# 0]*")
_NUMBER = re.compile(r"\d{1,4}")
_LITERAL = re.compile(r"[^%]*")


def sprintf(form: str, arguments: Sequence[Value]) -> str:
    """Return what ``printf`` makes of a format.

    Verbs are ``%v %s %q %d %x %X %o %b %c %U %t %f %e %g %T`` with flags, width, precision and
    indexes of arguments: ``%[2]d``.

    >>> sprintf("%[2]s-%[1]s %d", ["a", "b"])
    'b-a %!d(string=b)'
    """
    return _Printer(form, arguments).text()


class _Printer:
    """One call: where it is in the format, and which argument is next."""

    def __init__(self, form: str, arguments: Sequence[Value]) -> None:
        self._form = form
        self._arguments = arguments
        self._at = 0
        self._next = 0
        self._indexed = False  # what was read last is an index
        self._reordered = False
        self._good = True

    def text(self) -> str:
        parts: list[str] = []
        while self._at < len(self._form):
            parts.append(self._take(_LITERAL))
            if self._at < len(self._form):
                self._at += 1
                parts.append(self._verb())
        rest = self._arguments[self._next :]
        if rest and not self._reordered:
            extra = ", ".join(f"{type_of(each)}={show(each, inside=True)}" for each in rest)
            parts.append(f"%!(EXTRA {extra})")
        return "".join(parts)

    def _verb(self) -> str:
        """Return the text of a verb, whose ``%`` was read."""
        self._good = True
        flags = self._take(_FLAGS)
        self._index()
        problems = ""
        width = self._count()
        if width is None:
            problems += "%!(BADWIDTH)"
        elif width < 0:
            flags, width = flags.replace("0", "") + "-", -width
        precision = None
        if self._form.startswith(".", self._at):
            self._at += 1
            self._good = self._good and not self._indexed
            self._index()
            precision = self._count(precision=True)
            if precision is None:
                problems += "%!(BADPREC)"
        if not self._indexed:
            self._index()
        if self._at >= len(self._form):
            return problems + "%!(NOVERB)"
        verb = self._form[self._at]
        self._at += 1
        return problems + self._printed(verb, flags, width or 0, precision)

    def _printed(self, verb: str, flags: str, width: int, precision: int | None) -> str:
        if verb == "%":
            return "%"
        if not self._good:
            return f"%!{verb}(BADINDEX)"
        if self._next >= len(self._arguments):
            return f"%!{verb}(MISSING)"
        value = self._arguments[self._next]
        self._next += 1
        return _padded(_formatted(verb, flags, precision, value), verb, flags, width)

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._form, self._at)
        text = found.group() if found else ""
        self._at += len(text)
        return text

    def _count(self, *, precision: bool = False) -> int | None:
        """Return a width or precision, 0 if there is none; None if its argument is no number."""
        if self._form.startswith("*", self._at):
            self._at += 1
            self._indexed = False
            value = self._arguments[self._next] if self._next < len(self._arguments) else None
            self._next += self._next < len(self._arguments)
            fits = isinstance(value, int) and not isinstance(value, bool)
            if not fits or not isinstance(value, int) or abs(value) > _WIDEST:
                return None
            return None if precision and value < 0 else value
        text = self._take(_NUMBER)
        if text and self._indexed and not precision:
            self._good = False
        return int(text or 0)

    def _index(self) -> None:
        """Read an index such as ``[2]``, if there is one."""
        self._indexed = False
        if not self._form.startswith("[", self._at):
            return
        self._reordered = True
        end = self._form.find("]", self._at)
        if end < 0:
            self._good = False
            self._at += 1
            return
        text = self._form[self._at + 1 : end]
        self._at = end + 1
        self._indexed = text.isascii() and text.isdigit() and len(text) < 5
        if self._indexed and 0 < int(text) <= len(self._arguments):
            self._next = int(text) - 1
        else:
            self._good = False


def _padded(text: str, verb: str, flags: str, width: int) -> str:
    if len(text) >= width:
        return text
    if "-" in flags:
        return text.ljust(width)
    if "0" in flags:
        is_number = verb in "dxXobfeEgG" and text[:1] in {"+", "-"}
        sign = text[:1] if is_number else ""
        return sign + text[len(sign) :].rjust(width - len(sign), "0")
    return text.rjust(width)


def _formatted(  # noqa: PLR0911 - a table
    verb: str, flags: str, places: int | None, value: Value
) -> str:
    if verb == "v":
        return quote(value) if "#" in flags and isinstance(value, str) else show(value, inside=True)
    if verb == "T":
        return type_of(value)
    if is_list(value) and verb in "sqdxX":
        return f"[{' '.join(_formatted(verb, flags, places, each) for each in items(value))}]"
    match value:
        case str() if verb == "s":
            return value if places is None else value[:places]
        case str() if verb == "q":
            return _quoted(flags, value)
        case str() if verb in "xX":
            return _hexadecimal(verb, flags, value)
        case bool() if verb == "t":
            return "true" if value else "false"
        case int() if not isinstance(value, bool) and verb in "dxXobcqU":
            return _integer(verb, flags, value)
        case float() if verb in "feEgG":
            return _real(verb, flags, places, value)
    if value is None:
        return f"%!{verb}(<nil>)"
    return f"%!{verb}({type_of(value)}={show(value, inside=True)})"


def _quoted(flags: str, value: str) -> str:
    if "#" in flags and "`" not in value and all(c.isprintable() or c == "\t" for c in value):
        return f"`{value}`"
    text = quote(value)
    if "+" not in flags:
        return text
    return "".join(
        c if c.isascii() else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"
        for c in text
    )


def _hexadecimal(verb: str, flags: str, value: str) -> str:
    data = value.encode("utf-8", "surrogateescape")
    prefix = "0x" if "#" in flags else ""
    text = f" {prefix}".join(f"{byte:02x}" for byte in data) if " " in flags else data.hex()
    text = prefix + text if text else ""
    return text.upper() if verb == "X" else text


def _integer(verb: str, flags: str, value: int) -> str:
    if verb in "cqU":
        character = chr(value) if 0 <= value < 0x110000 else "\ufffd"
        return {"c": character, "q": f"'{character}'", "U": f"U+{value:04X}"}[verb]
    prefix = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(verb, "") if "#" in flags else ""
    sign = "-" if value < 0 else "+" if "+" in flags else " " if " " in flags else ""
    return f"{sign}{prefix}{abs(value):{verb}}"


def _real(verb: str, flags: str, places: int | None, value: float) -> str:
    sign = "+" if "+" in flags and value >= 0 else ""
    if verb == "g" and places is None:
        return sign + float_text(value)
    return f"{sign}{value:.{min(6 if places is None else places, 100)}{verb}}"
