"""The size table: what each stage weighed, what of it ships, what was left behind.

In:  a ``Report``.
Out: lines of text: the short form of the report, which ``--sizes`` shows.
"""

from __future__ import annotations

from jettison.console.plain import size
from jettison.console.table import lay_out
from jettison.report.model import Report, Stage


def size_table(report: Report, columns: int = 0) -> str:
    """Return the table as lines of text, ending in a newline.

    Args:
        report: It.
        columns: Cells of a line; 0 for any number.
    """
    rows = [("STAGE", "BASE", "SIZE", "REACHED THE IMAGE", "LEFT BEHIND")]
    rows += [_row(stage) for stage in report.stages]
    lines = [lay_out(rows, right=(2, 3, 4), gap=2, most=columns)]
    lines.append(f"image with multi-stage:    {size(report.image.shipped)}")
    other = report.counterfactual
    if other is not None:
        share = 100 * max(0.0, other.saving)
        lines.append(
            f"image without multi-stage: {size(other.bytes)} ({share:.0f} % is left behind)"
        )
    return "\n".join(lines) + "\n"


def _row(stage: Stage) -> tuple[str, str, str, str, str]:
    """Return a row: here the base image counts, too, which the stage did not add."""
    if not stage.used:
        return (stage.name, stage.base.ref, "-", "-", "not needed, not built")
    name = f"{stage.name} (final)" if stage.final else stage.name
    reached = stage.bytes if stage.final else stage.reached + stage.reached_base
    left = stage.bytes - reached
    return (name, stage.base.ref, size(stage.bytes), size(reached), size(max(0, left)))
