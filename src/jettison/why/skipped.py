"""Stages that were not built, and the tests in them that did not run therefore.

In:  the trace of a build.
Out: ``SkippedStage`` values in file order.
"""

from __future__ import annotations

import re

from jettison.why.explanation import SkippedStage, SkippedTest
from jettison.why.trace import StageTrace, Trace

_TESTS = re.compile(
    r"""(?x)(?<![\w/.-])(?:
      pytest | tox | nox | nosetests | unittest
    | (?:npm|pnpm|yarn|bun)\s+(?:run\s+|run-script\s+)?(?:test|t|tst|lint|check|e2e)\b[\w:-]*
    | jest | vitest | mocha | karma | cypress | playwright | ava | eslint
    | go\s+(?:test|vet) | golangci-lint
    | cargo\s+(?:test|nextest|clippy)
    | (?:\./)?(?:mvnw?|gradlew?)\s.*\b(?:test|verify|check)\b
    | (?:make|ninja|just|task|rake)\s+(?:-\S+\s+)*(?:test|check|lint)[\w-]*
    | ctest | meson\s+test | bazel\s+test
    | rspec | phpunit | dotnet\s+test | mix\s+test | sbt\s+test | swift\s+test
    | bats | shellcheck | hadolint | ruff | mypy | flake8 | pylint
    )(?![\w-])"""
)


def skipped_stages(trace: Trace) -> tuple[SkippedStage, ...]:
    """Return the stages that were not needed."""
    return tuple(
        SkippedStage(stage.name or str(stage.index), stage.line, _tests(stage))
        for stage in trace.stages
        if stage.index >= 0 and not stage.needed
    )


def _tests(stage: StageTrace) -> tuple[SkippedTest, ...]:
    return tuple(
        SkippedTest(each.line, each.text.partition("\n")[0])
        for each in stage.instructions
        if each.kind == "RUN" and is_test(each.text)
    )


def is_test(text: str) -> bool:
    """Tell whether a command looks like one that tests something.

    >>> is_test("RUN npm test"), is_test("RUN pip install pytest"), is_test("RUN go test ./...")
    (True, False, True)
    """
    for command in re.split(r"&&|\|\||[;|\n]", text.partition(" ")[2]):
        if not re.search(r"\b(?:install|add|get|download)\b", command) and _TESTS.search(command):
            return True
    return False
