"""Syntax trees of templates.

``at`` is an offset in the text. ``shown`` is how errors of Go write a node.
"""

from __future__ import annotations

import msgspec

from jettison.frontend.dockerfile.text import quote

Constant = str | int | float | bool | None


class Literal(msgspec.Struct, frozen=True):
    """A constant; ``nil`` is None."""

    at: int
    value: Constant
    shown: str


class Dot(msgspec.Struct, frozen=True):
    """What the template is about at this place."""

    at: int
    shown: str = "."


class Field(msgspec.Struct, frozen=True):
    """``.A.B`` of the dot."""

    at: int
    names: tuple[str, ...]

    @property
    def shown(self) -> str:
        """See the module."""
        return "".join(f".{name}" for name in self.names)


class Variable(msgspec.Struct, frozen=True):
    """``$x.A.B``."""

    at: int
    name: str
    names: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """See the module."""
        return self.name + "".join(f".{name}" for name in self.names)


class Word(msgspec.Struct, frozen=True):
    """The name of a function."""

    at: int
    name: str

    @property
    def shown(self) -> str:
        """See the module."""
        return self.name


class Chain(msgspec.Struct, frozen=True):
    """``(pipeline).A.B``."""

    at: int
    base: Operand
    names: tuple[str, ...]

    @property
    def shown(self) -> str:
        """See the module."""
        base = self.base.shown
        base = f"({base})" if isinstance(self.base, Pipeline) else base
        return base + "".join(f".{name}" for name in self.names)


class Command(msgspec.Struct, frozen=True):
    """A function or a value, with arguments."""

    at: int
    operands: tuple[Operand, ...]

    @property
    def shown(self) -> str:
        """See the module."""
        return " ".join(
            f"({each.shown})" if isinstance(each, Pipeline) else each.shown
            for each in self.operands
        )


class Pipeline(msgspec.Struct, frozen=True):
    """Commands, each of which gets the value of the one before as its last argument.

    ``variables`` get the value; ``declares`` makes them, in place of changing those there are.
    """

    at: int
    commands: tuple[Command, ...]
    variables: tuple[str, ...] = ()
    declares: bool = True

    @property
    def shown(self) -> str:
        """See the module."""
        assigned = ", ".join(self.variables)
        assigned += (" := " if self.declares else " = ") if assigned else ""
        return assigned + " | ".join(each.shown for each in self.commands)


Operand = Literal | Dot | Field | Variable | Word | Chain | Pipeline


class Text(msgspec.Struct, frozen=True):
    """What stands outside of actions."""

    text: str


class Action(msgspec.Struct, frozen=True):
    """A pipeline whose value is printed, unless it assigns."""

    pipeline: Pipeline


class Branch(msgspec.Struct, frozen=True):
    """``if``, ``with`` or ``range`` with its bodies."""

    keyword: str
    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...] = ()


class Jump(msgspec.Struct, frozen=True):
    """``break`` or ``continue`` of a ``range``."""

    keyword: str


class Call(msgspec.Struct, frozen=True):
    """``template``, and ``block`` where it stands: another template with the pipeline's value."""

    at: int
    name: str
    pipeline: Pipeline | None = None

    @property
    def shown(self) -> str:
        """See the module."""
        about = f" {self.pipeline.shown}" if self.pipeline is not None else ""
        return f"{{{{template {quote(self.name)}{about}}}}}"


Node = Text | Action | Branch | Jump | Call
