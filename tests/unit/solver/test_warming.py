"""What the first RUN waits for is started while other steps run, and its failure told later."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from jettison.errors import SandboxUnavailableError
from jettison.solver.drivers import Drivers, ExecOptions
from jettison.solver.runtime import Runtime


class Driver:
    """Says in which thread it was warmed."""

    def __init__(self) -> None:
        self.thread: int | None = None

    def warm(self) -> None:
        self.thread = threading.get_ident()


def runtime(find: Any) -> Runtime:
    nothing: Any = None
    options = ExecOptions(
        cache_mounts=Path("/"), discard=nothing, hosts=nothing, resolv_conf=nothing
    )
    drivers = Drivers(nothing, nothing, nothing, nothing, find, options)
    return Runtime(drivers, sink=lambda _event: None, jobs=1)


def test_the_driver_is_found_once_and_warmed_by_another_thread() -> None:
    made: list[Driver] = []

    def find() -> Driver:
        made.append(Driver())
        return made[-1]

    solve = runtime(find)
    with solve.warming():
        assert isinstance(solve.sandbox(), Driver)
    assert len(made) == 1
    assert made[0].thread not in {None, threading.get_ident()}


def test_a_host_without_a_sandbox_is_told_by_the_step_that_needs_one() -> None:
    def find() -> Driver:
        raise SandboxUnavailableError("no sandbox works here")

    solve = runtime(find)
    with solve.warming():
        pass
    with pytest.raises(SandboxUnavailableError):
        solve.sandbox()


def test_an_error_of_a_step_is_waited_with_until_the_thread_has_ended() -> None:
    driver = Driver()
    solve = runtime(lambda: driver)
    with pytest.raises(KeyError), solve.warming():
        raise KeyError
    assert driver.thread is not None
