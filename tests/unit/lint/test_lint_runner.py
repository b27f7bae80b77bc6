"""Options, comments that switch rules off, and the error of a build."""

from __future__ import annotations

import pytest

from jettison.errors import LintError, UsageError
from jettison.findings.options import CheckOptions, parse_options
from jettison.findings.suppress import options_of
from jettison.frontend.dockerfile.parser import parse
from jettison.lint.runner import check, raise_for

SHELL_FORM = "FROM alpine\nCMD run it\n"


def rules(text: str, **arguments) -> list[str]:
    return [each.rule for each in check(parse(text.encode()), **arguments)]


def test_options_are_parts_between_semicolons():
    options = parse_options("skip=A,B;error=true;experimental=C")
    assert options == CheckOptions(frozenset("AB"), frozenset("C"), error=True)
    assert (options.skips("A"), options.skips("C"), options.enables("C")) == (True, False, True)


def test_all_means_every_rule():
    assert parse_options("skip=all").skips("AnyRule")
    assert parse_options("experimental=all").enables("AnyRule")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("skpi=A", 'invalid check option "skpi" (did you mean skip?)'),
        ("skip", 'invalid check option "skip"'),
        ("error=maybe", 'failed to parse check option "error=maybe": not true or false'),
    ],
)
def test_wrong_options_are_usage_errors(text, message):
    with pytest.raises(UsageError) as caught:
        parse_options(text)
    assert str(caught.value) == message


def test_the_error_of_a_directive_has_its_place():
    with pytest.raises(UsageError) as caught:
        options_of(parse(b"# syntax=a\n# check=wrong=1\nFROM a\n"))
    assert caught.value.span.line == 2


def test_a_build_argument_counts_instead_of_the_directive():
    dockerfile = parse(f"# check=skip=all\n{SHELL_FORM}".encode())
    assert check(dockerfile) == ()
    options = options_of(dockerfile, "error=1")
    assert [each.rule for each in check(dockerfile, options=options)] == ["JSONArgsRecommended"]


def test_the_directive_skips_rules_of_the_whole_file():
    assert rules(f"# check=skip=JSONArgsRecommended\n{SHELL_FORM}") == []


@pytest.mark.parametrize(
    "comment",
    [
        "# check=skip=JSONArgsRecommended",
        "#check = skip=all",
        "# hadolint ignore=DL3025",
        "# hadolint ignore = dl3000, DL3025",
    ],
)
def test_a_comment_skips_rules_for_the_instruction_below(comment):
    text = f"FROM alpine\n{comment}\nCMD run it\nENTRYPOINT run it\n"
    found = check(parse(text.encode()))
    assert [each.span.line for each in found] == [4]


@pytest.mark.parametrize("comment", ["# check=nonsense", "# hadolint ignore=DL9999", "# DL3025"])
def test_other_comments_skip_nothing(comment):
    assert rules(f"FROM alpine\n{comment}\nCMD run it\n") == ["JSONArgsRecommended"]


def test_a_comment_covers_all_lines_of_its_instruction():
    text = "FROM alpine\n# check=skip=NoEmptyContinuation\nRUN a \\\n\n b\n"
    assert rules(text) == []


def test_hadolints_global_comment_counts_for_the_file():
    assert rules(f"{SHELL_FORM}# hadolint global ignore=DL3025\n") == []


def test_findings_are_in_the_order_of_the_text():
    text = "FROM alpine as A\nMAINTAINER x\nCMD run\nEXPOSE 1/TCP\nENV a b\n"
    lines = [each.span.line for each in check(parse(text.encode()))]
    assert lines == sorted(lines)
    assert len(lines) == 6


def test_a_build_fails_only_when_the_file_asks_for_it():
    strict = parse(f"# check=error=true\n{SHELL_FORM}MAINTAINER x\n".encode())
    with pytest.raises(LintError) as caught:
        raise_for(check(strict), options_of(strict))
    assert str(caught.value) == (
        "lint violation found for rules: JSONArgsRecommended, MaintainerDeprecated"
    )
    assert caught.value.span.line == 3
    lenient = parse(SHELL_FORM.encode())
    raise_for(check(lenient), options_of(lenient))
    raise_for((), CheckOptions(error=True))
