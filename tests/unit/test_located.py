"""Errors get the place of the innermost block that they pass."""

from __future__ import annotations

import pytest

from jettison.errors import Span, UsageError
from jettison.located import located


def test_the_innermost_place_wins():
    with pytest.raises(UsageError) as raised, located(Span(1)), located(Span(2)):
        raise UsageError("wrong")
    assert raised.value.span == Span(2)


def test_an_error_keeps_its_own_place_and_others_get_none():
    with pytest.raises(UsageError) as raised, located(Span(1)):
        raise UsageError("wrong", span=Span(3))
    assert raised.value.span == Span(3)
    with pytest.raises(KeyError), located(Span(1)):
        raise KeyError
