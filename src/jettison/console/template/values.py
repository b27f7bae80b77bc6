"""Values as templates print and compare them: what Go's ``fmt`` and ``encoding/json`` make of them.

In:  texts, numbers, switches, None, lists and mappings; ``Row``s.
Out: texts.

Source: Go's ``fmt`` (``%v``), ``encoding/json`` without escapes for HTML.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal

Value = object

HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
"""Escapes of Go's JSON, unless they are turned off."""


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


class NoData:
    """What a template is about that is given nothing; the class itself is the value."""


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
        case _ if value is NoData:
            return "<nil>"
        case _:
            return "[]interface {}"


def is_list(value: Value) -> bool:
    """Tell whether a value is a list; texts and mappings are none."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def is_true(value: Value) -> bool:
    """Tell whether ``if`` takes a value for true: not zero, and not empty."""
    return value is not NoData and bool(value)


def show(value: Value, *, inside: bool = False) -> str:
    """Return a value as ``%v`` prints it.

    Args:
        value: It.
        inside: It is part of another, where nothing is ``<nil>``.
    """
    match value:
        case None:
            return "<nil>" if inside else "<no value>"
        case _ if value is NoData:
            return "<no value>"
        case bool():
            return "true" if value else "false"
        case float():
            return float_text(value)
        case Struct():
            return f"{{{' '.join(show(each, inside=True) for each in value.values())}}}"
        case Mapping():
            pairs = sorted(value.items())
            body = " ".join(f"{name}:{show(each, inside=True)}" for name, each in pairs)
            return f"map[{body}]"
        case str() | int():
            return str(value)
        case _ if is_list(value):
            return f"[{' '.join(show(each, inside=True) for each in items(value))}]"
        case _:
            return str(value)


def items(value: Value) -> Sequence[object]:
    """Return what a list holds."""
    return value if isinstance(value, Sequence) else ()


def float_text(value: float) -> str:
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
    """Return a value as compact JSON, names of mappings sorted but for those of a ``Struct``.

    A row encodes itself, with escapes for HTML.
    """
    text = json.dumps(_plain_data(value), ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, Row):
        text = text.translate(HTML)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _plain_data(value: Value) -> object:
    if isinstance(value, NilMap | NilList):
        return None
    if isinstance(value, Struct):
        return {n: _plain_data(v) for n, v in value.items() if n not in value.omitted}
    if isinstance(value, Mapping):
        return {name: _plain_data(value[name]) for name in sorted(value)}
    if is_list(value):
        return [_plain_data(each) for each in items(value)]
    return value
