"""A bench to copy on; writing layers needs root, since files belong to 0:0."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from copy_rig import Bench


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    if request.node.get_closest_marker("needs_root") and os.geteuid() != 0:
        pytest.skip("files of layers belong to root")
    return Bench(tmp_path)
