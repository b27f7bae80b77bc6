"""Stages that were not built, and the tests in them that did not run therefore.

In:  the trace of a build.
Out: ``SkippedStage`` values in file order.
"""

from __future__ import annotations

from jettison.frontend.dockerfile.commands import is_test
from jettison.why.explanation import SkippedStage, SkippedTest
from jettison.why.trace import StageTrace, Trace


def skipped_stages(trace: Trace) -> tuple[SkippedStage, ...]:
    """Return the stages that were not needed."""
    return tuple(
        SkippedStage(stage.name or str(stage.index), stage.line, _tests(stage))
        for stage in trace.stages
        if stage.index >= 0 and not stage.needed
    )


def _tests(stage: StageTrace) -> tuple[SkippedTest, ...]:
    return tuple(
        SkippedTest(each.line, each.text.partition("\n")[0])
        for each in stage.instructions
        if each.kind == "RUN" and is_test(each.text)
    )
