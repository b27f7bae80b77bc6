"""Ignore patterns match as docker's matcher does."""

from __future__ import annotations

from typing import Any

import pytest

from dockerfile_corpus import cases
from jettison.fs.pattern import PatternMatcher


@pytest.mark.parametrize("case", cases("ignore-match.json"))
def test_a_pattern_matches_what_docker_matches(case: Any) -> None:
    assert PatternMatcher(case["patterns"]).matches(case["path"]) == case["matches"]
