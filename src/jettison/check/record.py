"""The record of a build as rules see it.

In:  a ``BuildRecord``.
Out: one without what is another in each build, though nothing depends on it.
"""

from __future__ import annotations

import msgspec

from jettison.provenance.record import BuildRecord, StepKind

SLOW_NS = 500_000_000
"""Of steps that took less than that together nothing is said about caches."""


def without_times(record: BuildRecord) -> BuildRecord:
    """Return a record as rules see it.

    They know how long each RUN took if that was long, no other duration, and not when anything was
    made: all that is another in each build, and nothing depends on it.
    """
    runs = [each.duration_ns for each in record.steps if each.kind is StepKind.RUN]
    is_slow = sum(runs) >= SLOW_NS
    steps = tuple(
        msgspec.structs.replace(
            each,
            created_ns=0,
            duration_ns=each.duration_ns if is_slow and each.kind is StepKind.RUN else 0,
        )
        for each in record.steps
    )
    return msgspec.structs.replace(record, steps=steps)
