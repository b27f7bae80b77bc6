"""Jobs done by a real worker process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from jettison.api.request import BuildRequest
from jettison.container.request import RunRequest
from jettison.errors import ContextError, HostError, JettisonError
from jettison.events import Event, PlanReady
from jettison.python.delegate import delegate
from jettison.python.job import Done, Job
from jettison.settings import Settings

pytestmark = pytest.mark.needs_root  # who needs no namespace, so that none is entered


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=str(tmp_path / "store"))


def children() -> set[str]:
    """Return the children of this process; other tests may have left some."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def done(job: Job, sink=lambda _: None) -> Done:
    return delegate(job, sink, os.environ, single_id=False)


def test_nothing_to_do_is_done(settings):
    assert done(Job(settings)) == Done()


def test_a_build_s_events_arrive_before_its_result(settings, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    events: list[Event] = []
    reply = done(
        Job(settings, build=BuildRequest(context=str(tmp_path), tags=("t",))), events.append
    )
    assert reply.result is not None
    assert reply.result.tags == ("docker.io/library/t:latest",)
    assert any(isinstance(each, PlanReady) for each in events)


def test_an_error_is_raised_here(settings, tmp_path):
    with pytest.raises(ContextError) as caught:
        done(Job(settings, build=BuildRequest(context=str(tmp_path / "missing"))))
    assert "missing" in caught.value.message


def test_an_image_that_is_nowhere_is_an_error(settings):
    with pytest.raises(JettisonError):
        done(Job(settings, run=RunRequest("127.0.0.1:1/none", pull="never")))


def test_a_worker_that_is_killed_is_told(settings, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")

    before = children()

    def kill(event: Event) -> None:
        (worker,) = children() - before
        os.kill(int(worker), signal.SIGKILL)

    with pytest.raises(HostError) as caught:
        done(Job(settings, build=BuildRequest(context=str(tmp_path))), kill)
    assert caught.value.message == (
        "the process in the user namespace ended without an answer: signal 9"
    )


def test_an_error_of_who_listens_ends_the_worker(settings, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")

    before = children()

    def fail(_: Event) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        done(Job(settings, build=BuildRequest(context=str(tmp_path))), fail)
    assert children() <= before
