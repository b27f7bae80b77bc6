"""Levels of checks: from a request, from ``jettison.toml``; what fails a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.api.build_checks import CheckSettings, check_settings, require_no_findings
from jettison.api.project_file import NAME, file_beside
from jettison.api.request import BuildRequest
from jettison.errors import CheckError, Span, UsageError
from jettison.findings.finding import Finding, Severity

WARNING = Finding("MS601", "waste", Span(3))
ERROR = Finding("MS304", "will not start", Span(2), severity=Severity.ERROR)


def test_the_request_is_stronger_than_the_file(tmp_path: Path) -> None:
    assert check_settings(BuildRequest(str(tmp_path))) == CheckSettings()
    assert file_beside(BuildRequest(str(tmp_path)), NAME) is None
    (tmp_path / NAME).write_text(
        '[check]\nlevel = "error"\nignore = ["MS507"]\n[target.dev.check]\nlevel = "none"\n'
    )
    assert check_settings(BuildRequest(str(tmp_path))) == CheckSettings("error", ("MS507",))
    dev = check_settings(BuildRequest(str(tmp_path), target="dev"))
    assert dev == CheckSettings("none", ("MS507",))
    asked = check_settings(BuildRequest(str(tmp_path), checks="warning"))
    assert asked == CheckSettings("warning", ("MS507",))


@pytest.mark.parametrize(
    "text",
    ['[check]\nlevel = "all"', "[check]\nignore = 3", "[check]\nfoo = 1", "[checks]", "check = 1"],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "jettison.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        check_settings(BuildRequest(str(tmp_path)))
    assert caught.value.hint
    with pytest.raises(UsageError):
        check_settings(BuildRequest(str(tmp_path / "none"), checks="all"))


@pytest.mark.parametrize(
    ("level", "findings", "fails"),
    [
        ("warn", [ERROR], False),
        ("error", [WARNING], False),
        ("error", [WARNING, ERROR], True),
        ("warning", [WARNING], True),
        ("warning", [Finding("MS507", "root", None, severity=Severity.NOTE)], False),
    ],
)
def test_strictness_decides_what_fails(level: str, findings: list[Finding], fails: bool) -> None:
    settings = CheckSettings(level)
    if not fails:
        require_no_findings(findings, settings)
        return
    with pytest.raises(CheckError) as caught:
        require_no_findings(findings, settings)
    assert caught.value.exit_status == 26
