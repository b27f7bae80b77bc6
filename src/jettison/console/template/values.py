"""Values as templates print and compare them: what Go's ``fmt`` and ``encoding/json`` make of them.

In:  texts, numbers, switches, None, lists and mappings; ``Row``s.
Out: texts.

Source: Go's ``fmt`` (verbs, ``%!d(string=x)``), ``encoding/json`` without escapes for HTML.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal

from jettison.frontend.dockerfile.text import quote

Value = object


class Row(Mapping[str, object]):
    """Fields of one thing in a list; a field that is not there is an error.

    Args:
        type_name: What errors call it, such as ``*formatter.imageContext``.
        fields: Values by name.
    """

    def __init__(self, type_name: str, fields: Mapping[str, object]) -> None:
        self.type_name = type_name
        self._fields = fields

    def __getitem__(self, name: str) -> object:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class Struct(dict[str, object]):
    """A document whose fields are known, in their order.

    Args:
        fields: Values by name.
        omitted: Names that JSON leaves out: those that are empty, and second names of others.
    """

    def __init__(self, fields: Mapping[str, object], omitted: Collection[str] = ()) -> None:
        super().__init__(fields)
        self.omitted = frozenset(omitted)


class NilMap(dict[str, str]):
    """A mapping that is not there: it is printed as an empty one, and in JSON it is null."""


class NilList(list[str]):
    """A list that is not there: it is printed as an empty one, and in JSON it is null."""


def type_of(value: Value) -> str:
    """Return what Go calls the type of a value."""
    match value:
        case Row():
            return value.type_name
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float64"
        case str():
            return "string"
        case Mapping():
            return "map[string]interface {}"
        case None:
            return "<nil>"
        case _:
            return "[]interface {}"


def is_list(value: Value) -> bool:
    """Tell whether a value is a list; texts and mappings are none."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def is_true(value: Value) -> bool:
    """Tell whether ``if`` takes a value for true: not zero, and not empty."""
    return bool(value)


def show(value: Value, *, inside: bool = False) -> str:
    """Return a value as ``%v`` prints it.

    Args:
        value: It.
        inside: It is part of another, where nothing is ``<nil>``.
    """
    match value:
        case None:
            return "<nil>" if inside else "<no value>"
        case bool():
            return "true" if value else "false"
        case float():
            return _float(value)
        case Struct():
            return f"{{{' '.join(show(each, inside=True) for each in value.values())}}}"
        case Mapping():
            items = sorted(value.items())
            body = " ".join(f"{name}:{show(each, inside=True)}" for name, each in items)
            return f"map[{body}]"
        case str() | int():
            return str(value)
        case _ if is_list(value):
            return f"[{' '.join(show(each, inside=True) for each in _items(value))}]"
        case _:
            return str(value)


def _items(value: Value) -> Sequence[object]:
    return value if isinstance(value, Sequence) else ()


def _float(value: float) -> str:
    """Return a number as ``%v``: the shortest text, with an exponent for seven digits and more."""
    if not math.isfinite(value):
        return {"inf": "+Inf", "-inf": "-Inf"}.get(str(value), "NaN")
    exponent = 0 if value == 0 else int(f"{value:e}".partition("e")[2])
    if -4 <= exponent < 6:
        return f"{value:f}".rstrip("0").rstrip(".") if value == int(value) else _plain(value)
    sign, digits, power = Decimal(repr(value)).normalize().as_tuple()
    first, *rest = map(str, digits)
    mantissa = f"{'-' * sign}{first}" + (f".{''.join(rest)}" if rest else "")
    return f"{mantissa}e{len(rest) + int(power):+03d}"


def _plain(value: float) -> str:
    text = repr(value)
    if "e" not in text:
        return text
    return f"{value:.20f}".rstrip("0")


def to_json(value: Value) -> str:
    """Return a value as compact JSON, names of mappings sorted but for those of a ``Struct``."""
    text = json.dumps(_plain_data(value), ensure_ascii=False, separators=(",", ":"))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _plain_data(value: Value) -> object:
    if isinstance(value, NilMap | NilList):
        return None
    if isinstance(value, Struct):
        return {n: _plain_data(v) for n, v in value.items() if n not in value.omitted}
    if isinstance(value, Mapping):
        return {name: _plain_data(value[name]) for name in sorted(value)}
    if is_list(value):
        return [_plain_data(each) for each in _items(value)]
    return value


_WIDEST = 9999
_VERB = re.compile(r"%([-+# 0]*)(\*|\d{0,4})(?:\.(\*|\d{0,4}))?(.?)", re.DOTALL)


def sprintf(form: str, arguments: Sequence[Value]) -> str:
    """Return what ``printf`` makes of a format.

    Verbs are ``%v %s %q %d %x %X %o %b %c %U %t %f %e %g %T`` with flags, width and precision.
    """
    rest = list(arguments)

    def replaced(found: re.Match[str]) -> str:
        flags, width, precision, verb = found.groups()
        if verb == "%":
            return "%"
        if not verb:
            return "%!(NOVERB)"
        sizes = []
        for each in (width, precision):
            if each == "*":
                star = rest.pop(0) if rest else None
                if not isinstance(star, int) or abs(star) > _WIDEST:
                    return "%!(BADWIDTH)"
                each = str(abs(star))  # noqa: PLW2901 - it stands for it
            sizes.append(each)
        if not rest:
            return f"%!{verb}(MISSING)"
        text = _formatted(verb, flags, sizes[1], rest.pop(0))
        size = int(sizes[0] or 0)
        if len(text) >= size:
            return text
        if "-" in flags:
            return text.ljust(size)
        if "0" in flags and verb in "dxXobfeg":
            sign = text[:1] if text[:1] in {"+", "-"} else ""
            return sign + text[len(sign) :].rjust(size - len(sign), "0")
        return text.rjust(size)

    result = _VERB.sub(replaced, form)
    if rest:
        extra = ", ".join(f"{type_of(each)}={show(each, inside=True)}" for each in rest)
        result += f"%!(EXTRA {extra})"
    return result


def _formatted(  # noqa: PLR0911 - a table
    verb: str, flags: str, precision: str | None, value: Value
) -> str:
    places = int(precision or 0) if precision is not None else None
    if verb == "v":
        return quote(value) if "#" in flags and isinstance(value, str) else show(value, inside=True)
    if verb == "T":
        return type_of(value)
    if is_list(value) and verb in "sqdxX":
        return f"[{' '.join(_formatted(verb, flags, precision, each) for each in _items(value))}]"
    match value:
        case str() if verb == "s":
            return value if places is None else value[:places]
        case str() if verb == "q":
            return quote(value)
        case str() if verb in "xX":
            text = value.encode("utf-8", "surrogateescape").hex()
            return text.upper() if verb == "X" else text
        case bool() if verb == "t":
            return "true" if value else "false"
        case int() if not isinstance(value, bool) and verb in "dxXobcqU":
            return _integer(verb, flags, value)
        case float() if verb in "feg":
            return _real(verb, flags, places, value)
    if value is None:
        return f"%!{verb}(<nil>)"
    return f"%!{verb}({type_of(value)}={show(value, inside=True)})"


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
        return sign + _float(value)
    return f"{sign}{value:.{min(6 if places is None else places, 100)}{verb}}"
