"""Traces are kept for their project, the last ones only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jettison.cache.trace import KeptTrace, TraceStore
from jettison.store.database import Database


@pytest.fixture
def traces(tmp_path: Path) -> Iterator[TraceStore]:
    database = Database(tmp_path / "state.db")
    yield TraceStore(database)
    database.close()


def trace(project: str, number: int, name: str = "", image: str = "") -> KeptTrace:
    return KeptTrace(project, name, image, number, b"%d" % number)


def test_the_last_five_of_a_project_are_kept(traces: TraceStore) -> None:
    for number in range(8):
        traces.keep(trace("p", number))
        traces.keep(trace("q", 100 + number))
    now = traces.keep(trace("p", 8))
    assert [each.built_ns for each in traces.before(now)] == [7, 6, 5, 4]
    assert len(traces.all()) == 10
    last = traces.last()
    assert last is not None
    assert last.content == b"8"


def test_another_checkout_is_compared_with_images_of_the_same_name(traces: TraceStore) -> None:
    traces.keep(trace("here", 1, "docker.io/library/app"))
    traces.keep(trace("elsewhere", 2, "docker.io/library/other"))
    now = traces.keep(trace("there", 3, "docker.io/library/app"))
    assert [each.project for each in traces.before(now)] == ["here"]
    assert traces.before(trace("nowhere", 4)) == []


def test_an_image_has_its_last_trace(traces: TraceStore) -> None:
    traces.keep(trace("p", 1, image="sha256:1"))
    traces.keep(trace("p", 2, image="sha256:1"))
    found = traces.of_image("sha256:1")
    assert found is not None
    assert found.built_ns == 2
    assert traces.of_image("sha256:2") is None
    assert traces.knows("sha256:1", "p")
    assert not traces.knows("sha256:1", "q")
