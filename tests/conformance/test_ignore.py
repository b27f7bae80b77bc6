"""Ignore patterns match as docker's matcher does; test_build has the own corpus's ignore files."""

from __future__ import annotations

from typing import Any

import pytest

from conformance import corpora
from jettison.fs.pattern import PatternMatcher


@pytest.mark.larger_corpora
@pytest.mark.parametrize("case", corpora.parameters(corpora.larger_cases("ignore-match.json")))
def test_a_pattern_matches_what_docker_matches(case: Any) -> None:
    assert PatternMatcher(case["patterns"]).matches(case["path"]) == case["matches"]
