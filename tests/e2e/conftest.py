"""A store with base images for the end-to-end tests, made once a machine and kept."""

from __future__ import annotations

import functools
import inspect
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archive_rig import unpack
from e2e.command import Cli, add_box
from e2e.rig import Jettison, made_bases, store_of_tests
from other_user import becoming, interpreter, somebody
from turns import ALL_LEVELS, whose_turn

BASES = ("python:3.11-slim", "python:3.11-alpine", "golang:1.21", "node:20-alpine", "node:14")


@pytest.fixture(scope="session")
def store_root() -> Path:
    """The directory of the store that all end-to-end tests of all runs share."""
    return store_of_tests()


@pytest.fixture(scope="session")
def jettison(store_root: Path) -> Jettison:
    """The command line on the shared store."""
    return Jettison(store_root)


@pytest.fixture(scope="session")
def bases(jettison: Jettison) -> Callable[..., None]:
    """A function that makes base images unless the store has them."""
    return functools.partial(made_bases, jettison)


@pytest.fixture(scope="session")
def base_contexts(jettison: Jettison, bases: Callable[..., None]) -> Iterator[list[str]]:
    """Flags that take the examples' base images from a layout which every user may read."""
    bases(*BASES)
    with tempfile.TemporaryDirectory(prefix="jettison-bases-") as place:
        layout = Path(place)
        layout.chmod(0o755)
        jettison("save", "-o", layout / "bases.tar", *BASES)
        with tarfile.open(layout / "bases.tar") as archive:
            unpack(archive, layout)
        (layout / "bases.tar").unlink()
        index = json.loads((layout / "index.json").read_text())
        flags: list[str] = []
        for manifest in index["manifests"]:
            name = manifest["annotations"]["io.containerd.image.name"]
            source = f"oci-layout://{layout}@{manifest['digest']}"
            flags += ["--build-context", f"{name.removeprefix('docker.io/library/')}={source}"]
        yield flags


@pytest.fixture(scope="session", params=["root", "unprivileged"])
def cli(request: pytest.FixtureRequest, need: Callable[[str], str]) -> Iterator[Cli]:
    """The command line as root and as an unprivileged user, each with a store that has ``box``."""
    busybox = need("busybox")
    if request.param == "root" and os.geteuid() != 0:
        pytest.skip("root is needed")
    work = Path(tempfile.mkdtemp(prefix="jettison-e2e-"))
    prefix: list[str] = []
    if request.param == "unprivileged" and os.geteuid() == 0:
        user = somebody()
        prefix = becoming(user)
        shutil.chown(work, user.pw_uid, user.pw_gid)
    made = Cli(work, prefix, interpreter(prefix))
    try:
        add_box(made, busybox)
        yield made
    finally:
        # Files of subordinate ids are root's to remove, or of one who is root in the namespace.
        remove = [*made.argv()[:-2], "-c", _REMOVE, str(work)]
        subprocess.run(remove, env=made.env, cwd="/", check=False)
        shutil.rmtree(work)


_REMOVE = """
import sys, pathlib
from jettison.linux import userns
userns.enter()
from jettison.fs.remove import remove_tree
[remove_tree(each) for each in pathlib.Path(sys.argv[1]).glob("store*")]
"""


_BY_TURNS = {"test_cli_build", "test_cli_containers", "test_cli_errors", "test_cli_images"}
_BY_TURNS |= {"test_cli_limits", "test_cli_network", "test_cli_provenance", "test_cli_report"}
_BY_TURNS |= {"test_cli_attest", "test_cli_run", "test_cli_sbom", "test_foreign_tools"}
_BY_TURNS |= {"test_python_calls", "test_report_in_registry"}
"""Suites of commands that do the same for everybody, and take minutes."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let one half of the longest suites run as root and the other as a user, unless all shall.

    What depends on who it is has suites of its own, which run as both.
    """
    if os.geteuid() != 0 or ALL_LEVELS:
        return
    left_out = [item for item in items if item.path.stem in _BY_TURNS and _is_others_turn(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]


def _is_others_turn(item: pytest.Item) -> bool:
    assert isinstance(item, pytest.Function)
    who = item.callspec.params.get("cli") if hasattr(item, "callspec") else None
    if who is None or "skip(" in inspect.getsource(item.function):
        return False
    name = item.nodeid.replace(str(who), "", 1)
    return who not in whose_turn(name, ("root", "unprivileged"))
