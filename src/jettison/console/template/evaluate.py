"""Trees and data to text.

In:  a parsed template, the data.
Out: its text.

Source: Go's ``text/template``, exec.go (rules and texts of errors), as docker sets it up: a key
that a mapping lacks is an error.
Security: templates are the user's own, but data is not: nothing is called that is no function of
ours, no attribute of an object is looked at, and the text is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from jettison.console.template.errors import execution_error
from jettison.console.template.functions import (
    FUNCTIONS,
    LAZY,
    NAMES,
    OF_VALUES,
    PARAMETERS,
    CallError,
    fits,
)
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
from jettison.console.template.parser import Trees, parse
from jettison.console.template.values import NoData, Row, Value, is_list, is_true, show, type_of
from jettison.errors import UsageError
from jettison.frontend.dockerfile.text import quote

_DEEPEST = 40
"""How deep templates may call each other; Go's 100000 are more than Python's stack holds."""
_TAKES_MORE = 4  # of a code object: `*arguments`
_MOST = 1 << 26
"""How much text a template may make: it is held in memory."""


class Template:
    """A template.

    Args:
        text: As written.

    Raises:
        UsageError: it is none.

    >>> Template("{{.Tag}} {{upper .Tag}}").render({"Tag": "v1"})
    'v1 V1'
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._trees = parse(text, NAMES)

    def render(self, data: Value, *, heading: bool = False) -> str:
        """Return the text for some data.

        Args:
            data: Mappings, lists, texts, numbers, switches, None, ``Row``s.
            heading: It is titles of columns, which functions for values leave as they are.

        Raises:
            UsageError: the template asks for what there is not.
        """
        run = _Run(self._text, self._trees, heading=heading)
        try:
            run.template("", NoData if data is None else data)
        except RecursionError:
            raise UsageError("the template is too deep: its parts are inside too many") from None
        return "".join(run.parts)


def _unfit(value: Value, wanted: str) -> str:
    return f"wrong type for value; expected {wanted}; got {type_of(value)}"


class _Break(Exception):  # noqa: N818 - a way out of a loop
    pass


class _Continue(Exception):  # noqa: N818 - a way to the next round
    pass


class _Run:
    """One execution; variables are a stack of names and values."""

    def __init__(self, text: str, trees: Trees, *, heading: bool) -> None:
        self._text = text
        self._trees = trees
        self._heading = heading
        self._name = ""
        self._depth = 0
        self._variables: list[tuple[str, Value]] = []
        self._bytes = 0
        self.parts: list[str] = []

    def template(self, name: str, dot: Value) -> None:
        """Execute a template, which sees no variables of others."""
        outside = (self._name, self._variables)
        self._name, self._variables = name, [("$", dot)]
        self.nodes(self._trees[name], dot)
        self._name, self._variables = outside

    def _call_template(self, node: Call, dot: Value) -> None:
        if node.name not in self._trees:
            raise self._error(node, f"template {quote(node.name)} not defined")
        if self._depth == _DEEPEST:
            raise self._error(node, f"exceeded maximum template depth ({_DEEPEST})")
        self._depth += 1
        self.template(
            node.name, NoData if node.pipeline is None else self._pipeline(node.pipeline, dot)
        )
        self._depth -= 1

    def nodes(self, nodes: Iterable[Node], dot: Value) -> None:
        for node in nodes:
            match node:
                case Text():
                    self._write(node.text)
                case Action():
                    value = self._pipeline(node.pipeline, dot)
                    if not node.pipeline.variables:
                        self._write(show(value))
                case Branch():
                    known = len(self._variables)
                    self._branch(node, dot)
                    del self._variables[known:]
                case Call():
                    self._call_template(node, dot)
                case Jump():
                    raise _Break if node.keyword == "break" else _Continue

    def _write(self, text: str) -> None:
        self._bytes += len(text)
        if self._bytes > _MOST:
            raise UsageError(
                f"the template makes more than {_MOST >> 20} MiB of text",
                hint="use `--format json` and a program that reads it",
            )
        self.parts.append(text)

    def _branch(self, node: Branch, dot: Value) -> None:
        if node.keyword == "range":
            self._range(node, dot)
            return
        value = self._pipeline(node.pipeline, dot)
        if is_true(value):
            self.nodes(node.body, value if node.keyword == "with" else dot)
        else:
            self.nodes(node.otherwise, dot)

    def _range(self, node: Branch, dot: Value) -> None:
        pipeline = node.pipeline
        value = self._pipeline(Pipeline(pipeline.at, pipeline.commands), dot)
        pairs = self._pairs(value, pipeline)
        if not pairs:
            self.nodes(node.otherwise, dot)
            return
        known = len(self._variables)
        names = pipeline.variables
        for key, item in pairs:
            taken = [item] if len(names) < 2 else [key, item]
            for name, each in zip(names, taken, strict=True) if names else ():
                self._assign(name, each, declares=pipeline.declares)
            try:
                self.nodes(node.body, item)
            except _Break:
                break
            except _Continue:
                pass
            finally:
                del self._variables[known:]

    def _pairs(self, value: Value, node: Pipeline) -> list[tuple[Value, Value]]:
        if value is None or value is NoData:
            return []
        if isinstance(value, Mapping) and not isinstance(value, Row):
            return [(key, value[key]) for key in sorted(value)]
        if is_list(value) and isinstance(value, Sequence):
            return list(enumerate(value))
        if isinstance(value, int) and not isinstance(value, bool):
            return [(number, number) for number in range(min(value, _MOST))]
        raise self._error(node, f"range can't iterate over {show(value)}")

    def _assign(self, name: str, value: Value, *, declares: bool) -> None:
        if declares:
            self._variables.append((name, value))
            return
        for index in range(len(self._variables) - 1, -1, -1):
            if self._variables[index][0] == name:
                self._variables[index] = (name, value)
                return

    def _pipeline(self, node: Pipeline, dot: Value) -> Value:
        before: tuple[Value, ...] = ()
        for command in node.commands:
            before = (self._command(command, dot, before),)
        for name in node.variables:
            self._assign(name, before[0], declares=node.declares)
        return before[0]

    def _command(self, node: Command, dot: Value, before: tuple[Value, ...]) -> Value:
        first, *rest = node.operands
        if isinstance(first, Word):
            return self._call(first, node, rest, dot, before)
        if rest or before:
            if isinstance(first, Field | Chain):
                self._operand(first, dot)  # what is not there is the first error
            if isinstance(first, Field | Chain | Variable):
                name = first.names[-1] if first.names else first.shown
                raise self._error(first, f"{name} is not a method but has arguments")
            raise self._error(first, f"can't give argument to non-function {first.shown}")
        if isinstance(first, Literal) and first.value is None:
            raise self._error(first, "nil is not a command")
        return self._operand(first, dot)

    def _operand(self, node: Operand, dot: Value) -> Value:
        match node:
            case Literal():
                return node.value
            case Dot():
                return dot
            case Field():
                return self._fields(dot, node.names, node)
            case Variable():
                value = next(each for name, each in reversed(self._variables) if name == node.name)
                return self._fields(value, node.names, node)
            case Chain():
                if isinstance(node.base, Literal) and node.base.value is None:
                    raise self._error(node, "indirection through explicit nil in " + node.shown)
                return self._fields(self._operand(node.base, dot), node.names, node)
            case Pipeline():
                return self._pipeline(node, dot)
            case Word():
                return self._call(node, node, [], dot, ())

    def _fields(self, value: Value, names: Sequence[str], node: Operand) -> Value:
        type_name = type_of(value)
        for name in names:
            if isinstance(value, Row):
                if name not in value:
                    raise self._error(node, f"can't evaluate field {name} in type {type_name}")
                value = value[name]
                type_name = type_of(value)
            elif isinstance(value, Mapping):
                if name not in value:
                    raise self._error(node, f'map has no entry for key "{name}"')
                value = value[name]
                type_name = "interface {}"
            elif value is NoData:
                return value
            elif value is None:
                raise self._error(node, f"nil pointer evaluating interface {{}}.{name}")
            else:
                raise self._error(node, f"can't evaluate field {name} in type {type_name}")
        return value

    def _call(
        self,
        word: Word,
        node: Word | Command,
        operands: Sequence[Operand],
        dot: Value,
        before: tuple[Value, ...],
    ) -> Value:
        """Call a function.

        Args:
            word: Names it.
            node: What errors show.
            operands: Its arguments.
            dot: The dot.
            before: The value of the command before, the last argument.
        """
        name = word.name
        given = len(operands) + len(before)
        if name in LAZY:
            self._require_count(word, given, least=1, open_ended=True)
            return self._lazy(name == "or", operands, dot, before)
        if name == "call":
            self._require_count(word, given, least=1, open_ended=True)
            value = self._operand(operands[0], dot) if operands else before[0]
            shown = operands[0].shown if operands else "argument"
            problem = f"error calling call: non-function {shown} of type {type_of(value)}"
            raise self._error(node, problem)
        function = FUNCTIONS[name]
        code = getattr(function, "__code__")  # noqa: B009 - a callable need not have it
        more = bool(code.co_flags & _TAKES_MORE)
        self._require_count(word, given, least=code.co_argcount, open_ended=more)
        wanted = PARAMETERS.get(name, ())
        arguments = [
            self._argument(each, dot, wanted[index] if index < len(wanted) else "")
            for index, each in enumerate(operands)
        ]
        if before and len(arguments) < len(wanted) and not fits(before[0], wanted[len(arguments)]):
            raise self._error(node, _unfit(before[0], wanted[len(arguments)]))
        if self._heading and name in OF_VALUES:
            return (*arguments, *before)[0]
        try:
            values = [*arguments, *before]
            if name != "len":
                values = [None if each is NoData else each for each in values]
            return function(*values)
        except CallError as error:
            raise self._error(node, f"error calling {name}: {error}") from None

    def _argument(self, node: Operand, dot: Value, wanted: str) -> Value:
        value = self._operand(node, dot)
        if not wanted or fits(value, wanted):
            return value
        if isinstance(node, Literal):
            raise self._error(node, f"expected {wanted}; found {node.shown}")
        raise self._error(node, _unfit(value, wanted))

    def _lazy(
        self, stop: bool, operands: Sequence[Operand], dot: Value, before: tuple[Value, ...]
    ) -> Value:
        """Return the first operand that is as true as ``stop``, or the last one."""
        value: Value = None
        for each in operands:
            value = self._operand(each, dot)
            if is_true(value) is stop:
                return value
        return before[0] if before else value

    def _require_count(self, node: Word, given: int, *, least: int, open_ended: bool) -> None:
        if given < least or (given > least and not open_ended):
            wanted = f"at least {least}" if open_ended else str(least)
            problem = f"wrong number of args for {node.name}: want {wanted} got {given}"
            raise self._error(node, problem)

    def _error(self, node: Operand | Command | Pipeline | Call, problem: str) -> UsageError:
        before = self._text[: node.at]
        line_start = before.rfind("\n") + 1
        column = len(before[line_start:].encode("utf-8", "surrogateescape"))
        return execution_error(problem, before.count("\n") + 1, column, node.shown, self._name)
