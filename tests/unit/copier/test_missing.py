"""Sources that are not there, and what may have been meant."""

from __future__ import annotations

import pytest

from copy_rig import copy_op, fill
from jettison.copier import missing
from jettison.copier.missing import missing_source
from jettison.fs.host_tree import HostTree
from jettison.fs.pattern import PatternMatcher
from jettison.source.local import LocalTree

FILES = {"README.md": "", "src/main.py": "", "src/mine.py": "", "link": "-> src", "loop": "-> loop"}


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/readme.md", "did you mean `/README.md`?"),
        ("/src/man.py", "did you mean `/src/main.py`?"),
        ("/scr/main.py", "did you mean `/src`?"),
        ("/link/mainn.py", "did you mean `/link/main.py` or `/link/mine.py`?"),
        ("/nothing/like/it", None),
        ("/loop/x", None),
    ],
)
def test_similar_names_are_named(tmp_path, path, hint):
    tree = HostTree(fill(tmp_path / "c", FILES), context=True)
    error = missing_source(copy_op(path, "/"), tree, path)
    assert error.message == f"`{path}` not found in the build context"
    assert error.hint == hint


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/x", "`/` has `README.md`, `link`, `loop`, `src`"),
        ("/src/bin/x", "`/src` has `main.py`, `mine.py`"),
        ("/app/main.py", "did you mean `/src/main.py`?"),
        ("/src/man.py", "did you mean `/src/main.py`?"),
        ("/link/sub/x", "`/link` has `main.py`, `mine.py`"),
    ],
)
def test_a_source_in_an_image_is_missing_there(tmp_path, path, hint):
    tree = HostTree(fill(tmp_path / "c", FILES))
    error = missing_source(copy_op(path, "/", from_image=True), tree, path)
    assert error.message == f"`{path}` not found in the stage or image it is copied from"
    assert error.hint == hint


def test_a_name_is_looked_for_in_bounded_time(tmp_path, monkeypatch):
    monkeypatch.setattr(missing, "_MANY_ENTRIES", 3)
    tree = HostTree(fill(tmp_path / "c", {"a/1": "", "a/2": "", "b/c/name": "", "loop": "-> loop"}))
    error = missing_source(copy_op("/name", "/", from_image=True), tree, "/name")
    assert error.hint == "`/` has `a`, `b`, `loop`"


def test_an_empty_stage_has_nothing(tmp_path):
    tree = HostTree(fill(tmp_path / "c", {}))
    error = missing_source(copy_op("/a/b", "/", from_image=True), tree, "/a/b")
    assert error.hint == "`/` has nothing"


def test_the_pattern_that_hides_a_file_is_named(tmp_path):
    files = {"dist/app": ""}
    tree = LocalTree(fill(tmp_path / "c", files), ignored=PatternMatcher(["*.log", "dist"]))
    error = missing_source(copy_op("/dist/app", "/"), tree, "/dist/app")
    assert error.hint == "add `!dist/app` after that rule"
    assert error.cause is not None
    assert error.cause.id == "hidden-by-ignore-file"
    assert error.cause.what == "the ignore file excludes it with `dist`"
