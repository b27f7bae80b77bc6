"""Nodes: instructions split into flags and arguments, each by the rules of its name.

In:  the text of a file.
Out: ``Node`` values; whether an instruction exists and has the right flags is not asked here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from jettison.errors import DockerfileSyntaxError, Span
from jettison.frontend.dockerfile.flags import split_flags
from jettison.frontend.dockerfile.heredoc import find_heredocs
from jettison.frontend.dockerfile.lines import LineReader, LogicalLine
from jettison.frontend.dockerfile.syntax import Heredoc, Node, SyntaxNote
from jettison.frontend.dockerfile.text import SEPARATOR, SPACES, quote
from jettison.located import located

_HEREDOC_KEYWORDS = frozenset({"ADD", "COPY", "RUN"})
_MAX_NESTING = 8

_Args = tuple[tuple[str, ...], bool]


def read_nodes(
    lines: Sequence[str], escape: str
) -> tuple[tuple[Node, ...], tuple[SyntaxNote, ...]]:
    """Return the nodes of a file and what it should not have.

    Raises:
        DockerfileSyntaxError: A heredoc has no end, or arguments cannot be split.
    """
    reader = LineReader(lines, escape)
    nodes: list[Node] = []
    notes: list[SyntaxNote] = []
    while (line := reader.logical_line()) is not None:
        if line.has_empty:
            notes.append(
                SyntaxNote("NoEmptyContinuation", "Empty continuation line", Span(line.end))
            )
        nodes.append(_read_node(reader, line, escape))
    return tuple(nodes), tuple(notes)


def _read_node(reader: LineReader, line: LogicalLine, escape: str) -> Node:
    span = Span(line.start, end_line=line.end)
    with located(span):
        node = _node(line.text, escape, span, line.comments, 0)
        if "<<" not in line.text or not _can_have_heredocs(node):
            return node
        announced = find_heredocs(line.text)
    heredocs = tuple(
        msgspec.structs.replace(each, content=reader.body(each, line.start)) for each in announced
    )
    return _with_heredocs(node, heredocs, Span(line.start, end_line=reader.line))


def _with_heredocs(node: Node, heredocs: tuple[Heredoc, ...], span: Span) -> Node:
    child = node.child and _with_heredocs(node.child, heredocs, span)
    return msgspec.structs.replace(node, heredocs=heredocs, span=span, child=child)


def _can_have_heredocs(node: Node) -> bool:
    if node.keyword.upper() == "ONBUILD" and node.child is not None:
        node = node.child
    return node.keyword.upper() in _HEREDOC_KEYWORDS and not node.is_json


def _node(text: str, escape: str, span: Span, comments: tuple[str, ...], depth: int) -> Node:
    keyword, *rest = SEPARATOR.split(text.strip(SPACES), maxsplit=1)
    flags: tuple[str, ...] = ()
    arguments = rest[0] if rest else ""
    if arguments.startswith("-"):
        flags, arguments = split_flags(arguments)
        arguments = arguments.strip(SPACES)
    name = keyword.upper()
    if name == "ONBUILD":
        if depth > _MAX_NESTING:
            raise DockerfileSyntaxError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
        child = _node(arguments, escape, span, (), depth + 1) if arguments else None
        return Node(keyword, span, text, (), flags, comments=comments, child=child)
    splitter = _SPLITTERS.get(name)
    args, is_json = splitter(arguments, escape) if splitter else (("",), False)
    return Node(keyword, span, text, args, flags, is_json, comments=comments)


def split_quoted(text: str, escape: str) -> list[str]:
    r"""Split text at white space outside of quotes; quotes and escapes stay.

    An escape character at the very end is dropped; an open quote ends with the text.

    >>> split_quoted(r'a="b c" d\ e', "\\")
    ['a="b c"', 'd\\ e']
    """
    words: list[str] = []
    word: list[str] = []
    quote_char = ""
    pos, size = 0, len(text)
    while pos < size:
        char = text[pos]
        pos += 1
        if quote_char:
            if char == quote_char:
                quote_char = ""
        elif char in SPACES:
            if word:
                words.append("".join(word))
                word = []
            continue
        elif char in "'\"":
            quote_char = char
        if char == escape and quote_char != "'":
            if pos == size:
                break
            word.append(char)
            char = text[pos]
            pos += 1
        word.append(char)
    if word:
        words.append("".join(word))
    return words


def _string(text: str, _escape: str) -> _Args:
    return ((text,) if text else ()), False


def _words(text: str, _escape: str) -> _Args:
    return (tuple(SEPARATOR.split(text)) if text else ()), False


def _quoted_words(text: str, escape: str) -> _Args:
    return tuple(split_quoted(text, escape)), False


def _json_array(text: str) -> tuple[str, ...] | None:
    """Return the strings of a JSON array, or None if the text is none.

    Raises:
        DockerfileSyntaxError: It is one, but of other things than strings.
    """
    if not text.startswith("["):
        return None
    try:
        decoded = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    if not all(isinstance(each, str) for each in decoded):
        raise DockerfileSyntaxError(
            "when using JSON array syntax, arrays must be comprised of strings only"
        )
    return tuple(decoded)


def _json_or_string(text: str, escape: str) -> _Args:
    array = _json_array(text)
    return _string(text, escape) if array is None else (array, True)


def _json_or_words(text: str, escape: str) -> _Args:
    array = _json_array(text)
    return _words(text, escape) if array is None else (array, True)


def _health(text: str, escape: str) -> _Args:
    if not text:
        return (), False
    end = next((i for i, char in enumerate(text) if char in SPACES), len(text))
    args, is_json = _json_or_string(text[end:].lstrip(SPACES), escape)
    return (text[:end], *args), is_json


def _pairs(keyword: str) -> Callable[[str, str], _Args]:
    def split(text: str, escape: str) -> _Args:
        words = split_quoted(text, escape)
        if not words:
            return (), False
        if "=" not in words[0]:
            parts = SEPARATOR.split(text, maxsplit=1)
            if len(parts) < 2:
                raise DockerfileSyntaxError(f"{keyword} must have two arguments")
            return (parts[0], parts[1], ""), False
        args: list[str] = []
        for word in words:
            key, equals, value = word.partition("=")
            if not equals:
                raise DockerfileSyntaxError(
                    f"Syntax error - can't find = in {quote(word)}. Must be of the form: name=value"
                )
            args += (key, value, "=")
        return tuple(args), False

    return split


_SPLITTERS: dict[str, Callable[[str, str], _Args]] = {
    "ADD": _json_or_words,
    "ARG": _quoted_words,
    "CMD": _json_or_string,
    "COPY": _json_or_words,
    "ENTRYPOINT": _json_or_string,
    "ENV": _pairs("ENV"),
    "EXPOSE": _words,
    "FROM": _words,
    "HEALTHCHECK": _health,
    "LABEL": _pairs("LABEL"),
    "MAINTAINER": _string,
    "RUN": _json_or_string,
    "SHELL": _json_or_string,
    "STOPSIGNAL": _string,
    "USER": _string,
    "VOLUME": _json_or_words,
    "WORKDIR": _string,
}
