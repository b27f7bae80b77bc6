"""What findings are about: a Dockerfile's name and text.

In:  nothing.
Out: ``Source``, a protocol that a parsed ``Dockerfile`` has, and ``SourceText``.
"""

from __future__ import annotations

from typing import Protocol

import msgspec


class Source(Protocol):
    """A file that findings have places in."""

    @property
    def filename(self) -> str:
        """Its name as in messages."""
        ...

    @property
    def text(self) -> str:
        """All of it; empty if it is not known."""
        ...


class SourceText(msgspec.Struct, frozen=True):
    """A Dockerfile that nobody has parsed, such as that of a build record."""

    filename: str = "Dockerfile"
    text: str = ""
