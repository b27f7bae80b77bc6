"""The files that an image starts, in the order in which they are reached, and why each is.

``Use`` is one step on the way: something is named, and a file is found or is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property

import msgspec


class Command(StrEnum):
    """The instruction that a way begins at."""

    ENTRYPOINT = "ENTRYPOINT"
    CMD = "CMD"
    HEALTHCHECK = "HEALTHCHECK"


class How(StrEnum):
    """What is done with a file."""

    STARTED = "started"
    """The runtime executes it: first word of ENTRYPOINT, CMD or HEALTHCHECK."""
    INTERPRETER = "interpreter"
    """The kernel executes it for a script that names it, or ``env`` does."""
    WRAPPED = "wrapped"
    """A program that starts another one executes it: ``tini -- app``."""
    COMMAND = "command"
    """A shell executes it: a command of a script, or of the text behind ``sh -c``."""
    READ = "read"
    """An interpreter reads it: ``python app.py``, ``java -jar app.jar``."""


class Problem(StrEnum):
    """Why something that is named cannot be executed."""

    MISSING = "missing"
    DIRECTORY = "directory"
    NOT_EXECUTABLE = "not executable"
    """No one may execute it."""
    NO_PROGRAM = "no program"
    """It is neither ELF nor begins with ``#!``: the kernel refuses it, a shell would read it."""
    NO_INTERPRETER = "no interpreter"
    """Its ``#!`` line names nothing."""
    NO_SPLIT = "no split"
    """Its ``#!`` line needs ``env -S``, which the ``env`` here has not."""
    TOO_DEEP = "too deep"
    """More interpreters in a row are scripts than the kernel follows."""


class Use(msgspec.Struct, frozen=True):
    """A name that leads to a file, or should.

    Args:
        command: Where the way begins.
        how: What is done with the file.
        name: As it is written.
        path: The file, links followed; empty if there is none.
        via: The path that was looked up, absolute; of a name on PATH where it was found.
        by: The file that names it; empty if the config does.
        line: Of that file, from 1; 0 if it is none of a text.
        problem: Why it cannot be used; None if it can.
        is_certain: Whether the start of the image fails if it cannot: it is reached each time, and
            nothing before it may make it.
        link: The symbolic link on the way that leads to nothing; empty for none.
        arguments: What it is called with.
    """

    command: Command
    how: How
    name: str
    path: str = ""
    via: str = ""
    by: str = ""
    line: int = 0
    problem: Problem | None = None
    is_certain: bool = True
    link: str = ""
    arguments: tuple[str, ...] = ()


class Reached(msgspec.Struct, frozen=True, dict=True):
    """All uses, in the order in which they are reached.

    Args:
        uses: They.
        is_whole: Whether there are no more that could be found: no script was too large.
    """

    uses: tuple[Use, ...] = ()
    is_whole: bool = True

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The files that are there, each once."""
        return tuple(dict.fromkeys(use.path for use in self.uses if use.path))

    @cached_property
    def _by_path(self) -> dict[str, Use]:
        found: dict[str, Use] = {}
        for use in self.uses:
            if use.path:
                found.setdefault(use.path, use)
        return found

    def __contains__(self, path: str) -> bool:
        """Tell whether a file is reached; its path is one without links."""
        return path in self._by_path

    def first(self, path: str) -> Use | None:
        """Return why a file is reached, first; None if it is not."""
        return self._by_path.get(path)

    def way(self, path: str) -> tuple[Use, ...]:
        """Return the uses that lead to a file, from the config on; empty if it is not reached."""
        found: list[Use] = []
        use = self.first(path)
        while use is not None and use not in found:
            found.append(use)
            use = self.first(use.by) if use.by else None
        return tuple(reversed(found))

    def problems(self) -> Iterator[Use]:
        """Yield the uses that cannot be."""
        return (use for use in self.uses if use.problem is not None)
