"""Coverage that is not measured for a while."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unmeasured(*, when: bool) -> Iterator[None]:
    """Measure nothing in the block, if anything is measured at all."""
    coverage = sys.modules.get("coverage")
    measured = coverage.Coverage.current() if coverage is not None and when else None
    if measured is not None:
        measured.stop()
    yield
    if measured is not None:
        measured.start()
