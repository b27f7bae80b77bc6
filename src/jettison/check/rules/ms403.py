"""MS403: virtual environments that lost their interpreter, or were moved.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from jettison.analysis.python.interpreters import Interpreter, interpreter_at
from jettison.analysis.python.lookup import lookup
from jettison.check.python.broken import BrokenVenv, broken_venvs
from jettison.check.python.fixes import copy_line, has_shell, put
from jettison.check.python.places import same_version, versions
from jettison.check.rule import Rule
from jettison.check.subject import Copied, Subject
from jettison.findings.finding import Finding, Fix, FixKind, Severity

_SHARED = {"", "/", "/usr"}
"""Prefixes that hold much else than Python."""


class MS403(Rule):
    r"""A virtual environment lost its interpreter, or was moved.

    ## What it does
    Finds virtual environments whose `bin/python` leads to an interpreter that stayed in another
    stage, and environments whose scripts name an interpreter at the path where they were made.

    ## Why is this bad
    A virtual environment has no Python of its own, but a link to one, and its scripts begin with
    `#!` and the path that it was made at. Without these the program does not start: "no such file
    or directory".

    ## Example
        FROM debian:bookworm-slim AS builder
        RUN apt-get update && apt-get install -y python3-venv && python3 -m venv /venv
        FROM debian:bookworm-slim
        COPY --from=builder /venv /venv
        CMD ["/venv/bin/python", "-m", "app"]

    ## Use instead
        FROM python:3.11-slim AS builder
        RUN python -m venv /venv
        FROM python:3.11-slim
        COPY --from=builder /venv /venv
        CMD ["/venv/bin/python", "-m", "app"]
    """

    id = "MS403"
    title = "Virtual environments have their interpreter, and are where they were made"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield one finding for each environment."""
        for broken in subject.fact(broken_venvs):
            copied = subject.copied(broken.config)
            yield (
                self._dangling(subject, broken, copied)
                if broken.dangling
                else self._moved(subject, broken, copied)
            )

    def _dangling(self, subject: Subject, broken: BrokenVenv, copied: Copied | None) -> Finding:
        one = broken.venv
        theirs = _interpreter_of(subject, broken, copied)
        have = versions(subject.image)
        cause = []
        if theirs is not None and copied is not None:
            where = f"stage `{copied.name}` has Python {theirs.version} at {broken.dangling}"
            cause.append(where)
        cause.append(
            f"the image has Python {', '.join(have)}" if have else "the image has no Python"
        )
        return self.finding(
            Severity.ERROR if broken.is_sure else Severity.WARNING,
            f"{one.program} leads to {broken.dangling}, which is not in the image",
            span=copied.span if copied else subject.span_of(broken.config),
            path=one.program,
            stage=subject.final.label,
            cause=tuple(cause),
            fixes=tuple(_dangling_fixes(subject, broken, copied, theirs)),
        )

    def _moved(self, subject: Subject, broken: BrokenVenv, copied: Copied | None) -> Finding:
        first = next(iter(broken.stale))
        if broken.use is not None:
            first = broken.use.via or broken.use.path
        named = broken.stale.get(first, "")
        others = len(broken.stale) - 1
        more = f", and {others} more scripts" if others else ""
        made = posixpath.dirname(posixpath.dirname(named))
        cause = [f"the environment was made at {made}, and is at {broken.venv.path}"]
        if copied is not None:
            cause.append(f"copied from {posixpath.dirname(copied.source)} of `{copied.name}`")
        unused = Severity.WARNING if broken.use is not None else Severity.NOTE
        return self.finding(
            Severity.ERROR if broken.is_sure else unused,
            f"{first} begins with `#!{named}`, which is not in the image{more}",
            span=copied.span if copied else subject.span_of(broken.config),
            path=first,
            stage=subject.final.label,
            cause=tuple(cause),
            fixes=tuple(_moved_fixes(subject, broken, copied, made)),
        )


def _interpreter_of(
    subject: Subject, broken: BrokenVenv, copied: Copied | None
) -> Interpreter | None:
    """Return the interpreter that stayed behind."""
    root = subject.stage(copied.stage) if copied is not None and copied.stage >= 0 else None
    return interpreter_at(root.fact(lookup), broken.dangling) if root is not None else None


def _dangling_fixes(
    subject: Subject, broken: BrokenVenv, copied: Copied | None, theirs: Interpreter | None
) -> Iterator[Fix]:
    one = broken.venv
    line = copied.end_line if copied is not None else 0
    version = one.version or (theirs.version if theirs is not None else "")
    ours = same_version(subject.image, version) if version else None
    if ours is not None and has_shell(subject):
        directory = posixpath.dirname(broken.dangling)
        make = (
            "" if subject.image.fact(lookup).directory(directory) else f"mkdir -p {directory} && "
        )
        yield put(subject, f"RUN {make}ln -s {ours.path} {broken.dangling}", line)
    if theirs is not None and copied is not None and theirs.prefix not in _SHARED:
        yield put(subject, copy_line(copied.name, theirs.prefix, theirs.prefix), line)
    where = f"Python {version}" if version else "its Python"
    yield Fix(
        FixKind.ADVICE,
        f"make {one.path} with {where} of the base image of the last stage, at the same path",
    )


def _moved_fixes(
    subject: Subject, broken: BrokenVenv, copied: Copied | None, made: str
) -> Iterator[Fix]:
    line = copied.end_line if copied is not None else 0
    look = subject.image.fact(lookup)
    if made and made != "/" and not look.has(made):
        if has_shell(subject):
            above = posixpath.dirname(made)
            make = "" if look.directory(above) is not None else f"mkdir -p {above} && "
            yield put(subject, f"RUN {make}ln -s {broken.venv.path} {made}", line)
        elif copied is not None:
            yield put(subject, copy_line(copied.name, made, made), line)
    yield Fix(FixKind.ADVICE, f"make the environment at {broken.venv.path}, where it is used")
