"""The scheduler runs, stops and reports as the state says."""

from __future__ import annotations

import threading

import pytest

from jettison.errors import SolveError
from jettison.oci.digest import Digest
from jettison.solver import scheduler
from jettison.solver.cancellation import Cancellation, CancelledError

A, B, C, D = (Digest(name) for name in "abcd")


def test_independent_vertices_run_at_the_same_time():
    barrier = threading.Barrier(4, timeout=10)
    scheduler.run(
        {A: (), B: (), C: (), D: ()}, set(), lambda _vertex: barrier.wait() and None, Cancellation()
    )
    assert not barrier.broken


def test_the_first_error_is_raised_after_the_others_were_stopped_and_ended():
    cancellation = Cancellation()
    stopped = threading.Event()
    running = threading.Event()
    ended = []

    def solve_one(vertex: Digest) -> None:
        if vertex == A:
            assert running.wait(10)
            raise SolveError("no")
        with cancellation.stopping(stopped.set):
            running.set()
            assert stopped.wait(10)
        ended.append(vertex)
        raise CancelledError("canceled")

    with pytest.raises(SolveError, match="no"):
        scheduler.run({A: (), B: (), C: (B,)}, set(), solve_one, cancellation)
    assert ended == [B]
    assert cancellation.cancelled


def test_other_errors_are_notes_of_the_first():
    barrier = threading.Barrier(2, timeout=10)

    def solve_one(vertex: Digest) -> None:
        barrier.wait()
        raise SolveError(f"{vertex} failed")

    with pytest.raises(SolveError) as caught:
        scheduler.run({A: (), B: ()}, set(), solve_one, Cancellation())
    assert caught.value.__notes__ == [
        f"also failed: {'b' if str(caught.value).startswith('a') else 'a'} failed"
    ]


def test_a_stop_that_is_registered_too_late_is_called_at_once():
    cancellation = Cancellation()
    cancellation.cancel()
    called = []
    with cancellation.stopping(lambda: called.append(1)):
        pass
    assert called == [1]
    with pytest.raises(CancelledError):
        cancellation.check()
