"""A store with base images for the end-to-end tests, made once a machine and kept."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
