"""Which colour a stage and what a base image brought have: names of classes of ``report.css``.

In:  stages and origins of a ``Report``.
Out: names of classes: ``s0`` to ``s7`` for stages, and greys, ``b0`` to ``b2``, for files that no
     step of the build made.
"""

from __future__ import annotations

from collections.abc import Sequence

from jettison.report.contents import Origin

STAGES = 8
"""How many colours there are; text says the stage wherever a colour does."""

BASES = 3


def of_stage(index: int) -> str:
    """Return the class of what a stage made."""
    return f"s{index % STAGES}"


def of_origins(origins: Sequence[Origin]) -> tuple[str, ...]:
    """Return the class of each origin, in order."""
    classes: list[str] = []
    bases = 0
    for origin in origins:
        if origin.base:
            classes.append(f"b{bases % BASES}")
            bases += 1
        else:
            classes.append(of_stage(origin.stage))
    return tuple(classes)
