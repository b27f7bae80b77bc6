"""The parser: bytes of a Dockerfile to its typed syntax tree.

In:  bytes of a file, or the text of an ONBUILD trigger.
Out: ``Dockerfile``, or one ``Instruction``.

Nothing is expanded and no stage is resolved: ``stages`` goes on from here.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from jettison.errors import DockerfileSyntaxError, Span
from jettison.frontend.dockerfile.instructions import build
from jettison.frontend.dockerfile.lines import read_directives, split_lines
from jettison.frontend.dockerfile.nodes import read_nodes
from jettison.frontend.dockerfile.span import pointing
from jettison.frontend.dockerfile.syntax import Arg, Dockerfile, From, Instruction, Node
from jettison.frontend.dockerfile.words import DEFAULT_ESCAPE
from jettison.located import located


@lru_cache(maxsize=2)  # a build compiles again when it knows its images, and checks, too
def parse(text: bytes, filename: str = "Dockerfile") -> Dockerfile:
    r"""Parse a file.

    Args:
        text: Its bytes: UTF-8, with or without a byte order mark and carriage returns.
        filename: Its name, for messages.

    Raises:
        DockerfileSyntaxError: The file is wrong; ``span`` tells where.

    >>> parse(b"FROM alpine AS a\nRUN [\"true\"]\n").instructions[0].stage_name
    'a'
    """
    decoded = decode(text)
    with pointing(decoded):
        return _parse(decoded, filename)


def _parse(text: str, filename: str) -> Dockerfile:
    lines = split_lines(text)
    directives, escape = read_directives(lines)
    nodes, warnings = read_nodes(lines, escape)
    if not nodes:
        raise DockerfileSyntaxError(
            "file with no instructions",
            hint="begin with `FROM` and the name of an image",
            span=Span(max(1, len(lines))),
        )
    instructions = tuple(map(build, nodes))
    _check_order(instructions)
    return Dockerfile(
        instructions=instructions,
        directives=directives,
        escape=escape,
        text=text.removeprefix("\ufeff"),
        filename=filename,
        warnings=warnings,
    )


def parse_nodes(text: bytes) -> tuple[Node, ...]:
    """Split a file into nodes without checking the instructions.

    Raises:
        DockerfileSyntaxError: The file cannot be split, or holds nothing.
    """
    lines = split_lines(decode(text))
    _, escape = read_directives(lines)
    nodes, _ = read_nodes(lines, escape)
    if not nodes:
        raise DockerfileSyntaxError("file with no instructions", span=Span(max(1, len(lines))))
    return nodes


def parse_trigger(expression: str, span: Span | None = None) -> Instruction:
    """Parse a stored ONBUILD trigger; its escape character is always a backslash.

    Args:
        expression: The trigger as in ``OnBuild.expression`` or an image config.
        span: Where it runs: the place of the instruction and of errors.

    Raises:
        DockerfileSyntaxError: It is not exactly one instruction that may be a trigger.
    """
    place = span or Span(1)
    try:
        instruction = _only_instruction(expression, place)
    except DockerfileSyntaxError as error:
        raise DockerfileSyntaxError(error.message, hint=error.hint, span=place) from None
    if instruction.name in {"FROM", "MAINTAINER", "ONBUILD"}:
        raise DockerfileSyntaxError(
            f"{instruction.name} isn't allowed as an ONBUILD trigger", span=place
        )
    return instruction


def _only_instruction(expression: str, span: Span) -> Instruction:
    nodes, _ = read_nodes(split_lines(expression), DEFAULT_ESCAPE)
    if len(nodes) != 1:
        raise DockerfileSyntaxError("onbuild trigger should be a single expression")
    return build(msgspec.structs.replace(nodes[0], span=span))


def decode(text: bytes) -> str:
    """Return the text of a file.

    Bytes that are not UTF-8 are an error, but for comment lines, where they are replaced.

    Raises:
        DockerfileSyntaxError: The file is empty or not UTF-8.
    """
    if not text:
        raise DockerfileSyntaxError(
            "the Dockerfile cannot be empty",
            hint="begin with `FROM` and the name of an image",
            span=Span(1),
        )
    try:
        return text.decode()
    except UnicodeDecodeError:
        pass
    lines = text.split(b"\n")
    for number, line in enumerate(lines, 1):
        errors = "replace" if line.lstrip().startswith(b"#") else "strict"
        try:
            lines[number - 1] = line.decode(errors=errors).encode()
        except UnicodeDecodeError as error:
            raise DockerfileSyntaxError(
                f"byte 0x{line[error.start]:02x} is not UTF-8 text",
                hint="save the file as UTF-8",
                span=Span(number),
            ) from None
    return b"\n".join(lines).decode()


def _check_order(instructions: tuple[Instruction, ...]) -> None:
    """Refuse instructions other than ARG before the first FROM."""
    for instruction in instructions:
        if isinstance(instruction, From):
            return
        if not isinstance(instruction, Arg):
            with located(instruction.span):
                raise DockerfileSyntaxError(
                    "no build stage in current context",
                    hint=f"put a `FROM` before the {instruction.name}",
                )
