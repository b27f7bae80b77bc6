"""A store with base images for the end-to-end tests, made once a machine and kept."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.command import Cli, add_box, as_somebody, python_for, somebody
from e2e.rig import EXAMPLES, Jettison


@pytest.fixture(scope="session")
def store_root() -> Path:
    """The directory of the store that all end-to-end tests of all runs share."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = cache / "jettison-test" / "store"
    root.parent.mkdir(parents=True, exist_ok=True)
    return root


@pytest.fixture(scope="session")
def jettison(store_root: Path) -> Jettison:
    """The command line on the shared store."""
    return Jettison(store_root)


@pytest.fixture(scope="session")
def bases(store_root: Path, jettison: Jettison) -> Callable[..., None]:
    """A function that makes base images unless the store has them."""

    def make(*names: str) -> None:
        with (store_root.parent / "bases.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            script = EXAMPLES / "bases" / "make.py"
            made = subprocess.run(
                [sys.executable, script, *names],
                env=jettison.env,
                capture_output=True,
                text=True,
                check=False,
            )
            assert made.returncode == 0, made.stdout + made.stderr

    return make


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
        prefix = as_somebody(user)
        shutil.chown(work, user.pw_uid, user.pw_gid)
    made = Cli(work, prefix, python_for(prefix))
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
