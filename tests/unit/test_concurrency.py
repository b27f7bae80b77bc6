"""Values that threads ask for at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jettison.concurrency import SingleFlight


def test_threads_that_ask_at_the_same_time_share_one_computation():
    flight: SingleFlight[str, int] = SingleFlight()
    begun, may_end, calls = threading.Event(), threading.Event(), []

    def compute() -> int:
        calls.append(None)
        begun.set()
        may_end.wait()
        return len(calls)

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(flight.get, "key", compute)
        begun.wait()
        others = [pool.submit(flight.get, "key", compute) for _ in range(2)]
        assert flight.get("another", lambda: 7) == 7
        may_end.set()
        # One that came too late to share it has computed it anew.
        assert first.result() == 1
        assert {each.result() for each in others} <= {1, 2, 3}
    assert flight.get("key", compute) == len(calls)


def test_who_waited_for_a_computation_that_fails_computes_it():
    flight: SingleFlight[str, int] = SingleFlight()
    begun, may_end = threading.Event(), threading.Event()

    def fails() -> int:
        begun.set()
        may_end.wait()
        raise ZeroDivisionError

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(flight.get, "key", fails)
        begun.wait()
        second = pool.submit(flight.get, "key", lambda: 2)
        may_end.set()
        with pytest.raises(ZeroDivisionError):
            first.result()
        assert second.result() == 2


def test_who_missed_what_is_kept_and_comes_late_computes_nothing():
    flight: SingleFlight[str, int] = SingleFlight()
    kept: dict[str, int] = {}

    def compute() -> int:
        kept["key"] = 1
        return 1

    def late() -> int:
        raise AssertionError("it was computed before")

    assert flight.get("key", compute, lambda: kept.get("key")) == 1
    assert flight.get("key", late, lambda: kept.get("key")) == 1
