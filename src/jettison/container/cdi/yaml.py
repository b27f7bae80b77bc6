"""YAML as device descriptions are written: mappings, lists and plain values, by indentation.

In:  the text of a file.
Out: dicts, lists, texts, numbers, booleans and None.

A subset of YAML 1.2: no anchors, tags, block scalars, several documents, or values over several
lines. What is outside of it is an error, never read as something else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_OCTAL = re.compile(r"0o?[0-7]{1,20}")
_KEY = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#"'\[\]{},&*!|>%@`-][^#]*?|-[^\s#][^#]*?)\s*:(?:\s+|$)"""
)
_COMMENT = re.compile(r"""((?:[^"'#]|"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|(?<=\S)#|(?<=\S)["'])*)""")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_MAX_DEPTH = 32
_STRANGE = tuple("&*!|>%@`")


class YamlError(ValueError):
    """The text is not of the subset; says where."""


class _Line(msgspec.Struct, frozen=True):
    """A line with something on it; ``indent`` counts blanks before ``text``."""

    number: int
    indent: int
    text: str


def load(text: str) -> object:
    """Return the value of a text.

    Raises:
        YamlError: it is not of the subset.

    >>> load("a: [b, 'c d']")
    {'a': ['b', 'c d']}
    """
    lines = _lines(text)
    if not lines:
        return None
    value, rest = _block(lines, 0, 0)
    if rest < len(lines):
        raise YamlError(f"line {lines[rest].number}: it is indented otherwise than those above")
    return value


def _lines(text: str) -> list[_Line]:
    found: list[_Line] = []
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        whole = raw.rstrip("\r")
        match = _COMMENT.match(whole)
        # What stops it is a comment, or a quote that is not closed: an error later.
        ends = match is not None and whole.startswith(("#", " #", "\t#"), match.end())
        line = (match[1] if match is not None and ends else whole).rstrip()
        if not line.strip():
            continue
        if line == "---" and not found:
            continue
        if line.startswith(("---", "...")):
            raise YamlError(f"line {number}: one document is read")
        bare = line.lstrip(" ")
        if bare.startswith("\t"):
            raise YamlError(f"line {number}: tabs are no indentation")
        found.append(_Line(number, len(line) - len(bare), bare))
    return found


def _block(lines: Sequence[_Line], at: int, depth: int) -> tuple[object, int]:
    """Return the value that begins at a line, and the line behind it."""
    line = lines[at]
    if depth > _MAX_DEPTH:
        raise YamlError(f"line {line.number}: nested too deeply")
    if line.text == "-" or line.text.startswith("- "):
        return _sequence(lines, at, depth)
    if _KEY.match(line.text):
        return _mapping(lines, at, depth)
    return _value(line.text, line.number), at + 1


def _sequence(lines: Sequence[_Line], at: int, depth: int) -> tuple[list[object], int]:
    indent = lines[at].indent
    items: list[object] = []
    lines = list(lines)
    while at < len(lines) and lines[at].indent == indent and lines[at].text.startswith("-"):
        line = lines[at]
        if line.text != "-" and not line.text.startswith("- "):
            break
        inside = line.text[1:].lstrip(" ")
        if inside:
            lines[at] = _Line(line.number, indent + len(line.text) - len(inside), inside)
            item, at = _block(lines, at, depth + 1)
        elif at + 1 < len(lines) and lines[at + 1].indent > indent:
            item, at = _block(lines, at + 1, depth + 1)
        else:
            item, at = None, at + 1
        items.append(item)
    return items, at


def _mapping(lines: Sequence[_Line], at: int, depth: int) -> tuple[dict[str, object], int]:
    indent = lines[at].indent
    found: dict[str, object] = {}
    while at < len(lines) and lines[at].indent == indent:
        line = lines[at]
        match = _KEY.match(line.text)
        if match is None:
            break
        key, rest = str(_value(match[1], line.number, key=True)), line.text[match.end() :]
        if key in found:
            raise YamlError(f"line {line.number}: `{key}` comes twice")
        following = lines[at + 1] if at + 1 < len(lines) else None
        if rest:
            found[key], at = _value(rest, line.number), at + 1
        elif following is not None and (
            following.indent > indent
            or (following.indent == indent and following.text.startswith("-"))
        ):
            found[key], at = _block(lines, at + 1, depth + 1)
        else:
            found[key], at = None, at + 1
    return found, at


def _value(text: str, number: int, *, key: bool = False) -> object:
    """Return the value of a text on one line."""
    text = text.strip()
    if text.startswith('"'):
        try:
            return msgspec.json.decode(text, type=str)
        except msgspec.DecodeError:
            raise YamlError(f"line {number}: the quoted text is not understood") from None
    if text.startswith("'"):
        if not re.fullmatch(r"'(?:[^']|'')*'", text):
            raise YamlError(f"line {number}: the quoted text is not understood")
        return text[1:-1].replace("''", "'")
    if text.startswith(("[", "{")):
        return _flow(text, number)
    if text.startswith(_STRANGE) or text.startswith(("? ", "- ")):
        raise YamlError(f"line {number}: `{text[0]}` is not understood")
    if not key and _KEY.match(text):
        raise YamlError(f"line {number}: a mapping cannot begin here")
    return text if key else _plain(text)


def _plain(text: str) -> object:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text.replace("o", ""), 8)
    return text


def _flow(text: str, number: int) -> object:
    """Return a list or mapping in brackets: JSON, or a list of plain words."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        pass
    inside = text[1:-1]
    if not (text.startswith("[") and text.endswith("]")) or re.search(r"""[\[\]{}]""", inside):
        raise YamlError(f"line {number}: the brackets are not understood")
    parts = re.findall(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,"']*)\s*(?:,|$)""", inside)
    if parts and not parts[-1].strip():
        parts.pop()
    return [_value(part, number) for part in parts]
