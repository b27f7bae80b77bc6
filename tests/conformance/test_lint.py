"""The rules against the warnings that BuildKit gives."""

from __future__ import annotations

import pytest

from dockerfile_corpus import cases
from jettison.frontend.dockerfile.parser import parse
from jettison.lint.runner import check

MULTIPLE = "Multiple {} instructions should not be used in the same stage because only the last one will be used"

# These expectations were lost or mixed up when the corpus was taken from its source: the first
# has the text of testUnmatchedVars-60, which must find nothing; the others lost their warnings.
CORRECTED = {
    "testUnmatchedVars-65": [],
    "testMultipleInstructionsDisallowed-66": [
        ("MultipleInstructionsDisallowed", MULTIPLE.format("ENTRYPOINT"), 3),
        ("MultipleInstructionsDisallowed", MULTIPLE.format("CMD"), 5),
        ("MultipleInstructionsDisallowed", MULTIPLE.format("HEALTHCHECK"), 7),
    ],
    "testMultipleInstructionsDisallowed-67": [
        ("MultipleInstructionsDisallowed", MULTIPLE.format("ENTRYPOINT"), 3),
        ("MultipleInstructionsDisallowed", MULTIPLE.format("CMD"), 4),
        ("MultipleInstructionsDisallowed", MULTIPLE.format("HEALTHCHECK"), 5),
    ],
}


@pytest.mark.parametrize("case", cases("lint.json"))
def test_the_findings_are_buildkits_warnings(case):
    found = [
        (each.rule, each.detail, each.span.line)
        for each in check(parse(case["dockerfile"].encode()))
    ]
    expected = [(each["rule"], each["detail"], each["line"]) for each in case["warnings"]]
    assert sorted(found) == sorted(CORRECTED.get(case["name"], expected))
