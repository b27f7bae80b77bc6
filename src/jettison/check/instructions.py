"""Instructions of the final stage that a finding is about, and changes of them.

In:  a ``Subject``, whose record has the Dockerfile's text.
Out: the instruction that set something; fixes that change its lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeVar

from jettison.analysis.files import Files
from jettison.check.subject import Subject
from jettison.check.written import exec_form
from jettison.errors import JettisonError, Span
from jettison.findings.finding import Fix, FixKind
from jettison.frontend.dockerfile.parser import parse
from jettison.frontend.dockerfile.syntax import Add, Command, Copy, From, Instruction

Kind = TypeVar("Kind", bound=Instruction)
_FLAG = r"(\s)--{}=\S+"


def instructions(subject: Subject) -> list[list[Instruction]]:
    """Return the instructions of each stage, those before the first FROM left out."""
    return _stages(subject.record.source)


@lru_cache(maxsize=1)
def _stages(source: str) -> list[list[Instruction]]:
    try:
        parsed = parse(source.encode()).instructions
    except JettisonError:
        return []
    stages: list[list[Instruction]] = []
    for each in parsed:
        if isinstance(each, From):
            stages.append([])
        if stages:
            stages[-1].append(each)
    return stages


def last(subject: Subject, kind: type[Kind]) -> Kind | None:
    """Return the instruction of a kind that holds for the image; None if its base has it."""
    stages = instructions(subject)
    index = subject.record.target
    while 0 <= index < len(stages):
        for each in reversed(stages[index]):
            if isinstance(each, kind):
                return each
        index = subject.record.stages[index].parent
    return None


def replaced(span: Span, text: str) -> Fix:
    """Return a fix that puts text in the place of an instruction."""
    return Fix(FixKind.REPLACE, text, span.line, span.end_line)


def inserted(span: Span | None, text: str, subject: Subject) -> Fix:
    """Return a fix that puts text behind an instruction, or at the end of the final stage."""
    line = subject.end if span is None else max(span.line, span.end_line)
    return Fix(FixKind.INSERT, text, line)


def with_word(instruction: Instruction, command: Command, before: str, after: str) -> Fix | None:
    """Return a fix that has another word in ENTRYPOINT, CMD or HEALTHCHECK; None without it.

    Args:
        instruction: It.
        command: What it executes.
        before: The word.
        after: In its place.
    """
    if command.is_json and before in command.words:
        words = [after if word == before else word for word in command.words]
        text = f"{_head(instruction)} {exec_form(words)}"
    elif not command.is_json and re.search(_word(before), instruction.original):
        text = re.sub(_word(before), lambda _: after, instruction.original, count=1)
    else:
        return None
    return replaced(instruction.span, text)


def _word(text: str) -> str:
    return rf"(?<![\w/.-]){re.escape(text)}(?![\w/.-])"


def _head(instruction: Instruction) -> str:
    """Return an instruction up to its arguments in JSON."""
    return instruction.original.partition("[")[0].rstrip()


def with_flag(subject: Subject, line: int, flag: str, value: str) -> Fix | None:
    """Return a fix that gives a COPY or ADD a flag; None if there is none at the line."""
    for each in (each for stage in instructions(subject) for each in stage):
        if each.span.line == line and isinstance(each, Copy | Add) and not each.heredocs:
            text = re.sub(_FLAG.format(flag), "", each.original, count=1)
            keyword = text.split(maxsplit=1)[0]
            return replaced(each.span, f"{keyword} --{flag}={value}{text[len(keyword) :]}")
    return None


def stages_before(subject: Subject) -> Iterator[tuple[str, Files]]:
    """Yield name and files of the stages that the image may copy from, the nearest first."""
    for stage in reversed(subject.record.stages[: subject.record.target]):
        root = subject.stage(stage.index) if stage.needed else None
        if root is not None:
            yield stage.label, root.files


def usable(subject: Subject, *fixes: Fix | None) -> tuple[Fix, ...]:
    """Return the fixes that there are; of an image whose Dockerfile is not known, as words.

    Security: paths and names in them are an image's. One with control characters would write
    lines of its own into a Dockerfile, so there is no fix for it.
    """
    there = [fix for fix in fixes if fix is not None and fix.text.isprintable()]
    if subject.was_built:
        return tuple(there)
    kinds = {FixKind.INSERT: "its Dockerfile needs: ", FixKind.ADVICE: ""}
    return tuple(
        Fix(FixKind.ADVICE, kinds[fix.kind] + fix.text) for fix in there if fix.kind in kinds
    )


def copy_from(stage: str, source: str, destination: str) -> str:
    """Return a COPY from a stage; paths with blanks in the JSON form."""
    source, destination = (re.sub(r"([\\$*?\[])", r"\\\1", path) for path in (source, destination))
    if re.search(r"\s", source + destination):
        return f"COPY --from={stage} {exec_form([source, destination])}"
    return f"COPY --from={stage} {source} {destination}"
