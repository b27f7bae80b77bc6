"""A store and a context of its own for each test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from jettison.fs.remove import remove_tree
from other_user import somebody
from scratch_rig import Scratch
from turns import whose_turn


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Attack what root builds, and what another user builds, where a module asks for both.

    A test that names the users itself gets those. With ``any_user(by_turns=True)`` it is one of the
    two for each test: what is attacked there is the same code for both.
    """
    markers = metafunc.definition.iter_markers("parametrize")
    named = any("scratch" in marker.args[0] for marker in markers)
    marker = metafunc.definition.get_closest_marker("any_user")
    if "scratch" not in metafunc.fixturenames or marker is None or named:
        return
    users: Sequence[str] = ("root", "user")
    if marker.kwargs.get("by_turns"):
        users = whose_turn(metafunc.definition.nodeid, users)
    metafunc.parametrize("scratch", users, indirect=True)


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
