"""Which directories a traced step watches, and what is kept of what it opened."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from jettison.api.traced import tell_untraced
from jettison.events import Warned
from jettison.fs.listing import Listing
from jettison.fs.tree import FileStat
from jettison.plan.op import ExecOp
from jettison.plan.vertex import Vertex
from jettison.provenance.reads import StepReads, decode_reads, reads_name
from jettison.sandbox.base import Opened
from jettison.solver.ops.traced import MOST_DIRECTORIES, copied_directories, keep_reads
from jettison.solver.result import StackResult

FILE, DIRECTORY = 0o100644, 0o40755
VERTEX = Vertex(
    "sha256:x", ExecOp(argv=("x",), env=(), cwd="/", user=""), None, (), name="[2/2] RUN x"
)


class Recorded:
    """A runtime that keeps what it is given."""

    def __init__(self, listings: dict[str, Listing | None]) -> None:
        self.kept: dict[str, bytes] = {}
        self.said: list[object] = []
        store = SimpleNamespace(listing=listings.get)
        origins = SimpleNamespace(keep=self.kept.__setitem__)
        self.drivers = SimpleNamespace(layer_store=store, kept=SimpleNamespace(origins=origins))
        self.copies_below = lambda _vertex: list(listings)
        self.emit = self.said.append


class OneTree:
    """A tree of directories."""

    def __init__(self, *directories: str) -> None:
        self._directories = directories

    def lstat(self, path: str) -> FileStat | None:
        return FileStat(DIRECTORY) if path in self._directories else None


def listing(*paths: str) -> Listing:
    modes = [DIRECTORY if path.endswith("/") else FILE for path in paths]
    zeros = [0] * len(paths)
    return Listing([path.rstrip("/") for path in paths], modes, zeros, zeros, zeros)


def test_directories_of_copied_files_are_watched_if_they_are_there_still():
    runtime = Recorded(
        {"a": listing("/app/", "/app/x", "/app/empty/", "/gone/y"), "b": None, "c": listing("/z")}
    )
    tree = OneTree("/app", "/", "/app/empty")
    assert copied_directories(VERTEX, runtime, tree) == ("/", "/app")


@pytest.mark.parametrize(
    ("directories", "opened", "whole", "said"),
    [
        ((), None, True, ""),
        (("/a",), Opened(frozenset({"/a"}), frozenset({"/a/x"})), True, ""),
        (("/a",), Opened(is_whole=False), False, "not all that it opened was noticed"),
        (("/a",) * (MOST_DIRECTORIES + 1), Opened(), False, "not all that it opened"),
        (("/a",), None, None, "it was not traced"),
    ],
)
def test_what_was_missed_is_told(directories, opened, whole, said):
    runtime = Recorded({})
    keep_reads(VERTEX, runtime, "name", directories, opened)
    texts = [each.message for each in runtime.said if isinstance(each, Warned)]
    assert [said in text for text in texts] == ([True] if said else [])
    kept = decode_reads(runtime.kept["name"]) if runtime.kept else None
    assert (kept and kept.is_whole) == whole
    if opened is not None and whole:
        assert kept == StepReads(("/a",), ("/a/x",))


def test_steps_from_the_cache_are_told_once_for_all():
    vertices = [
        VERTEX,
        Vertex("sha256:y", ExecOp(argv=("y",), env=(), cwd="/", user=""), None, (), name="RUN y"),
    ]
    results = {
        each.digest: StackResult((), "layer", cached=True, key=f"k{number}")
        for number, each in enumerate(vertices)
    }
    solution = SimpleNamespace(plan=SimpleNamespace(vertices=vertices), results=results)

    def said(*known: str) -> list[str]:
        events: list[object] = []
        origins = SimpleNamespace(find=lambda _names: dict.fromkeys(known, b""))
        session = SimpleNamespace(builds=SimpleNamespace(origins=origins))
        tell_untraced(session, solution, events.append)
        return [each.message for each in events]

    assert [text.split("did not")[0] for text in said()] == [
        "`--trace-inputs`: [2/2] RUN x and 1 more "
    ]
    assert "RUN y did not run" in said(reads_name("k0"))[0]
    assert said(reads_name("k0"), reads_name("k1")) == []
