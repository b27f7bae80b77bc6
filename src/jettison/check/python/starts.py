"""The Pythons that an image starts, and what they import.

In:  a ``Subject``.
Out: ``PythonStart``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from jettison.analysis.entry.reached import How, Use
from jettison.analysis.files import Files
from jettison.analysis.python.closure import Closure, closure
from jettison.analysis.python.interpreters import is_program
from jettison.analysis.python.lookup import Lookup, lookup
from jettison.analysis.python.modules import Modules
from jettison.analysis.python.starts import Command, Start, home_of, python_start
from jettison.check.subject import Subject

_MAX_STARTS = 20
_MAX_TEXT = 256 << 10
_MOVES = re.compile(rb"\b(?:cd|pushd|PYTHONPATH|PYTHONHOME|activate|export\s+PATH)\b")
_INSTALLS = re.compile(rb"\b(?:pip[0-9.]*|uv|poetry|pipenv|pdm|conda|mamba|hatch)\s+(?!run\b)\w")
"""Shell text that puts modules where they are looked for, before Python is started."""


class PythonStart(msgspec.Struct, frozen=True):
    """A Python that the image starts.

    Args:
        use: Why it does.
        start: How.
        closure: What is imported.
        is_sure: Whether what is missing there makes the image fail.
    """

    use: Use
    start: Start
    closure: Closure
    is_sure: bool = True

    @property
    def label(self) -> str:
        """The interpreter, for people."""
        return f"{self.start.program} is Python {self.start.interpreter.version}"


def python_starts(subject: Subject) -> tuple[PythonStart, ...]:
    """Return the Pythons that an image starts, in the order in which it does."""
    return tuple(_starts(subject))


def _starts(subject: Subject) -> Iterator[PythonStart]:
    files = subject.image.files
    look = subject.image.fact(lookup)
    seen: set[tuple[str, ...]] = set()
    for use in subject.reached.uses:
        program = use.via or use.path or use.name
        if use.how is How.READ or not is_program(program.rpartition("/")[2]):
            continue
        argv = (program, *use.arguments)
        if argv in seen or len(seen) >= _MAX_STARTS:
            continue
        seen.add(argv)
        text = _shell_text(files, subject, use)
        if _INSTALLS.search(text):
            continue
        found = _start(subject, look, argv)
        if found is not None:
            known = closure(Modules(look, found.interpreter, found.path), found.origins)
            is_sure = use.is_certain and not known.is_open and not _MOVES.search(text)
            yield PythonStart(use, found, known, is_sure)


def _start(subject: Subject, look: Lookup, argv: tuple[str, ...]) -> Start | None:
    environment = dict(subject.environment)
    home = environment.get("HOME") or home_of(look.files, subject.config.user)
    directory = subject.config.working_dir or "/"
    return python_start(look, Command(argv, directory, environment, home))


def _shell_text(files: Files, subject: Subject, use: Use) -> bytes:
    """Return the text of the shell scripts that lead to a use; empty if none does."""
    if use.how not in {How.COMMAND, How.INTERPRETER, How.WRAPPED}:
        return b""
    config = subject.config
    words = (*(config.entrypoint or ()), *(config.cmd or ()))
    if config.healthcheck is not None:
        words = (*words, *config.healthcheck.test)
    way = subject.reached.way(use.path) if use.path else (use,)
    if not any(each.how is How.COMMAND for each in (*way, use)):
        return b""
    scripts = {each.by for each in (*way, use) if each.by}
    texts = (files.read(path, _MAX_TEXT, whole=False) or b"" for path in sorted(scripts))
    said = " ".join(words).encode("utf-8", "replace")
    return b"\n".join((said, *(each for each in texts if not each.startswith(b"\x7fELF"))))
