"""The rules against the warnings that BuildKit gives."""

from __future__ import annotations

import pytest

from conformance import contexts, corpora
from conformance.differences import DIFFERENCES, OWN_TEXTS
from jettison.api.check import check as api_check
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.errors import LintError
from jettison.findings.suppress import options_of
from jettison.frontend.dockerfile.parser import parse
from jettison.lint.runner import check, raise_for
from jettison.settings import Settings

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


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    root = tmp_path_factory.mktemp("store")
    with Session.open(Settings(root=str(root), ca_bundle="none"), {}) as opened:
        yield opened


@pytest.mark.parametrize("case", corpora.parameters(corpora.own_cases("check")))
def test_a_check_tells_what_buildkits_tells(case, session, tmp_path):
    """With the target, the build arguments and the ignore file of the case."""
    contexts.write_contexts(case, tmp_path)
    options = case.get("options", {})
    request = BuildRequest(
        context=str(tmp_path / "context"),
        target=options.get("target", ""),
        build_args=options.get("build_args", {}),
    )
    checked = api_check(session, request)
    found = sorted((each.span.line, each.rule, each.detail) for each in checked.dockers)
    expected = case["expected"]
    warnings = [(each["line"], each["rule"], each["detail"]) for each in expected["warnings"]]
    if case["name"] in DIFFERENCES:
        assert found != warnings
        return
    assert found == warnings
    message = expected.get("message", "")
    if message.startswith("lint violation"):
        with pytest.raises(LintError) as caught:
            raise_for(checked.findings, options_of(checked.dockerfile))
        assert caught.value.message == message
    elif message:
        assert checked.error is not None
        assert checked.error.span is not None
        assert checked.error.span.line == expected["line"]
        told = message.removeprefix(f"dockerfile parse error on line {expected['line']}: ")
        assert plain(checked.error.message) == plain(OWN_TEXTS.get(case["name"], told))
    else:
        assert checked.error is None


def plain(text):
    return text.replace("`", "")


@pytest.mark.larger_corpora
@pytest.mark.parametrize("case", corpora.parameters(corpora.larger_cases("lint.json")))
def test_the_findings_are_buildkits_warnings(case):
    found = [
        (each.rule, each.detail, each.span.line)
        for each in check(parse(case["dockerfile"].encode()))
    ]
    expected = [(each["rule"], each["detail"], each["line"]) for each in case["warnings"]]
    assert sorted(found) == sorted(CORRECTED.get(case["name"], expected))
