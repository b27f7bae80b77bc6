"""What a test does when the machine lacks something that it needs."""

from __future__ import annotations

import os
import shutil
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
