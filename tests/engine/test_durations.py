"""How long a step took is known with its record, and found with it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from scratch_rig import Scratch

TEXT = """FROM busybox AS one
RUN sleep 0.4; echo one > /one
FROM busybox AS two
RUN sleep 0.4; echo two > /two
FROM scratch
COPY --from=one /one /
COPY --from=two /two /
"""


def durations(scratch: Scratch) -> dict[str, float]:
    """Return the seconds of each record by the last word of its name."""
    with closing(sqlite3.connect(scratch.store / "state.db")) as database:
        rows = database.execute("SELECT name, duration_ns FROM record").fetchall()
    return {name.split()[-1]: duration_ns / 1e9 for name, duration_ns in rows}


def test_a_step_is_not_charged_for_waiting_until_others_have_run(scratch: Scratch) -> None:
    built = scratch.build(TEXT, "--jobs", "1")
    assert built.returncode == 0, built.stderr
    first = durations(scratch)
    assert all(0.4 <= first[name] < 0.75 for name in ("/one", "/two")), first
    assert all(seconds > 0 for seconds in first.values()), first
    assert scratch.build(TEXT).returncode == 0
    assert durations(scratch) == first, "a cached build keeps what the step once took"
