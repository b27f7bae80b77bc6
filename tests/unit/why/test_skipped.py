"""Tests of stages that were not built are found by what their commands look like."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.frontend.dockerfile.commands import is_test
from jettison.why.skipped import skipped_stages
from why_simulation import Simulation


@pytest.mark.parametrize(
    "command",
    [
        *("pytest -q", "python -m pytest", "cd /src && npm test", "npm run test:unit", "yarn test"),
        *("go test ./...", "go vet ./...", "cargo test --release", "make -j4 check", "ctest"),
        *("mvn -q verify", "./gradlew clean test", "tox -e py311", "ruff check .", "dotnet test"),
    ],
)
def test_these_are_tests(command: str) -> None:
    assert is_test(f"RUN {command}")


@pytest.mark.parametrize(
    "command",
    [
        *("pip install pytest", "apt-get install -y shellcheck", "npm ci", "make", "go build"),
        *("rm -rf tests", "cp testdata /x", "cargo build", "echo /usr/lib/pytest-data"),
    ],
)
def test_these_are_none(command: str) -> None:
    assert not is_test(f"RUN {command}")


def test_skipped_stages_are_named_with_their_tests(tmp_path: Path) -> None:
    text = (
        "FROM scratch AS build\nRUN make\nFROM build AS test\nRUN pip install pytest\n"
        "RUN pytest -q\nFROM scratch AS docs\nRUN html\nFROM scratch\nCOPY --from=build /x /\n"
    )
    simulation = Simulation(tmp_path)
    simulation.build(text)
    found = skipped_stages(simulation.builds[0].trace)
    assert [(each.name, each.line) for each in found] == [("test", 3), ("docs", 6)]
    assert [(test.line, test.text) for test in found[0].tests] == [(5, "RUN pytest -q")]
    assert found[1].tests == ()
