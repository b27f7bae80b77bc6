"""What all tests share: places, tools of the host, and which tests this machine can run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import helper_lines
from coverage_rig import unmeasured
from host_tools import lacking, tool
from jettison.sandbox.helper import spawn

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The directory that holds ``pyproject.toml``."""
    return ROOT


@pytest.fixture(scope="session")
def need() -> Callable[[str], str]:
    """A function from the name of a program to its path; without the program the test skips."""
    return tool


@pytest.fixture
def on_an_overlay(tmp_path: Path) -> Iterator[Path]:
    """A directory of an overlay, on which the kernel puts no other."""
    for name in ("lower", "upper", "work", "merged"):
        (tmp_path / name).mkdir()
    options = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    subprocess.run(
        ["mount", "-t", "overlay", "-o", options, "none", tmp_path / "merged"], check=True
    )
    yield tmp_path / "merged"
    subprocess.run(["umount", tmp_path / "merged"], check=True)


@pytest.fixture(scope="session", autouse=True)
def _measured_helpers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Where coverage is measured, measure helpers, too: of the builds in this process."""
    plugin = request.config.pluginmanager.get_plugin("_cov")
    measured = getattr(getattr(plugin, "cov_controller", None), "cov", None)
    if measured is None:
        yield
        return
    path = str(tmp_path_factory.mktemp("helpers") / "lines")
    os.chmod(os.path.dirname(path), 0o755)
    package = str(ROOT / "src")
    helper_lines.prepare(path, package)
    tracing = f"sys.path.insert(0, {str(ROOT / 'tests')!r}); import helper_lines; "
    tracing += f"helper_lines.trace({path!r}, {package!r}); del sys.path[0]; "
    first, found, rest = spawn._BOOT.partition("from jettison")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spawn, "_BOOT", first + tracing + found + rest)
        yield
    measured.get_data().add_lines(helper_lines.lines(path, package))


_MEASURED = frozenset({"checks", "conformance", "contract", "engine", "integration", "unit"})
_PLAIN_BOOT = spawn._BOOT


@pytest.fixture(autouse=True)
def _measured(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Measure the suites that say what the parts do, and helpers in those of sandboxes.

    The others attack, kill, try many values or start programs: tracing would make them slower.
    """
    path = request.node.path
    suite = path.relative_to(ROOT / "tests").parts[0] if path.is_relative_to(ROOT / "tests") else ""
    if suite != "contract":
        monkeypatch.setattr(spawn, "_BOOT", _PLAIN_BOOT)
    with unmeasured(when=suite not in _MEASURED | {""}):
        yield


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this user cannot run: CI runs the tests as root, which can run all of them."""
    if item.get_closest_marker("needs_root") and os.geteuid() != 0:
        pytest.skip("root is needed")
    if item.get_closest_marker("needs_userns") and not _has_subordinate_ids():
        lacking("a user with subordinate ids")
    if item.get_closest_marker("needs_network") and os.environ.get("JETTISON_TEST_OFFLINE"):
        pytest.skip("JETTISON_TEST_OFFLINE is set")


def _has_subordinate_ids() -> bool:
    """Tell whether this process may have ids mapped; root may always."""
    if os.geteuid() == 0:
        return True
    try:
        lines = Path("/etc/subuid").read_text().splitlines()
    except OSError:
        return False
    names = {str(os.geteuid()), os.environ.get("USER", ""), os.environ.get("LOGNAME", "")}
    has_range = any(line.partition(":")[0] in names - {""} for line in lines)
    return has_range and shutil.which("newuidmap") is not None
