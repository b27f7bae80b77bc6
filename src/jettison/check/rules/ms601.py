"""MS601: bytes that the image ships and does not show.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jettison.analysis.waste import Cause, WasteGroup, waste_groups, wasted_files
from jettison.check.edits import with_flags
from jettison.check.rule import Rule
from jettison.check.steps import BuiltStep, image_steps
from jettison.check.subject import Subject
from jettison.check.units import MEGABYTE, counted, size
from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.syntax import Add, Copy, Run

_SHARE = 0.05
_OWNER = r"\bchown\s+(?:-[Rh]+\s+|--recursive\s+)*([\w.-]+(?::[\w.-]*)?|:[\w.-]+)\s+(/\S*)\s*$"


class MS601(Rule):
    r"""Bytes that the image ships and does not show.

    ## What it does
    Finds files that one instruction put into the image and a later one replaced, removed, moved
    or gave another owner or mode, from 1 MB on and a twentieth of the image. It names both lines.

    ## Why is this bad
    Layers are never made smaller: what is removed or changed later is pulled all the same.

    ## Example
        FROM busybox
        RUN head -c 2000000 /dev/urandom > /data
        RUN chmod 600 /data

    ## Use instead
        FROM busybox
        RUN head -c 2000000 /dev/urandom > /data && chmod 600 /data
    """

    id = "MS601"
    title = "What an image ships, it shows"
    hadolint = frozenset({"DL3059"})

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield what is hidden, by the lines that put it there and hid it."""
        files = subject.provenance.image
        if not files.is_complete:
            return
        shown = files.visible
        lost = [each for each in wasted_files(shown) if not files.layers[each.hidden_by].is_base]
        if not lost:
            return
        shipped = sum(sum(each.sizes) for each in shown.layers)
        steps = {step.position: step for step in subject.fact(image_steps) if step.position >= 0}
        for group in waste_groups(lost):
            by = steps.get(group.hidden_by)
            if by is None or group.bytes < max(MEGABYTE, _SHARE * shipped):
                continue
            below = steps.get(group.introduced)
            yield self.finding(
                Severity.WARNING,
                f"{size(group.bytes)} are shipped and not seen: {_what(group)}",
                span=by.span,
                path=group.path,
                stage=by.stage.label,
                cause=(_origin(group, below, subject),),
                fixes=_fixes(subject, group, below, by),
            )


def _what(group: WasteGroup) -> str:
    files = counted(group.files, "file")
    match group.cause:
        case Cause.METADATA:
            return f"another owner or mode makes a second copy of {files}"
        case Cause.DELETE:
            return f"{files} of an earlier layer {'is' if group.files == 1 else 'are'} removed"
        case Cause.MOVE:
            return f"{files} of an earlier layer {'is' if group.files == 1 else 'are'} moved"
        case Cause.REWRITE:
            return f"{files} of an earlier layer {'is' if group.files == 1 else 'are'} replaced"


def _origin(group: WasteGroup, below: BuiltStep | None, subject: Subject) -> str:
    layer = subject.provenance.image.layers[group.introduced]
    if below is None or layer.is_base:
        return f"`{group.path}` is in the base image"
    return f"`{group.path}` is from line {below.record.line}: {below.record.instruction[:60]}"


def _fixes(
    subject: Subject, group: WasteGroup, below: BuiltStep | None, by: BuiltStep
) -> tuple[Fix, ...]:
    if below is None or below.instruction is None or by.instruction is None:
        return advice("leave the files of the base as they are, or use another base")
    if group.cause is Cause.METADATA and isinstance(below.instruction, Copy | Add):
        match = re.search(_OWNER, by.record.instruction)
        if match is not None and not below.instruction.chown:
            change = with_flags(subject, below, f"--chown={match[1]}")
            return change + advice(f"and remove line {by.record.line}")
        return advice(f"give line {below.record.line} --chown or --chmod")
    joined = below.instruction, by.instruction
    if by.position == below.position + 1 and _are_plain(*joined):
        one, other = (each.original.partition(" ")[2].strip() for each in joined)
        text = f"RUN {one} \\\n && {other}"
        return (Fix(FixKind.REPLACE, text, below.record.line, by.record.end_line),)
    if group.cause is Cause.DELETE:
        return advice(f"remove it in line {below.record.line}, or make it in a stage of its own")
    return advice(f"do it in line {below.record.line}, or in a stage of its own")


def _are_plain(*instructions: object) -> bool:
    """Tell whether instructions are shell commands that one RUN can have."""
    return all(
        isinstance(each, Run)
        and not each.command.is_json
        and not each.heredocs
        and not each.flags
        and "#" not in each.original
        for each in instructions
    )
