"""The scheduler runs, stops and reports as the state says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import pytest

from jettison.concurrency import Workers
from jettison.errors import HostError, SolveError, Span
from jettison.oci.digest import Digest
from jettison.solver import scheduler
from jettison.solver.cancellation import Cancellation, CancelledError

A, B, C, D = (Digest(name) for name in "abcd")


def solve(
    needs: Mapping[Digest, Sequence[Digest]],
    solve_one: Callable[[Digest], None],
    cancellation: Cancellation | None = None,
    workers: Workers[Digest, None] | None = None,
) -> None:
    scheduler.run(needs, set(), solve_one, cancellation or Cancellation(), workers or Workers())


def test_independent_vertices_run_at_the_same_time():
    barrier = threading.Barrier(4, timeout=10)
    solve({A: (), B: (), C: (), D: ()}, lambda _vertex: barrier.wait() and None)
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
        solve({A: (), B: (), C: (B,)}, solve_one, cancellation)
    assert ended == [B]
    assert cancellation.cancelled


def test_other_errors_are_notes_of_the_first():
    barrier = threading.Barrier(2, timeout=10)

    def solve_one(vertex: Digest) -> None:
        barrier.wait()
        raise SolveError(f"{vertex} failed")

    with pytest.raises(SolveError) as caught:
        solve({A: (), B: ()}, solve_one)
    assert caught.value.__notes__ == [
        f"also failed: {'b' if str(caught.value).startswith('a') else 'a'} failed"
    ]


def test_the_headline_is_the_first_of_the_dockerfile_among_those_that_failed():
    """Whoever is faster: the same Dockerfile gives the same error."""
    failed = {A: threading.Event(), B: threading.Event()}
    lines = {A: 9, B: 4}

    def solve_one(vertex: Digest) -> None:
        if vertex == B:
            assert failed[A].wait(10)
        failed[vertex].set()
        raise SolveError(f"{vertex} failed", span=Span(lines[vertex]))

    with pytest.raises(SolveError, match="b failed") as caught:
        solve({A: (), B: ()}, solve_one)
    assert caught.value.__notes__ == ["also failed: a failed"]


def test_a_stop_that_is_registered_too_late_is_called_at_once():
    cancellation = Cancellation()
    cancellation.cancel()
    called = []
    with cancellation.stopping(lambda: called.append(1)):
        pass
    assert called == [1]
    with pytest.raises(CancelledError):
        cancellation.check()


def test_an_error_of_one_stop_keeps_no_other_from_being_called():
    cancellation = Cancellation()
    called = []

    def broken() -> None:
        raise OSError("no such process")

    def cancel_all() -> None:
        with cancellation.stopping(broken), cancellation.stopping(lambda: called.append(1)):
            cancellation.cancel()

    with pytest.raises(OSError, match="no such process"):
        cancel_all()
    assert called == [1]


def test_more_vertices_than_threads_are_all_solved():
    needs = {Digest(f"v{number}"): () for number in range(50)}
    running = threading.Semaphore(3)
    solved = []

    def solve_one(vertex: Digest) -> None:
        assert running.acquire(blocking=False)
        solved.append(vertex)
        running.release()

    solve(needs, solve_one, workers=Workers(limit=3))
    assert sorted(solved) == sorted(needs)


def test_a_system_that_gives_few_threads_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    room = threading.Semaphore(2)
    start = threading.Thread.start

    def start_if_there_is_room(thread: threading.Thread) -> None:
        if not room.acquire(blocking=False):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_if_there_is_room)
    needs = {Digest(f"v{number}"): () for number in range(9)}
    solved = []

    def solve_one(vertex: Digest) -> None:
        solved.append(vertex)
        room.release()

    solve(needs, solve_one)
    assert sorted(solved) == sorted(needs)


def test_a_system_that_gives_no_thread_is_an_error(monkeypatch: pytest.MonkeyPatch):
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    cancellation = Cancellation()
    with pytest.raises(HostError, match="no thread"):
        solve({A: (), B: ()}, lambda _vertex: None, cancellation)
    assert cancellation.cancelled
