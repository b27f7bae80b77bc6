"""A store and a context of its own for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scratch_rig import Scratch


@pytest.fixture
def scratch(tmp_path: Path, need: Callable[[str], str]) -> Scratch:
    return Scratch(tmp_path, need("busybox"))
