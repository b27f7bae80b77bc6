"""``./demo`` does what the README promises, and does it quickly once everything is there."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.rig import Jettison

pytestmark = [pytest.mark.needs_network, pytest.mark.slow, pytest.mark.xdist_group("bases")]


def test_the_demo_prints_the_greeting_and_the_sizes_again_within_seconds(
    jettison: Jettison, bases: Callable[..., None], project_root: Path
) -> None:
    if not (project_root / ".venv/.installed-dev").exists():
        pytest.skip("`./test` sets up what the demo finds")
    bases("python:3.11-slim", "python:3.11-alpine")
    demo = [project_root / "demo"]
    subprocess.run(demo, env=jettison.env, check=True, capture_output=True)
    started = time.monotonic()
    again = subprocess.run(demo, env=jettison.env, check=True, capture_output=True, text=True)
    assert time.monotonic() - started < 20
    greeting, header, builder, runtime, *_ = again.stdout.splitlines()
    assert greeting == "Hello from a Python multi-stage Docker build!"
    assert header.split() == ["STAGE", "BASE", "SIZE", "REACHED", "THE", "IMAGE", "LEFT", "BEHIND"]
    assert builder.split()[:2] == ["builder", "python:3.11-slim"]
    assert runtime.split()[:3] == ["runtime", "(final)", "python:3.11-alpine"]
    assert "image without multi-stage:" in again.stdout
    assert "nothing to run" in again.stderr
