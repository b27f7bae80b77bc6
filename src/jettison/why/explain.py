"""Why the steps of a build ran: one root cause for each, said once.

In:  the trace of a build, those of earlier builds, what digests in keys are of.
Out: ``Explanation``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from jettison.copier.manifest import Find
from jettison.why.compare import Comparison
from jettison.why.explanation import (
    MAX_FILES,
    Explanation,
    RootCause,
    StepReason,
)
from jettison.why.finding import Finding
from jettison.why.fixes import fix_of
from jettison.why.skipped import skipped_stages
from jettison.why.trace import StepTrace, Trace


class Build(msgspec.Struct, frozen=True):
    """A build: its trace, when it ended (nanoseconds since the epoch), the id of its image."""

    trace: Trace
    built_ns: int
    image: str = ""


def explain(build: Build, earlier: Sequence[Build], find: Find) -> Explanation:
    """Explain a build.

    Args:
        build: It.
        earlier: Builds of the same project before it, the last one first.
        find: What raw digests in keys are of.
    """
    now = build.trace
    reference = _reference(now, earlier)
    finder = _Finder(now, reference.trace if reference is not None else None, earlier, find)
    ran = [step for step in now.steps if step.has_run]
    reasons = {step.vertex: finder.reasons(step) for step in ran}
    roots = _roots(ran, reasons, now, find)
    indexes = {key: index for index, (key, _) in enumerate(roots)}
    return Explanation(
        image=build.image,
        target=now.target,
        platform=now.platform,
        built_ns=build.built_ns,
        compared_ns=reference.built_ns if reference is not None else 0,
        cached=sum(step.outcome == "cached" for step in now.steps),
        roots=tuple(root for _, root in roots),
        steps=tuple(_reason(step, reasons[step.vertex], indexes) for step in ran),
        skipped=skipped_stages(now),
    )


class _Finder:
    """Finds the reasons of steps, whatever there is to compare with."""

    def __init__(
        self, now: Trace, then: Trace | None, earlier: Sequence[Build], find: Find
    ) -> None:
        self._now = now
        self._then = then
        known = {
            step.key
            for each in earlier
            for step in each.trace.steps
            if step.key and step.outcome in {"ran", "cached"}
        }
        self._comparison = None
        if then is not None and then.key_version == now.key_version:
            self._comparison = Comparison(now, then, find, known)

    def reasons(self, step: StepTrace) -> list[Finding]:
        if step.forced and self._now.no_cache:
            text = f"`{self._now.no_cache}` was given"
            return [Finding("no-cache", text, step.vertex, subject=self._now.no_cache)]
        if self._then is None:
            text = "no earlier build of it is known here: the first one, or one of another machine"
            return [Finding("first-build", text, step.vertex)]
        if self._comparison is None:
            before, after = self._then.key_version, self._now.key_version
            text = "another version of Jettison made the keys of the earlier build"
            return [Finding("key-format", text, step.vertex, 0, "", before, after)]
        if self._then.platform != self._now.platform:
            before, after = self._then.platform, self._now.platform
            text = f"the platform is another: {before} → {after}"
            return [Finding("platform", text, step.vertex, 0, "--platform", before, after)]
        return self._comparison.reasons(step.vertex)


def _reference(now: Trace, earlier: Sequence[Build]) -> Build | None:
    """Return the build to compare with: that which has most in common, the last of these."""
    keys = {step.key for step in now.steps if step.key}

    def score(index: int) -> tuple[bool, bool, int, bool, int]:
        then = earlier[index].trace
        shared = len(keys & {step.key for step in then.steps})
        return (
            then.key_version == now.key_version,
            then.platform == now.platform,
            shared,
            then.target == now.target,
            -index,
        )

    best = max(range(len(earlier)), key=score, default=None)
    return earlier[best] if best is not None else None


def _roots(
    ran: Sequence[StepTrace],
    reasons: Mapping[str, Sequence[Finding]],
    now: Trace,
    find: Find,
) -> list[tuple[tuple[str, ...], RootCause]]:
    """Return each root cause with its steps, the dearest first."""
    found: dict[tuple[str, ...], Finding] = {}
    affected: dict[tuple[str, ...], list[StepTrace]] = {}
    for step in ran:
        for finding in reasons[step.vertex]:
            found.setdefault(finding.key, finding)
            affected.setdefault(finding.key, [])
        affected[reasons[step.vertex][0].key].append(step)
    names = now.by_vertex()
    roots = []
    for key, finding in found.items():
        steps = affected[key]
        strikes = names.get(finding.vertex)
        root = RootCause(
            cause=finding.cause,
            text=finding.text,
            step=finding.vertex,
            name=strikes.name if strikes is not None else "",
            line=finding.line,
            subject=finding.subject,
            before=finding.before,
            after=finding.after,
            files=finding.files[:MAX_FILES],
            file_count=len(finding.files),
            steps=tuple(step.vertex for step in steps),
            cost_ns=sum(step.duration_ns for step in steps),
            fix=fix_of(finding, steps, now, find),
        )
        roots.append((key, root))
    order = {key: index for index, key in enumerate(found)}
    return sorted(roots, key=lambda each: (-each[1].cost_ns, order[each[0]]))


def _reason(
    step: StepTrace, findings: Sequence[Finding], indexes: Mapping[tuple[str, ...], int]
) -> StepReason:
    first, *others = (indexes[finding.key] for finding in findings)
    return StepReason(
        vertex=step.vertex,
        name=step.name,
        line=step.line,
        duration_ns=step.duration_ns,
        failed=step.outcome == "failed",
        root=first,
        direct=findings[0].vertex == step.vertex,
        also=tuple(dict.fromkeys(each for each in others if each != first)),
    )
