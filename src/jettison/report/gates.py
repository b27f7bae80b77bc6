"""Gates: whether a build keeps its limits, and what to look at first if it does not.

In:  a ``Report``, ``Limits``.
Out: a ``Budget``; the error that a failed one is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from jettison.console.plain import size
from jettison.errors import (
    EfficiencyGateError,
    ForbiddenGateError,
    GateError,
    GrowthGateError,
    SizeGateError,
    UserGateError,
    WasteGateError,
)
from jettison.report.limits import FORBIDDEN, Limit, Limits
from jettison.report.model import Report
from jettison.report.verdict import Budget, Cause, Gate
from jettison.report.words import change, count, percent, some

_CAUSES = 3
_PATHS = 3

Judgement = tuple[str, bool, Iterable[Cause]]
"""What was found, whether it keeps the limit, what it is made of with the largest first."""


def judge(report: Report, limits: Limits) -> Budget:
    """Return what became of each limit."""
    gates = tuple(_gate(report, each) for each in limits.limits.values())
    most = limits.limits.get("max-size")
    return Budget(
        ok=all(each.ok for each in gates),
        size=most.amount.bytes if most is not None else None,
        gates=gates,
    )


def failure(budget: Budget) -> GateError | None:
    """Return the error of a budget that is not kept: that of the first gate that failed."""
    failed = [gate for gate in budget.gates if not gate.ok]
    if not failed:
        return None
    lines = []
    for gate in failed:
        lines.append(f"{gate.name} {gate.limit} ({gate.source}): {gate.value}")
        lines += [f"  {cause_text(cause)}" for cause in gate.causes]
    first = min(failed, key=lambda gate: _ORDER.index(_ERRORS[gate.name]))
    number = count(len(failed), "limit is", "limits are")
    return _ERRORS[first.name](
        f"{number} not kept, nothing was tagged or pushed\n" + "\n".join(lines),
        hint="see all with `--report=full`; the result is in the cache",
    )


def cause_text(cause: Cause) -> str:
    """Return a cause in a line."""
    return cause.text if cause.bytes is None else f"{size(cause.bytes):>8}  {cause.text}"


def _gate(report: Report, limit: Limit) -> Gate:
    value, ok, causes = _JUDGES[limit.name](report, limit)
    first = () if ok else tuple(causes)[:_CAUSES]
    return Gate(limit.name, limit.text, value, ok, limit.source, first)


def _max_size(report: Report, limit: Limit) -> Judgement:
    shipped = report.image.shipped
    return size(shipped), shipped <= _bytes(limit, shipped), _largest(report)


def _largest(report: Report) -> list[Cause]:
    """Return the layers, the largest first; a base image counts as one."""
    layers = report.image.layers
    causes = [
        Cause(f"line {each.line}: {each.instruction}", each.bytes)
        for each in layers
        if not each.base
    ]
    base = sum(each.bytes for each in layers if each.base)
    if base:
        name = next((each.base.ref for each in report.stages if each.final), "")
        causes.append(Cause(f"base image {name}".rstrip(), base))
    return sorted(causes, key=lambda each: -(each.bytes or 0))


def _max_growth(report: Report, limit: Limit) -> Judgement:
    baseline = report.baseline
    if baseline is None:
        return "there is no build to compare with", True, ()
    most = _bytes(limit, baseline.shipped)
    grown = baseline.delta.shipped
    share = f" ({percent(grown / baseline.shipped)})" if baseline.shipped and grown > 0 else ""
    value = f"{change(grown)}{share} against {baseline.ref}"
    return value, grown <= most, _grown(report)


def _grown(report: Report) -> list[Cause]:
    """Return the layers that are not those of the baseline, the largest first."""
    known = set(report.baseline.layers) if report.baseline is not None else set()
    new = [
        Cause(f"line {each.line}: {each.instruction}" if each.line else "base image", each.bytes)
        for each in report.image.layers
        if each.diff_id not in known
    ]
    return sorted(new, key=lambda each: -(each.bytes or 0)) or _largest(report)


def _max_wasted(report: Report, limit: Limit) -> Judgement:
    wasted = report.image.wasted
    return size(wasted), wasted <= _bytes(limit, report.image.shipped), _wasted(report)


def _wasted(report: Report) -> list[Cause]:
    return [
        Cause(
            f"{each.path}: {each.cause}, shipped by {_where(each.introduced, each.introduced_line)}"
            f", hidden by {_where(each.hidden_by, each.hidden_by_line)}",
            each.bytes,
        )
        for each in sorted(report.waste, key=lambda each: -each.bytes)
    ]


def _where(step: str, line: int) -> str:
    return f"line {line}" if line else step or "the base image"


def _max_user_wasted(report: Report, limit: Limit) -> Judgement:
    own = sum(each.bytes for each in report.image.layers if not each.base)
    share = report.image.wasted / own if own else 0.0
    return percent(share), share <= (limit.amount.share or 0.0), _wasted(report)


def _lowest_efficiency(report: Report, limit: Limit) -> Judgement:
    share = report.image.efficiency
    return percent(share), share >= (limit.amount.share or 0.0), _wasted(report)


def _forbid(report: Report, limit: Limit) -> Judgement:
    surface = report.surface.after if report.surface is not None else None
    if surface is None:
        return "the files of the image are not known", False, ()
    found = []
    for kind in limit.kinds:
        field = FORBIDDEN[kind]
        number = getattr(surface, field)
        if number:
            paths = surface.paths.get(field, ())[:_PATHS]
            found.append(
                (number, kind, Cause(f"{kind}: {some(paths, _PATHS, number - len(paths))}"))
            )
    found.sort(key=lambda each: -each[0])
    value = ", ".join(f"{number} {kind}" for number, kind, _ in found) or "none of these"
    return value, not found, [cause for _, _, cause in found]


def _require_user(report: Report, _limit: Limit) -> Judgement:
    user = report.image.user
    name = user.partition(":")[0]
    is_root = name in {"", "root"} or (name.isdecimal() and int(name) == 0)
    final = next((each.name for each in report.stages if each.final), "the last stage")
    said = f"USER {user}" if user else "no USER"
    causes = [Cause(f"add `USER 65532:65532` to the end of {final}")]
    return f"{said}, so it runs as root" if is_root else said, not is_root, causes


def _bytes(limit: Limit, whole: int) -> int:
    """Return the bytes of a limit that may be a share of a whole."""
    if limit.amount.bytes is not None:
        return limit.amount.bytes
    return int((limit.amount.share or 0.0) * whole)


_JUDGES: dict[str, Callable[[Report, Limit], Judgement]] = {
    "max-size": _max_size,
    "max-growth": _max_growth,
    "max-wasted": _max_wasted,
    "forbid": _forbid,
    "require-user": _require_user,
    "lowest-efficiency": _lowest_efficiency,
    "max-user-wasted": _max_user_wasted,
}
_ERRORS: dict[str, type[GateError]] = {
    "max-size": SizeGateError,
    "max-growth": GrowthGateError,
    "max-wasted": WasteGateError,
    "forbid": ForbiddenGateError,
    "require-user": UserGateError,
    "lowest-efficiency": EfficiencyGateError,
    "max-user-wasted": EfficiencyGateError,
}
_ORDER = (
    SizeGateError,
    GrowthGateError,
    WasteGateError,
    ForbiddenGateError,
    UserGateError,
    EfficiencyGateError,
)
