"""MS704: variables that are another in each build, above what takes long.

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
from jettison.errors import Span
from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.frontend.dockerfile.syntax import Env, Instruction, Run

_VOLATILE = re.compile(
    r"(?i)(?:^|_)(?:date|time|timestamp|commit|sha|revision|git_(?:sha|rev|ref)|build_?(?:id|number|no)"
    r"|ci_\w+)(?:_|$)"
)
_LEAST_SECONDS = 0.5


class MS704(Rule):
    r"""Variables that are another in each build, above what takes long.

    ## What it does
    Finds ENV with the name of a commit, a date or a number of a build whose value comes from an
    argument, where the RUN instructions below that do not use it took half a second or more.

    ## Why is this bad
    Each build has another value, so that nothing below is ever found in the cache.

    ## Example
        FROM busybox
        ARG GIT_SHA=0
        ENV GIT_SHA=$GIT_SHA
        RUN sleep 2
        CMD ["env"]

    ## Use instead
        FROM busybox
        RUN sleep 2
        ARG GIT_SHA=0
        ENV GIT_SHA=$GIT_SHA
        CMD ["env"]
    """

    id = "MS704"
    title = "What each build changes comes last"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield variables of that kind with what runs below them."""
        for index, steps in subject.fact(stage_steps).items():
            lines = {step.record.line: step for step in steps}
            body = instructions_of(subject, index)
            for place, env in enumerate(body):
                if isinstance(env, Env):
                    yield from self._too_early(subject, env, body[place + 1 :], lines)

    def _too_early(
        self,
        subject: Subject,
        env: Env,
        below: Sequence[Instruction],
        lines: dict[int, BuiltStep],
    ) -> Iterable[Finding]:
        names = [pair.key for pair in env.pairs if _VOLATILE.search(pair.key) and "$" in pair.value]
        if not names:
            return
        used = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in names))
        runs = [each for each in below if isinstance(each, Run)]
        if any(used.search(each.original) for each in below):
            return
        took = [lines[each.span.line] for each in runs if each.span.line in lines]
        total = sum(step.seconds for step in took)
        if total < _LEAST_SECONDS:
            return
        yield self.finding(
            Severity.NOTE,
            f"`{names[0]}` is another in each build, and what is below runs again each time"
            f" ({seconds(total)})",
            span=env.span,
            stage=took[0].stage.label,
            cause=tuple(
                f"line {step.record.line} took {seconds(step.seconds)}" for step in took[:3]
            ),
            fixes=_moved_down(subject, env.span, runs[-1].span),
        )


def _moved_down(subject: Subject, span: Span, last: Span) -> tuple[Fix, ...]:
    end, bottom = max(span.line, span.end_line), max(last.line, last.end_line)
    text = text_of(subject, end + 1, bottom) + "\n" + text_of(subject, span.line, end)
    return (Fix(FixKind.REPLACE, text, span.line, bottom),)
