"""A store and a context of its own for each test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jettison.fs.remove import remove_tree
from other_user import somebody
from scratch_rig import Scratch


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Attack what root builds, and what another user builds, where a module asks for both.

    A test that names the users itself gets those.
    """
    markers = metafunc.definition.iter_markers("parametrize")
    named = any("scratch" in marker.args[0] for marker in markers)
    wanted = metafunc.definition.get_closest_marker("any_user") and not named
    if "scratch" in metafunc.fixturenames and wanted:
        metafunc.parametrize("scratch", ["root", "user"], indirect=True)


@pytest.fixture
def scratch(request: pytest.FixtureRequest, tmp_path: Path, need: Callable[[str], str]) -> Scratch:
    """Return a store and a context; of another user where the parameter is `user`."""
    if getattr(request, "param", "root") == "root":
        return Scratch(tmp_path, need("busybox"))
    user = somebody()
    place: Path = request.getfixturevalue("open_place")
    os.chown(place, user.pw_uid, user.pw_gid)
    return Scratch(place, need("busybox"), user)


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that all users may enter; pytest's own are for one user."""
    place = Path(tempfile.mkdtemp(prefix="jettison-hostile-"))
    place.chmod(0o755)
    yield place
    remove_tree(place)
