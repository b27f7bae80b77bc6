"""Hosted CI tests what pyproject.toml promises, with the README's command."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _matrix(name: str) -> list[str]:
    (found,) = re.findall(rf"^ +{name}: \[(.*)\]$", WORKFLOW, re.MULTILINE)
    return [each.strip().strip('"') for each in found.split(",")]


def test_every_python_is_tested_that_is_promised() -> None:
    classifiers = PROJECT["project"]["classifiers"]
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(classifiers))
    assert _matrix("python") == promised
    assert PROJECT["project"]["requires-python"] == f">={promised[0]}"


def test_it_runs_the_commands_of_the_readme_as_root_and_not() -> None:
    assert _matrix("user") == ["root", "rootless"]
    commands = set(re.findall(r"(?:run: |^ {10}|\()([^#\n]*)", WORKFLOW, re.MULTILINE))
    assert "./test" in commands
    assert any(each.strip().endswith(" .ci/run") for each in commands)
    assert re.search(r"(?m)^\./test ", (ROOT / ".ci" / "run").read_text())
    assert re.search(r"^ *\./test ", (ROOT / "README.md").read_text(), re.MULTILINE)


def test_its_packages_are_those_of_the_test_machine() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert ".ci/run --packages" in WORKFLOW
    assert 'if [ "${1:-}" = --packages ]' in script
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_pre_commit_runs_the_checks_of_the_tests() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    entries = re.findall(r"^ +entry: \.venv/bin/(.*)$", text, re.MULTILINE)
    tools = {" ".join(each.split()[:2]).removesuffix(" --force-exclude") for each in entries}
    assert tools == {"ruff check", "ruff format", "mypy", "lint-imports"}
    architecture = (ROOT / "tests" / "test_architecture.py").read_text()
    for tool in tools:
        assert json.dumps(tool.split()[0]) in architecture
