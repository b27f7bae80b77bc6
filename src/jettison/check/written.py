"""What the Dockerfile of an image says, and edits of its instructions.

In:  a ``Subject``.
Out: instructions by stage; ``Fix`` values.

The text is that of the build's record: none for an image from elsewhere.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence

from jettison.errors import JettisonError, Span
from jettison.findings.finding import Fix, FixKind
from jettison.frontend.dockerfile.parser import parse
from jettison.frontend.dockerfile.syntax import From, Instruction
from jettison.provenance.record import BuildRecord

Stages = tuple[tuple[Instruction, ...], ...]


def stages_of(record: BuildRecord) -> Stages:
    """Return the instructions of each stage, FROM first; empty if the text is not known."""
    return _parsed(record.source)


def own_instructions(record: BuildRecord) -> list[Instruction]:
    """Return the instructions of the image's stage and of those that it is FROM, in their order."""
    stages = stages_of(record)
    found: list[Instruction] = []
    index = record.target
    while stages and index >= 0:
        found[:0] = stages[index]
        index = record.stages[index].parent
    return found


def needed_instructions(record: BuildRecord) -> list[Instruction]:
    """Return the instructions of all stages that the image needs."""
    stages = stages_of(record)
    return [
        instruction
        for each in record.stages
        if stages and each.needed
        for instruction in stages[each.index]
    ]


def at_line(record: BuildRecord, line: int) -> Instruction | None:
    """Return the instruction that begins at a line."""
    for stage in stages_of(record):
        for instruction in stage:
            if instruction.span.line == line:
                return instruction
    return None


def text_of(record: BuildRecord, span: Span) -> str:
    """Return lines of the Dockerfile."""
    lines = record.source.split("\n")
    return "\n".join(lines[span.line - 1 : max(span.line, span.end_line)])


def with_flag(record: BuildRecord, instruction: Instruction, flag: str) -> Fix:
    """Return the fix that gives an instruction one more flag."""
    text = text_of(record, instruction.span)
    written = re.sub(rf"(?i)^(\s*{instruction.keyword})\b", rf"\1 {_plain(flag)}", text, count=1)
    return replacement(instruction.span, written)


def replacement(span: Span, text: str) -> Fix:
    """Return the fix that writes other lines in the place of an instruction."""
    return Fix(FixKind.REPLACE, text, span.line, max(span.line, span.end_line))


def removal(span: Span) -> Fix:
    """Return the fix that takes an instruction away."""
    return Fix(FixKind.DELETE, "", span.line, max(span.line, span.end_line))


def insertion(line: int, text: str) -> Fix:
    """Return the fix that puts an instruction behind a line."""
    return Fix(FixKind.INSERT, text, line)


def listed(paths: Sequence[str], most: int = 3) -> str:
    """Return some of many paths, for people.

    >>> listed(["/a", "/b", "/c", "/d"])
    '`/a`, `/b`, `/c` and 1 more'
    """
    shown = ", ".join(f"`{path}`" for path in paths[:most])
    return shown + (f" and {len(paths) - most} more" if len(paths) > most else "")


def quoted(paths: Iterable[str]) -> str:
    """Return paths as words of a shell."""
    return " ".join(
        path if re.fullmatch(r"[\w@%+=:,./-]+", path) else "'" + path.replace("'", "'\\''") + "'"
        for path in paths
    )


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\")


@functools.lru_cache(maxsize=4)
def _parsed(source: str) -> Stages:
    if not source:
        return ()
    try:
        instructions = parse(source.encode()).instructions
    except JettisonError:
        return ()  # the language of another frontend
    stages: list[list[Instruction]] = []
    for instruction in instructions:
        if isinstance(instruction, From):
            stages.append([])
        if stages:
            stages[-1].append(instruction)
    return tuple(map(tuple, stages))


def exec_form(words: Sequence[str]) -> str:
    """Return words as a JSON array, as ENTRYPOINT and COPY take them."""
    import json  # noqa: PLC0415 - only for a fix

    return json.dumps(list(words))
