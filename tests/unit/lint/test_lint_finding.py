"""What a finding of a rule says beside its place."""

from __future__ import annotations

from jettison.errors import Span
from jettison.findings.finding import Finding
from jettison.lint.rules.invalid_base_image_platform import InvalidBaseImagePlatform
from jettison.lint.rules.no_empty_continuation import NoEmptyContinuation


def test_a_rule_puts_its_name_description_and_page_into_its_findings():
    rule = NoEmptyContinuation()
    assert rule.finding("here", Span(3)) == Finding(
        rule="NoEmptyContinuation",
        detail="here",
        span=Span(3),
        description=rule.description,
        url="https://docs.docker.com/go/dockerfile/rule/no-empty-continuation/",
    )


def test_a_rule_without_a_page_gives_no_address():
    assert InvalidBaseImagePlatform().finding("here", Span(1)).url == ""


def test_findings_are_values():
    assert {Finding("a", "b", Span(1)), Finding("a", "b", Span(1))} == {Finding("a", "b", Span(1))}
    assert Finding("a", "b", Span(1)) != Finding("a", "b", Span(2))
