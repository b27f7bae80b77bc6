"""The size table: what each stage weighed, what of it ships, what was left behind."""

from __future__ import annotations

from jettison.api.request import BuildResult, StageReport
from jettison.console.plain import size
from jettison.console.table import lay_out


def size_table(result: BuildResult) -> str:
    """Return the table as lines of text, ending in a newline."""
    rows = [("STAGE", "BASE", "SIZE", "REACHED THE IMAGE", "LEFT BEHIND")]
    rows += [_row(stage) for stage in result.stages]
    lines = [lay_out(rows, right=(2, 3, 4), gap=2)]
    lines += _totals(result)
    return "\n".join(lines) + "\n"


def _row(stage: StageReport) -> tuple[str, str, str, str, str]:
    if not stage.needed:
        return (stage.name, stage.base, "-", "-", "not needed, not built")
    if stage.final:
        return (
            f"{stage.name} (final)",
            stage.base,
            size(stage.size_bytes),
            size(stage.size_bytes),
            size(0),
        )
    left = max(0, stage.size_bytes - stage.shipped_bytes)
    return (stage.name, stage.base, size(stage.size_bytes), size(stage.shipped_bytes), size(left))


def _totals(result: BuildResult) -> list[str]:
    final = next((stage for stage in result.stages if stage.final), None)
    if final is None:
        return []
    others = [stage for stage in result.stages if stage.needed and not stage.final]
    largest = max(others, key=lambda stage: stage.size_bytes, default=None)
    lines = [f"image with multi-stage:    {size(final.size_bytes)}"]
    if largest is not None:
        # One stage would ship the builder's files and everything the final stage adds.
        single = largest.size_bytes + max(0, final.own_bytes - largest.shipped_bytes)
        share = max(0.0, 100 * (1 - final.size_bytes / single)) if single else 0.0
        lines.append(f"image without multi-stage: {size(single)} ({share:.0f} % is left behind)")
    return lines
