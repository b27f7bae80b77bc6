"""One rule alone over a text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jettison.frontend.dockerfile.parser import parse
from jettison.lint.file import LintContext, LintFile
from jettison.lint.rule import Rule


@pytest.fixture
def findings() -> Callable[..., list[tuple[int, str]]]:
    """A function from a rule, a text and fields of the context to lines and details."""

    def check(rule: type[Rule], text: str, **context) -> list[tuple[int, str]]:
        found = list(rule().check(LintFile(parse(text.encode()), LintContext(**context))))
        assert {each.rule for each in found} <= {rule.name}
        return [(each.span.line, each.detail) for each in found]

    return check
