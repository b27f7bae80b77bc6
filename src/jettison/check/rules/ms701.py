"""MS701: copies above a step that reads little of them.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from jettison.check.edits import text_of
from jettison.check.rule import Rule
from jettison.check.steps import (
    BuiltStep,
    is_from_context,
    layer_paths,
    listing_of,
    origins_of,
    stage_steps,
)
from jettison.check.subject import Subject
from jettison.check.units import counted, seconds
from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.commands import manager_of
from jettison.frontend.dockerfile.shell import commands, script_of
from jettison.frontend.dockerfile.syntax import Add, Copy, Instruction, Run
from jettison.provenance.record import StepKind

_LEAST_SECONDS = 0.5
_MOST_READ = 10
_LEAST_COPIED = 4


class MS701(Rule):
    r"""Copies above a step that reads little of them.

    ## What it does
    Looks at steps that took half a second or more below a copy of many files of the build context.
    Where the build was traced (`build --trace-inputs`), it counts what a step opened of them;
    else it knows what npm, pip, go and others install by.

    ## Why is this bad
    Each change of any of the files runs the step again, though it would do the same.

    ## Example
        FROM busybox
        WORKDIR /app
        COPY . .
        RUN sleep 2 && cat names.txt

    ## Use instead
        FROM busybox
        WORKDIR /app
        COPY names.txt ./
        RUN sleep 2 && cat names.txt
        COPY . .
    """

    id = "MS701"
    title = "Steps come before the files that they do not read"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield steps that read little of what a copy above them brought."""
        for steps in subject.fact(stage_steps).values():
            for place, run in enumerate(steps):
                if not isinstance(run.instruction, Run) or run.seconds < _LEAST_SECONDS:
                    continue
                for copy in reversed(steps[:place]):
                    broad = _broad(subject, copy)
                    if broad is None:
                        continue
                    found = self._of_trace(subject, broad, run)
                    if found is None:
                        found = self._of_command(subject, broad, run)
                    if found is not None:
                        yield found
                    break

    def _of_trace(self, subject: Subject, copy: _Broad, run: BuiltStep) -> Finding | None:
        """Judge by what the step opened; None if that is not known, or if it is much."""
        reads = subject.provenance.reads(run.step)
        if reads is None or not reads.is_whole:
            return None
        used = [path for path in reads.files if path in copy.files]
        many = len(used) > _MOST_READ or len(used) * 2 > len(copy.files)
        looked = [path for path in reads.listed if path in copy.directories]
        if many or (looked and not used):
            return None
        whole = len(copy.files)
        line = copy.step.record.line
        return self.finding(
            Severity.NOTE if looked else Severity.WARNING,  # names may be what it goes by
            f"`{_shown(run)}` read {len(used)} of {counted(whole, 'file')} copied by line {line}:"
            f" the others need not run it again ({seconds(run.seconds)})",
            span=run.span,
            stage=run.stage.label,
            cause=_names(used, copy) + _listed(looked),
            fixes=_fixes(subject, copy, run, used),
        )

    def _of_command(self, subject: Subject, copy: _Broad, run: BuiltStep) -> Finding | None:
        """Judge by what the command is known to install by."""
        manifests = _manifests(run)
        used = [
            path
            for path in copy.files
            if any(fnmatch.fnmatch(posixpath.basename(path), each) for each in manifests)
        ]
        if subject.provenance.reads(run.step) is not None:
            return None  # the trace says that it read more
        if not used or len(used) > _MOST_READ or len(used) * 2 > len(copy.files):
            return None
        whole = counted(len(copy.files), "file")
        return self.finding(
            Severity.NOTE,
            f"`{_shown(run)}` runs again when any of {whole} copied by line"
            f" {copy.step.record.line} changes ({seconds(run.seconds)})",
            span=run.span,
            stage=run.stage.label,
            cause=(*_names(used, copy), "build with --trace-inputs to see what it reads"),
            fixes=_fixes(subject, copy, run, used),
        )


class _Broad(msgspec.Struct, frozen=True):
    """A copy of many files of the context: path in the stage to path in the context."""

    step: BuiltStep
    files: dict[str, str]
    directories: frozenset[str]


def _broad(subject: Subject, step: BuiltStep) -> _Broad | None:
    if step.step.kind is not StepKind.COPY or not is_from_context(subject, step):
        return None
    listing, origins = listing_of(subject, step), origins_of(subject, step)
    if listing is None or origins is None:
        return None
    files = {}
    for path in layer_paths(listing):
        origin = origins.find(path)
        if origin is not None:
            files[path] = origin.path.lstrip("/")
    if len(files) < _LEAST_COPIED:
        return None
    return _Broad(step, files, frozenset(posixpath.dirname(path) for path in files))


def _manifests(run: BuiltStep) -> tuple[str, ...]:
    if not isinstance(run.instruction, Run):
        return ()
    found = (manager_of(words) for words in commands(script_of(run.instruction)))
    return tuple(name for manager in found if manager is not None for name in manager.manifests)


def _shown(run: BuiltStep) -> str:
    text = run.record.instruction.partition("\n")[0]
    return text if len(text) <= 60 else f"{text[:57]}..."


def _names(used: Sequence[str], copy: _Broad) -> tuple[str, ...]:
    if not used:
        return ()
    names = [copy.files[path] for path in used]
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return (f"it reads {', '.join(names[:4])}{more}",)


def _listed(looked: Sequence[str]) -> tuple[str, ...]:
    return (f"it also looked which files are in {looked[0]}",) if looked else ()


def _fixes(subject: Subject, copy: _Broad, run: BuiltStep, used: Sequence[str]) -> tuple[Fix, ...]:
    """Return the order in which the step does not depend on what it does not read."""
    instruction = copy.step.instruction
    first, last = copy.step.record, run.record
    between = [
        each
        for each in subject.fact(stage_steps)[run.stage.index]
        if first.line < each.record.line < last.line
    ]
    if not isinstance(instruction, Copy | Add) or between or instruction.heredocs:
        return advice(
            f"move line {first.line} below line {last.line}, and copy before it what it reads"
        )
    broad = text_of(subject, first.line, first.end_line)
    rest = text_of(subject, first.end_line + 1, last.end_line)
    lines = [*_copies(instruction, copy, used), rest, broad]
    return (Fix(FixKind.REPLACE, "\n".join(lines), first.line, last.end_line),)


def _copies(instruction: Instruction, copy: _Broad, used: Sequence[str]) -> Iterator[str]:
    """Yield COPY instructions for single files, one for each directory that they go to."""
    by_place: dict[str, list[str]] = {}
    for path in used:
        by_place.setdefault(posixpath.dirname(path), []).append(copy.files[path])
    flags = "".join(f"{flag} " for flag in instruction.flags if not flag.startswith("--exclude"))
    for place, names in by_place.items():
        yield f"{instruction.keyword} {flags}{' '.join(names)} {place.rstrip('/')}/"
