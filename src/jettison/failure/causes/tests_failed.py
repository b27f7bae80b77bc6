"""Tests or checks of the project failed, not the build itself."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_SIGNS = (
    ("there are test failures", r"There (?:are|were) (?:test failures|failing tests)"),
    ("failures:", r"Tests run: *\d+, +(?:Failures: *[1-9]|Failures: *0, +Errors: *[1-9])"),
    ("failed", r"(?:=+ |^)(?:\d+ \w+, )*[1-9]\d* failed(?:, \d+ \w+)* in \d"),
    ("short test summary info", r"=+ short test summary info"),
    ("failed (", r"^FAILED \((?:failures|errors|KO)=?\d"),
    ("--- fail", r"^\s*--- FAIL: (?P<name>\S+)"),
    ("fail\t", r"^FAIL\t(?P<name>\S+)"),
    ("test suites:", r"Test Suites: [1-9]\d* failed"),
    ("test failed", r"npm ERR! Test failed\."),
    ("failing", r"^\s*[1-9]\d* failing\b"),
    ("failures!", r"^(?:FAILURES|ERRORS)!$"),
    ("test result: failed", r"test result: FAILED"),
    ("examples,", r"\d+ examples?, [1-9]\d* failures?"),
    ("runs,", r"\d+ runs, \d+ assertions, (?:[1-9]\d* failures|\d+ failures, [1-9]\d* errors)"),
    ("tests failed", r"(?i)\b[1-9]\d* tests? failed\b|^(?:\[error\] )?(?:Some )?tests? failed"),
    ("tests failed out of", r"[1-9]\d* tests failed out of"),
    ("execution failed for task", r"Execution failed for task ':(?:\S*:)?(?P<name>\w*[tT]est\w*)'"),
    ("failed tests:", r"(?i)^(?:\[error\] )?failed tests:"),
    ("error: test failed", r"error: test failed, to rerun"),
    ("test run failed", r"Test Run Failed\."),
    ("sbt.testsfailedexception", r"sbt\.TestsFailedException"),
    ("assertionerror", r"^E\s+(?:AssertionError|assert )"),
)
_CHECKS = (
    ("problems (", r"✖ \d+ problems? \([1-9]\d* errors?"),
    ("offenses detected", r"[1-9]\d* offenses? detected"),
    ("would reformat", r"would (?:be )?reformat"),
    ("checkstyle", r"(?i)checkstyle violations|You have \d+ Checkstyle"),
    ("eslint", r"(?i)eslint (?:found|errors)|Failed to compile.*eslint"),
    ("tslint", r"(?i)lint errors found"),
    (
        "lint",
        r"Execution failed for task ':(?:\S*:)?(?P<name>\w*(?:[lL]int|[cC]heckstyle|pmd|spotless)\w*)'",
    ),
    ("vulnerabilities found", r"^\+?-*\s*[1-9]\d* vulnerabilit(?:y|ies) found"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=80)
    if found is not None:
        name = found.groupdict().get("name")
        return Cause(
            "tests-failed",
            f"tests failed: {quoted(name or found.string)}",
            "the build did what it should: the step runs the project's tests",
            "read the first failure above; tests that need services have none here",
        )
    found = failure.log.find(*_CHECKS, last=40)
    if found is None:
        return None
    return Cause(
        "tests-failed",
        f"a checker of the project's source found something: {quoted(found.string)}",
        "the build did what it should: the step runs the check",
        "correct what it names above, or run the check outside the build",
    )
