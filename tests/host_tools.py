"""What a test does when the machine lacks something that it needs."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def lacking(what: str) -> NoReturn:
    """Skip the test for want of something; fail in CI, where everything was to be installed."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


def tool(name: str) -> str:
    """Return the path of a program; without it the test skips."""
    return shutil.which(name) or lacking(f"`{name}`")


def go_program(name: str) -> str:
    """Return the path of a program that ``go_programs/build`` makes; it is not made here."""
    sources = Path(__file__).parent / "go_programs"
    parts = [sources / "go.sum", *sorted(sources.glob("*/main.go"))]
    made = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    path = cache / "jettison-test" / f"go-{made}" / name
    return str(path) if path.exists() else lacking(f"`{name}`, which `{sources}/build` builds,")
