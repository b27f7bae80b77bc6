"""MS703: arguments that are declared long before they are used.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from jettison.check.edits import text_of
from jettison.check.rule import Rule
from jettison.check.steps import BuiltStep, instructions_of, stage_steps
from jettison.check.subject import Subject
from jettison.check.units import seconds
from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.frontend.dockerfile.syntax import Add, Arg, Copy, Heredoc, Instruction, Run

_LEAST_SECONDS = 0.5


class MS703(Rule):
    r"""Arguments that are declared long before they are used.

    ## What it does
    Finds an ARG with RUN instructions between it and the first instruction that uses it, which
    took half a second or more when they ran.

    ## Why is this bad
    Every RUN below an ARG sees it, so that another value, as each commit has, runs all of them
    again.

    ## Example
        FROM busybox
        ARG COMMIT
        RUN sleep 2
        RUN echo "$COMMIT" > /commit

    ## Use instead
        FROM busybox
        RUN sleep 2
        ARG COMMIT
        RUN echo "$COMMIT" > /commit
    """

    id = "MS703"
    title = "Arguments are declared where they are needed"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield arguments that steps see which do not use them."""
        for index, steps in subject.fact(stage_steps).items():
            lines = {step.record.line: step for step in steps}
            body = instructions_of(subject, index)
            for place, arg in enumerate(body):
                if isinstance(arg, Arg):
                    yield from self._too_early(subject, arg, body[place + 1 :], lines)

    def _too_early(
        self,
        subject: Subject,
        arg: Arg,
        below: Sequence[Instruction],
        lines: dict[int, BuiltStep],
    ) -> Iterable[Finding]:
        names = "|".join(re.escape(item.key) for item in arg.items)
        between: list[BuiltStep] = []
        first: Instruction | None = None
        for instruction in below:
            texts = [instruction.original, *(each.content for each in _heredocs(instruction))]
            if any(re.search(rf"\$\{{?(?:{names})\b|\b(?:{names})\b", text) for text in texts):
                first = instruction
                break
            step = lines.get(instruction.span.line)
            if step is not None and isinstance(instruction, Run):
                between.append(step)
        took = sum(step.seconds for step in between)
        if first is None or took < _LEAST_SECONDS:
            return
        name = arg.items[0].key
        where = f"line {between[0].record.line}"
        if len(between) > 1:
            where = f"lines {between[0].record.line} to {between[-1].record.line}"
        # What stands above the first use moves up, and the argument comes behind it.
        last = first.span.line - 1 - len(first.comments)
        start = max(arg.span.line, arg.span.end_line) + 1
        text = text_of(subject, start, last) + "\n" + text_of(subject, arg.span.line, start - 1)
        yield self.finding(
            Severity.NOTE,
            f"another value of `{name}` runs {where} again, which do not use it ({seconds(took)})",
            span=arg.span,
            stage=between[0].stage.label,
            cause=(f"`{name}` is used at line {first.span.line} first",),
            fixes=(Fix(FixKind.REPLACE, text, arg.span.line, last),),
        )


def _heredocs(instruction: Instruction) -> tuple[Heredoc, ...]:
    return instruction.heredocs if isinstance(instruction, Run | Copy | Add) else ()
