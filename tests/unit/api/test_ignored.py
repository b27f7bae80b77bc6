"""What an ignore file leaves of the sources of a COPY."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from copy_rig import fill
from jettison.api.ignored import Ignored
from jettison.api.request import BuildRequest
from jettison.source.access import Access
from jettison.source.context import open_context
from jettison.store.store import Store

FILES = {"Dockerfile": "FROM scratch\n", "a.log": "", "b.txt": "", "dist/x": "", "dist/keep/y": ""}


@pytest.fixture
def ignored(tmp_path: Path) -> Iterator[Callable[..., Ignored]]:
    """A function from patterns of an ignore file to what it hides."""
    with ExitStack() as resources:
        store = resources.enter_context(Store.open(tmp_path / "store"))

        def make(*patterns: str) -> Ignored:
            text = "".join(f"{each}\n" for each in patterns)
            files = {**FILES, ".dockerignore": text} if patterns else FILES
            context = fill(tmp_path / "context", files)
            request = BuildRequest(context=str(context))
            return Ignored(resources.enter_context(open_context(request, store, Access({}))))

        yield make


@pytest.mark.parametrize(
    ("patterns", "hidden", "visible"),
    [
        (["*.log"], ["a.log", "/a.log", "./a.log", "*.log", "c.log"], ["b.txt", "*", "a*/x", "."]),
        (["dist"], ["dist", "dist/x", "dist/keep", "dist/*"], ["b.txt", "?.txt"]),
        (["dist", "!dist/keep"], ["dist/x"], ["dist", "dist/keep", "dist/keep/y", "dist/*"]),
        (["*"], [".", "/", "a.log", "*", "missing"], [""]),
        (["*", "!b.txt"], ["a.log"], [".", "b.txt", "*"]),
    ],
)
def test_a_source_is_hidden_when_nothing_of_it_is_left(ignored, patterns, hidden, visible):
    found = ignored(*patterns)
    assert found
    assert {each: found.hides(each) for each in hidden} == dict.fromkeys(hidden, True)
    assert {each: found.hides(each) for each in visible} == dict.fromkeys(visible, False)


def test_without_an_ignore_file_nothing_is(ignored):
    assert not ignored()
    assert not ignored().hides("anything")
