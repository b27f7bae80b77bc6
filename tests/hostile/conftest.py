"""A store and a context of its own for each test."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jettison.fs.remove import remove_tree
from scratch_rig import Scratch


@pytest.fixture
def scratch(tmp_path: Path, need: Callable[[str], str]) -> Scratch:
    return Scratch(tmp_path, need("busybox"))


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that all users may enter; pytest's own are for one user."""
    place = Path(tempfile.mkdtemp(prefix="jettison-hostile-"))
    place.chmod(0o755)
    yield place
    remove_tree(place)
