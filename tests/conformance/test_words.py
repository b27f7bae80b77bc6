"""Expansion and word splitting against BuildKit's tables."""

from __future__ import annotations

import pytest

from dockerfile_corpus import cases
from jettison.errors import ExpansionError
from jettison.frontend.dockerfile.words import expand, split_words


@pytest.mark.parametrize("case", cases("expand-word.json"))
def test_a_word_expands_as_buildkits_does(case):
    if case.get("error"):
        with pytest.raises(ExpansionError):
            expand(case["word"], case["env"])
    else:
        assert expand(case["word"], case["env"]).text == case["expected"]


@pytest.mark.parametrize("case", cases("split-words.json"))
def test_words_split_as_buildkits_do(case):
    assert list(split_words(case["word"], case["env"]).words) == case["expected"]
