"""A page of the documentation as blocks: what is a command, what it prints, what is a file.

In:  the text of a page.
Out: its fenced blocks, each with the marks above it; the page again with other output.

Marks are HTML comments on the lines above a block:

``<!-- file: PATH -->``         the block is the content of a file
``<!-- edit: PATH -->``         the block is a change of one place in a file, in the form of a diff
``<!-- not run: REASON -->``    nobody runs it
``<!-- run by: TEST -->``       this test does
``<!-- job: KIND -->``          the scripts of a CI job, in the form of GitLab or GitHub
``<!-- show: WHAT -->``         what is printed of a command's output: ``all`` with standard error,
                                ``none``, ``last N`` lines, ``/EXPRESSION/`` for the lines that have it
``<!-- status: N -->``          the commands end with this status
``<!-- before: COMMANDS -->``   what must have happened, but is no news to the reader
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

KINDS = frozenset({"file", "edit", "not run", "run by", "job", "show", "status", "before"})
_MARK = re.compile(r"<!-- ([a-z ]+?): (.*?) -->", re.DOTALL)
_FENCE = re.compile(r"^( *`{3,})([\w-]*)\n(.*?)^\1$\n?", re.MULTILINE | re.DOTALL)
_ABOVE = re.compile(r"((?:<!-- (?:(?!-->).)*? -->\s*)+)$", re.DOTALL)
PROMPT, MORE = "$ ", "> "


@dataclass
class Command:
    """A command of a block and the lines that the page shows below it."""

    text: str
    shown: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        language: The word behind the fence.
        line: Line of the fence, from 1.
        start: Where the body begins in the text of the page, in characters.
        marks: What stands above it, by kind.
    """

    language: str
    body: str
    line: int
    start: int
    marks: dict[str, str]

    def commands(self) -> list[Command]:
        """Return the commands of a console session, each with its output."""
        found: list[Command] = []
        for line in self.body.splitlines():
            if line.startswith(PROMPT):
                found.append(Command(line.removeprefix(PROMPT)))
            elif line.startswith(MORE) and found and not found[-1].shown:
                found[-1].text += "\n" + line.removeprefix(MORE)
            elif found:
                found[-1].shown.append(line)
            else:
                raise ValueError(f"line {self.line}: output before the first `{PROMPT}`")
        return found

    @property
    def treatment(self) -> str | None:
        """What is done with it; None if nobody said.

        ``text`` is no command, and sessions of Python (``pycon``) are what doctests run.
        """
        kinds = [
            kind for kind in ("file", "edit", "not run", "run by", "job") if kind in self.marks
        ]
        if self.language == "console" and not kinds:
            return "run"
        if self.language in {"text", "pycon"} and not kinds:
            return self.language
        return kinds[0] if len(kinds) == 1 else None


@dataclass(frozen=True)
class Page:
    """A page: where it is, its text."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Page:
        """Read a page."""
        return cls(path, path.read_text(encoding="utf-8"))

    def blocks(self) -> Iterator[Block]:
        """Yield its blocks in order."""
        for match in _FENCE.finditer(self.text):
            above = _ABOVE.search(self.text, 0, match.start())
            marks = {key: value.strip() for key, value in _MARK.findall(above[1] if above else "")}
            line = self.text.count("\n", 0, match.start()) + 1
            if unknown := marks.keys() - KINDS:
                raise ValueError(f"{self.path.name}:{line}: no such mark: {unknown}")
            yield Block(match[2], match[3], line, match.start(3), marks)

    def indented(self) -> list[str]:
        """Return the first lines of blocks that are indented, not fenced; nobody could mark them."""
        text = _FENCE.sub(lambda match: "\n" * match[0].count("\n"), self.text)
        return re.findall(
            r"(?:^|\n)\n( {4,}\S.*)", re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
        )

    def with_sessions(self, sessions: Sequence[tuple[Block, Sequence[Command]]]) -> str:
        """Return the text with other commands' output in some blocks."""
        text = self.text
        for block, commands in sorted(sessions, key=lambda each: -each[0].start):
            text = text[: block.start] + session(commands) + text[block.start + len(block.body) :]
        return text


def session(commands: Sequence[Command]) -> str:
    """Return the body of a block with commands and their output."""
    lines: list[str] = []
    for each in commands:
        first, *rest = each.text.split("\n")
        lines += [PROMPT + first, *((MORE + line).rstrip() for line in rest), *each.shown]
    return "".join(f"{line}\n" for line in lines)
