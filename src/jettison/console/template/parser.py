"""Tokens to a tree.

In:  the text of a template, the names of functions.
Out: the nodes of templates by name; every word is a function that exists, every variable was
     declared.

Source: Go's ``text/template/parse``, parse.go (grammar and texts of errors).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from jettison.console.template.errors import parse_error
from jettison.console.template.lexer import Kind, Token, tokens
from jettison.console.template.nodes import (
    Action,
    Branch,
    Call,
    Chain,
    Command,
    Dot,
    Field,
    Jump,
    Literal,
    Node,
    Operand,
    Pipeline,
    Text,
    Variable,
    Word,
)
from jettison.frontend.dockerfile.text import quote

_DEPTH = 100
"""How deep pipelines and branches may be inside each other."""

_CONSTANTS: dict[str, bool | None] = {"nil": None, "true": True, "false": False}
_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\",
    '"': '"', "'": "'",
}  # fmt: skip
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)


Trees = dict[str, tuple[Node, ...]]
"""Templates by name; the one that was written is the one without a name."""


def parse(text: str, functions: Collection[str]) -> Trees:
    """Parse a template and those that it defines.

    Raises:
        UsageError: it is none; with Go's text.
    """
    trees: Trees = {}
    parser = _Parser(tokens(text), functions, trees)
    nodes, end = parser.nodes(inside="")
    if end.kind is not Kind.END:
        raise parse_error(f"unexpected {{{{{end.text}}}}}", end.line)
    parser.add("", nodes, end.line)
    return trees


class _Parser:
    """Parses one template; those inside it have parsers of their own, with variables of their own.

    Args:
        stream: The tokens, shared by all.
        functions: Their names.
        trees: Gets the templates.
        depth: How deep it is inside others.
    """

    def __init__(
        self, stream: Iterator[Token], functions: Collection[str], trees: Trees, depth: int = 0
    ) -> None:
        self._tokens = stream
        self._kept: list[Token] = []
        self._functions = functions
        self._trees = trees
        self._variables = ["$"]
        self._depth = depth
        self._ranges = 0

    def nodes(self, inside: str) -> tuple[tuple[Node, ...], Token]:
        """Return nodes up to ``end``, ``else`` or the end, and what ended them.

        Args:
            inside: The keyword of the branch whose body it is.
        """
        found: list[Node] = []
        while True:
            token = self._take()
            if token.kind is Kind.END:
                if inside:
                    raise parse_error("unexpected EOF", token.line)
                return tuple(found), token
            if token.kind is Kind.TEXT:
                found.append(Text(token.text))
                continue
            first = self._take_spaced()
            if first.kind is not Kind.KEYWORD or first.text in _CONSTANTS:
                self._kept.append(first)
                found.append(Action(self._pipeline("command", Kind.CLOSE)))
            elif first.text in {"end", "else"}:
                return tuple(found), first
            elif first.text in {"if", "with", "range"}:
                found.append(self._branch(first))
            elif first.text == "define" and not inside:
                self._define(first)
            elif first.text in {"template", "block"}:
                found.append(self._call(first))
            elif first.text in {"break", "continue"}:
                if not self._ranges:
                    raise parse_error(f"{{{{{first.text}}}}} outside {{{{range}}}}", first.line)
                self._close(first.text)
                found.append(Jump(first.text))
            else:
                raise parse_error(f"unexpected {first.shown} in command", first.line)

    def _branch(self, keyword: Token) -> Branch:
        self._enter(keyword)
        known = len(self._variables)
        pipeline = self._pipeline(keyword.text, Kind.CLOSE)
        self._ranges += keyword.text == "range"
        body, end = self.nodes(inside=keyword.text)
        self._ranges -= keyword.text == "range"
        otherwise: tuple[Node, ...] = ()
        if end.text == "else":
            following = self._take_spaced()
            if following.text == keyword.text and keyword.text in {"if", "with"}:
                otherwise = (self._branch(following),)  # it takes the one `end`
                del self._variables[known:]
                self._depth -= 1
                return Branch(keyword.text, pipeline, body, otherwise)
            self._kept.append(following)
            self._close("else")
            otherwise, end = self.nodes(inside=keyword.text)
            if end.text != "end":
                raise parse_error(f"expected end; found {{{{{end.text}}}}}", end.line)
        self._close("end")
        del self._variables[known:]
        self._depth -= 1
        return Branch(keyword.text, pipeline, body, otherwise)

    def _define(self, keyword: Token) -> None:
        context = "define clause"
        name = self._name(context)
        self._close(context)
        self._inner(keyword, name, context)

    def _call(self, keyword: Token) -> Call:
        """Return a call of another template; a ``block`` defines it, too."""
        context = f"{keyword.text} clause"
        token = self._peek_spaced()
        name = self._name(context)
        pipeline = None
        if keyword.text == "block" or self._peek_spaced().kind is not Kind.CLOSE:
            pipeline = self._pipeline(context, Kind.CLOSE)
        else:
            self._take()
        if keyword.text == "block":
            self._inner(keyword, name, context)
        return Call(token.at, name, pipeline)

    def _inner(self, keyword: Token, name: str, context: str) -> None:
        """Parse the body of a template inside this one."""
        self._enter(keyword)
        inner = _Parser(self._tokens, self._functions, self._trees, self._depth)
        body, end = inner.nodes(inside=keyword.text)
        if end.text != "end":
            raise parse_error(f"unexpected {{{{{end.text}}}}} in {context}", end.line)
        inner._close("end")
        self._depth -= 1
        self.add(name, body, end.line)

    def add(self, name: str, nodes: tuple[Node, ...], line: int) -> None:
        """Keep a template; an empty one is as good as none.

        Raises:
            UsageError: there is one of that name.
        """
        if not _is_empty(nodes) and not _is_empty(self._trees.get(name, ())):
            raise parse_error(f"template: multiple definition of template {quote(name)}", line)
        if name not in self._trees or _is_empty(self._trees[name]):
            self._trees[name] = nodes

    def _name(self, context: str) -> str:
        token = self._take_spaced()
        if token.kind is not Kind.STRING:
            raise parse_error(f"unexpected {token.shown} in {context}", token.line)
        return str(_constant(token))

    def _close(self, context: str) -> None:
        token = self._take_spaced()
        if token.kind is not Kind.CLOSE:
            raise parse_error(f"unexpected {token.shown} in {context}", token.line)

    def _pipeline(self, context: str, closing: Kind) -> Pipeline:
        """Return a pipeline; its closing token is taken, too.

        Args:
            context: What errors call the place.
            closing: ``CLOSE``, or ``MARK`` for a right parenthesis.
        """
        start = self._take_spaced()
        self._kept.append(start)
        variables, declares = self._assigned(context)
        commands: list[Command] = []
        while True:
            token = self._take_spaced()
            if token.kind is closing and (closing is Kind.CLOSE or token.text == ")"):
                break
            if token.kind is Kind.CLOSE:
                raise parse_error("unclosed left paren", token.line)
            if token.kind is Kind.KEYWORD and token.text not in _CONSTANTS:
                raise parse_error(f"unexpected {token.shown} in {context}", token.line)
            if token.kind is Kind.MARK and token.text not in {".", "("}:
                right = token.text == ")"
                text = "unexpected right paren" if right else f"unexpected {token.shown}"
                raise parse_error(text + ("" if right else f" in {context}"), token.line)
            self._kept.append(token)
            commands.append(self._command())
        if not commands:
            raise parse_error(f"missing value for {context}", token.line)
        for stage, later in enumerate(commands[1:], start=2):
            if isinstance(later.operands[0], (Literal, Dot)):
                raise parse_error(f"non executable command in pipeline stage {stage}", start.line)
        return Pipeline(start.at, tuple(commands), variables, declares)

    def _assigned(self, context: str) -> tuple[tuple[str, ...], bool]:
        """Take the variables of ``$x :=``, ``$x =`` or ``$i, $x :=``, if there are any."""
        taken: list[Token] = []
        names: list[str] = []
        while True:
            token = self._take_spaced()
            taken.append(token)
            if token.kind is not Kind.VARIABLE:
                break
            following = self._take()
            taken.append(following)
            if following.kind is Kind.SPACE:
                following = self._take()
                taken.append(following)
            names.append(token.text)
            if following.text in {":=", "="}:
                if following.text == ":=":
                    self._variables += names
                else:
                    self._require(names[0], token.line)
                return tuple(names), following.text == ":="
            if following.text != "," or context != "range":
                break
            if len(names) > 1:
                raise parse_error("too many declarations in range", following.line)
        self._kept += reversed(taken)
        return (), True

    def _command(self) -> Command:
        """Return a command: operands up to a pipe, which is taken, or what ends the pipeline."""
        operands: list[Operand] = []
        start = self._peek()
        while True:
            token = self._take_spaced()
            if self._ends(token):
                if token.text != "|":
                    self._kept.append(token)
                return Command(start.at, tuple(operands))
            operands.append(self._chained(token))
            following = self._peek()
            if following.kind is not Kind.SPACE and not self._ends(following):
                raise parse_error(f"unexpected {following.shown} in operand", following.line)

    def _ends(self, token: Token) -> bool:
        return token.kind is Kind.CLOSE or (token.kind is Kind.MARK and token.text in {"|", ")"})

    def _chained(self, token: Token) -> Operand:
        """Return an operand with the fields that follow it."""
        operand = self._operand(token)
        names: list[str] = []
        at = self._peek().at
        while self._peek().kind is Kind.FIELD:
            names.append(self._take().text[1:])
        if not names:
            return operand
        more = tuple(names)
        match operand:
            case Field():
                return Field(at, operand.names + more)
            case Variable():
                return Variable(at, operand.name, operand.names + more)
            case Literal() | Dot():
                raise parse_error(f"unexpected . after term {quote(token.text)}", token.line)
            case _:
                return Chain(at, operand, more)

    def _operand(self, token: Token) -> Operand:
        at, text = token.at, token.text
        if token.kind is Kind.FIELD:
            return Field(at, (text[1:],))
        if token.kind is Kind.VARIABLE:
            self._require(text, token.line)
            return Variable(at, text)
        if token.kind is Kind.WORD:
            if text not in self._functions:
                raise parse_error(f'function "{text}" not defined', token.line)
            return Word(at, text)
        if token.kind is Kind.KEYWORD and text in _CONSTANTS:
            return Literal(at, _CONSTANTS[text], text)
        if token.kind in {Kind.STRING, Kind.CHAR, Kind.NUMBER}:
            return Literal(at, _constant(token), text)
        if token.kind is Kind.MARK and text == ".":
            return Dot(at)
        if token.kind is Kind.MARK and text == "(":
            self._enter(token)
            pipeline = self._pipeline("parenthesized pipeline", Kind.MARK)
            self._depth -= 1
            return pipeline
        if token.kind is Kind.END:
            raise parse_error("unclosed action", token.line)
        raise parse_error(f"unexpected {token.shown} in operand", token.line)

    def _require(self, name: str, line: int) -> None:
        if name not in self._variables:
            raise parse_error(f'undefined variable "{name}"', line)

    def _enter(self, token: Token) -> None:
        self._depth += 1
        if self._depth > _DEPTH:
            raise parse_error("max expression depth exceeded", token.line)

    def _take(self) -> Token:
        return self._kept.pop() if self._kept else next(self._tokens)

    def _peek(self) -> Token:
        token = self._take()
        self._kept.append(token)
        return token

    def _peek_spaced(self) -> Token:
        token = self._take_spaced()
        self._kept.append(token)
        return token

    def _take_spaced(self) -> Token:
        token = self._take()
        return self._take() if token.kind is Kind.SPACE else token


def _is_empty(nodes: tuple[Node, ...]) -> bool:
    return all(isinstance(node, Text) and not node.text.strip() for node in nodes)


def _constant(token: Token) -> str | int | float:
    """Return the value of a constant.

    Raises:
        UsageError: a text has an escape that is none, or a number is none.
    """
    text = token.text
    if token.kind is Kind.NUMBER:
        return _number(token)
    if text.startswith("`"):
        return text[1:-1]
    value = _ESCAPE.sub(lambda found: _escaped(found.group(1), token), text[1:-1])
    if token.kind is Kind.STRING:
        return value
    if len(value) != 1:
        raise parse_error(f"malformed character constant: {text}", token.line)
    return ord(value)


def _escaped(escape: str, token: Token) -> str:
    if len(escape) == 1:
        if escape not in _ESCAPES:
            raise parse_error("invalid syntax", token.line)
        return _ESCAPES[escape]
    code = int(escape, 8) if escape.isdigit() else int(escape[1:], 16)
    if code > 0x10FFFF:
        raise parse_error("invalid syntax", token.line)
    return chr(code)


def _number(token: Token) -> int | float:
    text = token.text.replace("_", "")
    try:
        if text.lstrip("+-")[:1] == "0" and text.lstrip("+-")[1:].isdigit():
            return int(text, 8)
        return int(text, 0)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            raise parse_error(f'bad number syntax: "{token.text}"', token.line) from None
