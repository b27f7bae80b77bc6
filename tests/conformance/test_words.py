"""Expansion and word splitting against what BuildKit makes of words, and against its tables."""

from __future__ import annotations

from typing import Any

import pytest

from conformance import corpora
from jettison.errors import ExpansionError
from jettison.frontend.dockerfile.words import expand, split_words


@pytest.mark.parametrize("case", corpora.parameters(corpora.own_cases("words")))
def test_a_word_is_expanded_as_by_buildkit(case: Any) -> None:
    """The golden is an image with the word as its label and what it sees as its environment."""
    expected = case["expected"]
    escape = "`" if "# escape=`" in case["dockerfile"] else "\\"
    if expected.get("error"):
        with pytest.raises(ExpansionError):
            expand(case["word"], _environment(), escape)
        return
    environ = dict(each.split("=", 1) for each in expected["config"]["Env"])
    assert expand(case["word"], environ, escape).text == expected["config"]["Labels"]["word"]


def _environment() -> dict[str, str]:
    goldens = (case["expected"] for case in corpora.own_cases("words"))
    config = next(each["config"] for each in goldens if not each.get("error"))
    return dict(each.split("=", 1) for each in config["Env"])


@pytest.mark.larger_corpora
@pytest.mark.parametrize("case", corpora.parameters(corpora.larger_cases("expand-word.json")))
def test_a_word_expands_as_buildkits_does(case: Any) -> None:
    if case.get("error"):
        with pytest.raises(ExpansionError):
            expand(case["word"], case["env"])
    else:
        assert expand(case["word"], case["env"]).text == case["expected"]


@pytest.mark.larger_corpora
@pytest.mark.parametrize("case", corpora.parameters(corpora.larger_cases("split-words.json")))
def test_words_split_as_buildkits_do(case: Any) -> None:
    assert list(split_words(case["word"], case["env"]).words) == case["expected"]
