"""Eight builds of two examples on one store, started at the same instant.

``faults`` has the same with a small Dockerfile, in every run.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.rig import EXAMPLES, Jettison
from jettison.fs.remove import remove_tree
from turns import ALL_LEVELS

pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.needs_network,
    pytest.mark.slow,
    pytest.mark.xdist_group("bases"),
    pytest.mark.skipif(
        not ALL_LEVELS, reason="JETTISON_TEST_LEVELS=all runs it: it takes a minute"
    ),
]

NAMES = ("node", "python-poetry")
TIMES = 4
SECONDS = 240
START = 'read -r _; exec "$@" < /dev/null'
"""A shell that waits for the end of its input, which all builds share, and then builds."""


class Build:
    """One build that waits to be started.

    Args:
        jettison: The command line on the store.
        name: Of the example.
        place: Directory of its own for what it says.
        flags: More arguments.
        gate: Descriptor whose end of file starts it.
    """

    def __init__(
        self, jettison: Jettison, name: str, place: Path, flags: list[str], gate: int
    ) -> None:
        place.mkdir()
        self.name = name
        self.tag = place.name
        self._facts = place / "facts.json"
        self._events = place / "events"
        self._said = place / "said"
        argv = jettison.argv(
            "build", "--ca-bundle", "host", "--progress", "rawjson", "-t", self.tag,
            "--metadata-file", self._facts, *flags, EXAMPLES / name,
        )  # fmt: skip
        with self._events.open("wb") as events:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", START, "sh", *argv], env=jettison.env, stdin=gate, stdout=events,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    def finish(self) -> None:
        """Wait for the end, which must be a good one."""
        assert self._process.wait(SECONDS) == 0, self._events.read_text()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def facts(self) -> dict[str, Any]:
        return json.loads(self._facts.read_text())["jettison"]

    def executed(self) -> list[tuple[str, str]]:
        """Return the digests and names of the vertices that this process executed."""
        found = []
        for line in self._events.read_text().splitlines():
            event: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
            is_vertex = str(event.get("vertex", "")).startswith("sha256:")
            if event.get("event") == "end" and event["outcome"] == "done" and is_vertex:
                found.append((event["vertex"], event["name"]))
        return found


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="eight-") as name:
        yield Path(name)
        remove_tree(Path(name) / "store")


def start_at_once(shared: Jettison, place: Path, flags: list[str]) -> list[Build]:
    """Start all builds and wait for their ends."""
    gate, opener = os.pipe()
    builds = []
    try:
        for number in range(TIMES):
            for name in NAMES:
                builds.append(Build(shared, name, place / f"{name}-{number}", flags, gate))
        os.close(opener)
        for build in builds:
            build.finish()
    finally:
        os.close(gate)
        for build in builds:
            build.kill()
    return builds


def test_eight_builds_give_eight_right_images_and_run_every_vertex_once(
    jettison: Jettison, base_contexts: list[str], place: Path
) -> None:
    shared = Jettison(place / "store")
    builds = start_at_once(shared, place, base_contexts)
    executed = [vertex for build in builds for vertex in build.executed()]
    times = Counter(digest for digest, _ in executed)
    assert [vertex for vertex in executed if times[vertex[0]] > 1] == []
    assert sum(" RUN " in name for _, name in executed) == sum(map(_count_runs, NAMES))
    for name in NAMES:
        first, *others = (build.facts for build in builds if build.name == name)
        assert {other["image_id"] for other in others} == {first["image_id"]}
        # The store of the reference made the base images itself, and names them differently.
        made = [layer for layer in first["contents"] if layer.startswith("content:")]
        assert len(made) > 1
        expected = jettison.build(EXAMPLES / name, "reference", place / "facts")["contents"]
        assert made == expected[-len(made) :]
    greeting = shared("run", "--rm", "python-poetry-1").stdout
    assert greeting == "Hello from a Python multi-stage Docker build!\n"
    assert shared("fsck").stdout == "clean\n"


def _count_runs(name: str) -> int:
    lines = (EXAMPLES / name / "Dockerfile").read_text().splitlines()
    return sum(line.startswith("RUN ") for line in lines)
