"""MS505: programs that take over another user's rights were added.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable

from jettison.check.layer_facts import Marks
from jettison.check.layers import (
    OwnEntry,
    is_system,
    mode_below,
    own_entries,
    shown_entries,
    span_of_layer,
)
from jettison.check.rule import Rule
from jettison.check.rules.ms507 import runs_as_root
from jettison.check.subject import Subject
from jettison.check.written import (
    at_line,
    insertion,
    listed,
    quoted,
    replacement,
    text_of,
    with_flag,
)
from jettison.errors import Span
from jettison.findings.finding import Finding, Fix, Severity
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.syntax import Add, Copy

_SET_ID = 0o6000
_EXECUTE = 0o111


class MS505(Rule):
    r"""Set-user-ID programs were added.

    ## What it does
    Finds programs with the set-user-ID or set-group-ID bit that the build added, or gave the bit:
    those of the base image do not count. An image that runs as another user than root gets one
    note with the number of all that it has.

    ## Why is this bad
    Whoever runs such a program has the rights of its owner, mostly root's: a fault in it undoes
    USER.

    ## Example
        FROM debian:bookworm-slim
        COPY --chmod=4755 helper /usr/local/bin/helper
        USER 65532

    ## Use instead
        FROM debian:bookworm-slim
        COPY --chmod=0755 helper /usr/local/bin/helper
        USER 65532
    """

    id = "MS505"
    title = "The build adds no set-user-ID programs"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a warning for each instruction that added some, and a note about inherited ones."""
        added: dict[int, list[OwnEntry]] = {}
        for entry in own_entries(subject, _SET):
            if not _was_set(subject, entry):
                added.setdefault(entry.position, []).append(entry)
        for position in list(added):
            if is_system(subject, position):
                del added[position]
        for position, entries in added.items():
            yield self._added(subject, position, entries)
        yield from self._inherited(
            subject, {each.path for found in added.values() for each in found}
        )

    def _added(self, subject: Subject, position: int, entries: list[OwnEntry]) -> Finding:
        paths = [each.path for each in entries]
        count = "a set-ID program" if len(paths) == 1 else f"{len(paths)} set-ID programs"
        span = span_of_layer(subject, position)
        return self.finding(
            Severity.WARNING,
            f"this adds {count}: {listed(paths)}",
            span=span,
            path=paths[0],
            stage=subject.final.label,
            fixes=mode_fixes(subject, span, f"chmod ug-s {quoted(paths)}", "0755"),
        )

    def _inherited(self, subject: Subject, added: set[str]) -> Iterable[Finding]:
        if runs_as_root(subject.config):
            return
        entries = shown_entries(subject, _SET)
        paths = [each.path for each in entries if each.path not in added]
        if paths:
            yield self.finding(
                Severity.NOTE,
                f"the image does not run as root, but inherits {len(paths)} set-ID programs:"
                f" {listed(paths)}",
                stage=subject.final.label,
                fixes=advice("take the bits away in a stage of your own, or use a smaller base"),
            )


def mode_fixes(subject: Subject, span: Span | None, command: str, mode: str) -> tuple[Fix, ...]:
    """Return what gives files other modes.

    Args:
        subject: The image.
        span: The instruction that gave them theirs.
        command: What a RUN behind it does.
        mode: What a COPY that gives modes says instead.
    """
    if span is None:
        return advice(command)
    instruction = at_line(subject.record, span.line)
    if isinstance(instruction, Copy | Add) and not instruction.chmod:
        has_shell = subject.image.files.find("/bin/sh") is not None
        if len(instruction.sources) == 1 and not has_shell:
            return (with_flag(subject.record, instruction, f"--chmod={mode}"),)
    if isinstance(instruction, Copy | Add) and instruction.chmod:
        text = text_of(subject.record, instruction.span)
        edited = text.replace(f"--chmod={instruction.chmod}", f"--chmod={mode}", 1)
        return (replacement(instruction.span, edited),)
    return (insertion(max(span.line, span.end_line), f"RUN {command}"),)


def _is_set(mode: int) -> bool:
    return stat.S_ISREG(mode) and bool(mode & _SET_ID) and bool(mode & _EXECUTE)


_SET = Marks("set-ID 1", lambda _path, mode: _is_set(mode))


def _was_set(subject: Subject, entry: OwnEntry) -> bool:
    below = mode_below(subject, entry.path, entry.position)
    return _is_set(below) and not entry.mode & _SET_ID & ~below
