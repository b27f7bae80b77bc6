"""Expansion beyond the corpus: what is reported, messages, limits."""

from __future__ import annotations

import pytest

from jettison.errors import ExpansionError
from jettison.frontend.dockerfile.text import did_you_mean, quote, suggest
from jettison.frontend.dockerfile.words import expand, raw_words, split_words


def refused(word: str) -> str:
    with pytest.raises(ExpansionError) as caught:
        expand(word, {"a": "1", "e": ""})
    return str(caught.value)


def test_used_variables_are_matched_or_not():
    found = expand("$a ${b} ${c:-$d} '$x' \\$y ${e+1}", {"a": "1", "e": ""})
    assert found.matched == {"a", "e"}
    assert found.unmatched == {"b", "c", "d"}
    assert split_words("$a $b", {"a": "1"}).unmatched == {"b"}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("${e:?}", 'failed to process "${e:?}": e: is not allowed to be empty'),
        ("${b?}", 'failed to process "${b?}": b: is not allowed to be unset'),
        ('${b?"no b"}', 'failed to process "${b?\\"no b\\"}": b: no b'),
        ("${a", "failed to process \"${a\": syntax error: missing '}'"),
        ("${a:-b", "failed to process \"${a:-b\": syntax error: missing '}'"),
        ("${", "failed to process \"${\": syntax error: missing '}'"),
        ("${}", 'failed to process "${}": syntax error: bad substitution'),
        ("${a=b}", 'failed to process "${a=b}": unsupported modifier (=) in substitution'),
        ("${a:#b}", 'failed to process "${a:#b}": unsupported modifier (:#) in substitution'),
        ("${a/b}", "failed to process \"${a/b}\": syntax error: missing '/' in ${}"),
        ("${a/b/c", "failed to process \"${a/b/c\": syntax error: missing '}'"),
        (
            "${a#\\x}",
            "failed to process \"${a#\\\\x}\": invalid pattern (\\x) in substitution: invalid escape '\\x'",
        ),
        (
            "'a",
            'failed to process "\'a": unexpected end of statement while looking for matching single-quote',
        ),
        (
            '"a',
            'failed to process "\\"a": unexpected end of statement while looking for matching double-quote',
        ),
        ("${${", 'failed to process "${${": unsupported modifier ({) in substitution'),
    ],
)
def test_errors_have_buildkits_text(word, message):
    assert refused(word) == message


def test_deep_nesting_is_refused():
    for opening, closing in (("${b:-", "}"), ('${b:-"', '"}'), ("${a//a/", "}"), ("${a#", "}")):
        message = refused(opening * 500 + closing * 500)
        assert message.endswith("substitutions are nested too deeply")


def test_nesting_works_within_reason():
    assert expand("${b:-" * 40 + "x" + "}" * 40, {}).text == "x"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("${v#*/}", "b/c.d.e"),
        ("${v##*/}", "c.d.e"),
        ("${v%.*}", "a/b/c.d"),
        ("${v%%.*}", "a/b/c"),
        ("${v#?}", "/b/c.d.e"),
        ("${v#x*}", "a/b/c.d.e"),
        ("${v/b/X}", "a/X/c.d.e"),
        ("${v//\\//-}", "a-b-c.d.e"),
        ("${v/*b/\\1}", "\\1/c.d.e"),
        ("${v%.?.?}", "a/b/c"),
        ("${u#a}", ""),
        ("${u/a/b}", ""),
        ("${v//./}", "a/b/cde"),
        ("${v%\\*}", "a/b/c.d.e"),
    ],
)
def test_globs_remove_and_replace(word, expected):
    assert expand(word, {"v": "a/b/c.d.e"}).text == expected


def test_stars_do_not_cross_lines():
    assert expand("${v##*b}", {"v": "a\nb"}).text == "a\nb"
    assert expand("${v##*a*b*c}", {"v": "aabbccbcX"}).text == "X"
    assert expand("${v#*a*b*c}", {"v": "aabbccbcX"}).text == "cbcX"


def test_many_stars_are_matched_in_reasonable_time():
    """A pattern that backtracking would never finish."""
    assert expand("${v##" + "*a" * 30 + "*b}", {"v": "a" * 2000}).text == "a" * 2000


def test_the_other_escape_makes_backslashes_ordinary():
    assert expand('`$a \\$a "`""', {"a": "1"}, "`").text == '$a \\1 "'


def test_quotes_are_ordinary_in_heredocs():
    assert expand("'$a' \"b\" \\$a", {"a": "1"}, quotes=False).text == "'1' \"b\" $a"


def test_words_end_at_white_space_of_any_kind():
    assert split_words("a\u00a0b\tc\nd", {}).words == ("a", "b", "c", "d")
    assert split_words("a\x1fb", {}).words == ("a\x1fb",)
    assert split_words(" '' \"\" ", {}).words == ()


def test_raw_words_keep_quotes_escapes_and_variables():
    text = 'a "b c" \'d\' \\e $f ${g} ${h:-i} ${j/k/l} "\\$\\x"'
    assert raw_words(text, raw=True) == [
        *("a", '"b c"', "'d'", "\\e", "$f", "${g}", "${h:-i}", "${j/k/l}", '"\\$\\\\x"')
    ]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("é", '"é"'), ("\x00", '"\\x00"'), ("\u200b", '"\\u200b"'), ("\U000e0001", '"\\U000e0001"')],
)
def test_quoting_is_gos(text, quoted):
    assert quote(text) == quoted


def test_suggestions_are_at_most_two_edits_away():
    assert suggest("abcd", ["abxx", "abcx"]) == "abcx"
    assert suggest("abcd", ["wxyz"]) == ""
    assert suggest("same", ["same", "sane"]) == ""
    assert suggest("Fron", ["FROM"], ignore_case=True) == "from"
    assert did_you_mean("x" * 10**6, ["from"]) == ""
