"""Functions of templates: Go's, and those that docker adds.

In:  values. Out: values; ``CallError`` where one does not fit.

Source: Go's ``text/template``, funcs.go; docker's ``templates`` package.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping, Sequence

from jettison.console.template.printf import sprintf
from jettison.console.template.values import (
    NoData,
    Value,
    is_list,
    is_true,
    show,
    to_json,
    type_of,
)

_ENTITIES = str.maketrans(
    {"&": "&amp;", "'": "&#39;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "\0": "\ufffd"}
)
_MOST = 1 << 20
"""How long a text that a function makes longer may be."""


class CallError(Exception):
    """Arguments do not fit a function; says why, as Go does."""


def _index(value: Value, *keys: Value) -> Value:
    for key in keys:
        if value is None:
            raise CallError("index of untyped nil")
        if isinstance(value, Mapping):
            if not isinstance(key, str):
                raise CallError(f"value has type {type_of(key)}; should be string")
            value = value.get(key, "")
            continue
        if not (is_list(value) or isinstance(value, str)):
            raise CallError(f"can't index item of type {type_of(value)}")
        value = _item(value, key)
    return value


def _item(value: Value, key: Value) -> Value:
    items = value.encode() if isinstance(value, str) else value
    assert isinstance(items, Sequence)  # noqa: S101 - the caller has seen to it
    if key is None:
        raise CallError("cannot index slice/array with nil")
    if not isinstance(key, int) or isinstance(key, bool):
        raise CallError(f"cannot index slice/array with type {type_of(key)}")
    if not 0 <= key < len(items):
        raise CallError(f"index out of range: {key}")
    return items[key]


def _slice(value: Value, *bounds: Value) -> Value:
    if value is None:
        raise CallError("slice of untyped nil")
    if not (is_list(value) or isinstance(value, str)):
        raise CallError(f"can't slice item of type {type_of(value)}")
    assert isinstance(value, Sequence)  # noqa: S101 - see above
    if len(bounds) > 3:
        raise CallError(f"too many slice indexes: {len(bounds)}")
    if len(bounds) == 3 and isinstance(value, str):
        raise CallError("cannot 3-index slice a string")
    numbers = []
    for each in bounds:
        if not isinstance(each, int) or isinstance(each, bool):
            raise CallError(f"cannot index slice/array with type {type_of(each)}")
        if not 0 <= each <= len(value):
            raise CallError(f"index out of range: {each}")
        numbers.append(each)
    start, end = ([*numbers, 0][0], numbers[1] if len(numbers) > 1 else len(value))
    if start > end:
        raise CallError(f"invalid slice index: {start} > {end}")
    return value[start:end]


def _length(value: Value) -> int:
    if value is None:
        raise CallError("len of nil pointer")
    if value is NoData:
        raise CallError("reflect: call of reflect.Value.Type on zero Value")
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, Mapping) or is_list(value):
        return len(value)  # type: ignore[arg-type]
    raise CallError(f"len of type {type_of(value)}")


def _kind(value: Value) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return type_of(value)
    if isinstance(value, int | float):
        return type_of(value)
    raise CallError(f"non-comparable type {show(value)}: {type_of(value)}")


def _equal(first: Value, *others: Value) -> bool:
    if not others:
        raise CallError("missing argument for comparison")
    for other in others:
        if first is None or other is None:
            if first is other:
                return True
            continue
        if _kind(first) != _kind(other):
            raise _incompatible(first, other)
        if first == other:
            return True
    return False


def _incompatible(first: Value, second: Value) -> CallError:
    return CallError(f"incompatible types for comparison: {type_of(first)} and {type_of(second)}")


def _unequal(first: Value, second: Value) -> bool:
    return not _equal(first, second)


def _less(first: Value, second: Value) -> bool:
    kind = _kind(first)
    if kind != _kind(second):
        raise _incompatible(first, second)
    if kind in {"bool", "<nil>"}:
        raise CallError("invalid type for comparison")
    return first < second  # type: ignore[operator,no-any-return]


def _print(*values: Value) -> str:
    text = ""
    for index, value in enumerate(values):
        # Blanks stand between operands of which none is a text.
        if index and not isinstance(value, str) and not isinstance(values[index - 1], str):
            text += " "
        text += show(value, inside=True)
    return text


def _println(*values: Value) -> str:
    return " ".join(show(value, inside=True) for value in values) + "\n"


def _printf(form: str, *values: Value) -> str:
    return sprintf(form, values)


def _split(text: str, separator: str) -> list[str]:
    return text.split(separator) if separator else list(text)


def _join(items: Sequence[str], separator: str) -> str:
    return separator.join(items)


def _title(text: str) -> str:
    result, starts = [], True
    for character in text:
        result.append(character.title() if starts else character)
        starts = not (character.isalnum() or character in "_'")
    return "".join(result)


def _pad(text: str, before: int, after: int) -> str:
    if not text:
        return ""
    left, right = (max(0, min(each, _MOST)) for each in (before, after))
    return " " * left + text + " " * right


def _truncate(text: str, length: int) -> str:
    if length < 0:
        raise CallError("slice bounds out of range")
    return text[:length]


def _html(*values: Value) -> str:
    return _print(*values).translate(_ENTITIES)


def _js(*values: Value) -> str:
    text = ""
    for character in _print(*values):
        if character in "\\'\"":
            text += "\\" + character
        elif character in "<>&=" or not character.isprintable():
            text += f"\\u{ord(character):04X}"
        else:
            text += character
    return text


def _urlquery(*values: Value) -> str:
    return urllib.parse.quote_plus(_print(*values), errors="surrogateescape")


def _not(value: Value) -> bool:
    return not is_true(value)


def fits(value: Value, wanted: str) -> bool:
    """Tell whether a value may be an argument where a Go type is declared."""
    if wanted == "[]string":
        return is_list(value) and all(isinstance(each, str) for each in value)  # type: ignore[attr-defined]
    return type_of(value) == wanted


Function = Callable[..., Value]

FUNCTIONS: Mapping[str, Function] = {
    "eq": _equal,
    "ge": lambda first, second: not _less(first, second),
    "gt": lambda first, second: not (_less(first, second) or _equal(first, second)),
    "html": _html,
    "index": _index,
    "join": _join,
    "js": _js,
    "json": to_json,
    "le": lambda first, second: _less(first, second) or _equal(first, second),
    "len": _length,
    "lower": lambda text: text.lower(),
    "lt": _less,
    "ne": _unequal,
    "not": _not,
    "pad": _pad,
    "print": _print,
    "printf": _printf,
    "println": _println,
    "slice": _slice,
    "split": _split,
    "title": _title,
    "truncate": _truncate,
    "upper": lambda text: text.upper(),
    "urlquery": _urlquery,
}
"""By name; ``and`` and ``or`` take only as many arguments as they need."""

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "join": ("[]string", "string"),
    "lower": ("string",),
    "pad": ("string", "int", "int"),
    "printf": ("string",),
    "split": ("string", "string"),
    "title": ("string",),
    "truncate": ("string", "int"),
    "upper": ("string",),
}
"""What the first arguments must be; other functions take all kinds, and say themselves."""

OF_VALUES = frozenset({"join", "json", "split", "title", "truncate"})
"""Functions that docker does not apply to titles."""

LAZY = frozenset({"and", "or"})
NAMES = frozenset(FUNCTIONS) | LAZY | {"call"}
