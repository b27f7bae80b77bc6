"""``./demo`` and ``./test`` need a ``python3`` with ``venv``; without one they say what to install."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pages.packages import PYTHON, index

ROOT = Path(__file__).resolve().parents[3]
BASIC = ("bash", "cat", "dirname", "env", "rm", "sha256sum")
"""Programs of every machine: bash, and coreutils."""
NO_VENV = (
    "error: `python3` has no `venv`, which makes virtual environments\n"
    "hint: install it: `apt install python3-venv` on Debian and Ubuntu\n"
)
NO_PYTHON = (
    "error: there is no Python on this machine; 3.11 or newer is needed\n"
    "hint: install it: `apt install python3 python3-venv` on Debian and Ubuntu\n"
)
OLD_PYTHON = (
    "error: `python3` is Python 3.10.12; Python 3.11 or newer is needed\n"
    "hint: install one beside it, such as `apt install python3.11 python3.11-venv`\n"
)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A checkout, and beside it ``bin`` with what is on the ``PATH``."""
    checkout, programs = tmp_path / "checkout", tmp_path / "bin"
    for directory in (checkout / "scripts", programs):
        directory.mkdir(parents=True)
    for name in BASIC:
        (programs / name).symlink_to(shutil.which(name) or "")
    for name in (
        "demo",
        "test",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "scripts/environment.sh",
    ):
        shutil.copy(ROOT / name, checkout / name)
    for name in ("requirements", "src"):
        (checkout / name).symlink_to(ROOT / name)
    return checkout


def said(machine: Path, *argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": str(machine.parent / "bin"), "HOME": str(machine.parent), **environ}
    return subprocess.run(argv, cwd=machine, env=env, capture_output=True, text=True, check=False)


def python3(machine: Path, script: str) -> None:
    """Put a ``python3`` on the ``PATH``."""
    path = machine.parent / "bin" / "python3"
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("command", ["./demo", "./test"])
def test_without_venv_it_says_what_to_install(machine: Path, command: str) -> None:
    lacking = machine.parent / "lacking"
    lacking.mkdir()
    (lacking / "ensurepip.py").write_text("raise ImportError('as where python3-venv is missing')\n")
    python3(machine, f'PYTHONPATH={lacking} exec {PYTHON} "$@"')
    done = said(machine, command)
    assert done.returncode == 1
    assert done.stderr.partition("\n")[2] == NO_VENV
    assert not (machine / ".venv").exists()


@pytest.mark.parametrize("command", ["./demo", "./test"])
def test_without_python_it_says_what_to_install(machine: Path, command: str) -> None:
    done = said(machine, command)
    assert (done.returncode, done.stderr.partition("\n")[2]) == (1, NO_PYTHON)


def test_an_old_python_is_not_enough(machine: Path) -> None:
    python3(machine, "case $1 in -V) echo Python 3.10.12 ;; *) exit 1 ;; esac")
    done = said(machine, "./demo")
    assert (done.returncode, done.stderr.partition("\n")[2]) == (1, OLD_PYTHON)


@pytest.mark.slow
@pytest.mark.needs_network
def test_a_python_with_venv_is_enough(machine: Path) -> None:
    python3(machine, f'exec {PYTHON} "$@"')
    setting_up = "set -euo pipefail; . scripts/environment.sh; environment runtime"
    with index() as address:
        done = said(
            machine,
            "bash",
            "-c",
            f"{setting_up}; .venv/bin/jettison version; {setting_up}",
            PIP_INDEX_URL=address,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Version:")
    assert done.stderr.count("==> setting up") == 1  # and the second time it is there
