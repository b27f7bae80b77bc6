"""What a build came to, before anything is said of it.

In:  nothing.
Out: ``Outcome``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from jettison.plan.graph import Plan
from jettison.solver.result import Solution
from jettison.store.image import StoredImage

if TYPE_CHECKING:
    from jettison.why.explanation import Explanation

Solve = Callable[[Plan], Solution]
"""Solves another plan of the same build."""


class Outcome(msgspec.Struct, frozen=True):
    """What a build came to.

    Args:
        solution: The solved plan; its record is kept.
        image: What was made of it.
        seconds: How long that took.
        explanation: Why its steps ran, if that is known.
        reports: Whether a report is wanted.
        platform: Of the image, if another one is the main one.
    """

    solution: Solution
    image: StoredImage
    seconds: float
    explanation: Explanation | None
    reports: bool
    platform: str = ""
