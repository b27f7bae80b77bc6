"""Templates as tokens."""

from __future__ import annotations

import pytest

from jettison.console.template.lexer import Kind, tokens
from jettison.errors import UsageError


def lexed(text: str) -> list[tuple[str, str]]:
    return [(each.kind.name, each.text) for each in tokens(text) if each.kind is not Kind.SPACE]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("END", "")]),
        ("plain }} text", [("TEXT", "plain }} text"), ("END", "")]),
        (
            "{{.A}}{{$x.B}}",
            [("OPEN", "{{"), ("FIELD", ".A"), ("CLOSE", "}}"), ("OPEN", "{{"),
             ("VARIABLE", "$x"), ("FIELD", ".B"), ("CLOSE", "}}"), ("END", "")],
        ),
        (
            '{{if "a\\"}}" | len}}',
            [("OPEN", "{{"), ("KEYWORD", "if"), ("STRING", '"a\\"}}"'), ("MARK", "|"),
             ("WORD", "len"), ("CLOSE", "}}"), ("END", "")],
        ),
        (
            "{{-0x1F 'a' `{{`}}",
            [("OPEN", "{{"), ("NUMBER", "-0x1F"), ("CHAR", "'a'"), ("STRING", "`{{`"),
             ("CLOSE", "}}"), ("END", "")],
        ),
    ],
)  # fmt: skip
def test_text_is_split_into_tokens(text, expected):
    assert lexed(text) == expected


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a \n {{- 1 -}} \n b", ["a", "b"]),
        ("a {{1}} b", ["a ", " b"]),
        ("a {{/* no */}} b", ["a ", " b"]),
        ("a {{- /* no */ -}} b", ["a", "b"]),
    ],
)
def test_space_is_trimmed_where_that_is_written_and_comments_are_none(text, plain):
    assert [each for kind, each in lexed(text) if kind == "TEXT"] == plain


def test_a_token_knows_its_place():
    (found,) = (each for each in tokens("é\n{{.A}}") if each.kind is Kind.FIELD)
    assert (found.at, found.line) == (4, 2)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{.A", "unclosed action"),
        ("a\n{{/* b", "unclosed comment"),
        ("{{/* b */ x}}", "comment ends before closing delimiter"),
        ('{{"a', "unterminated quoted string"),
        ('{{"a\n"}}', "unterminated quoted string"),
        ("{{`a", "unterminated raw quoted string"),
        ("{{'a", "unterminated character constant"),
        ("{{1a}}", 'bad number syntax: "1a"'),
        ("{{.A\x01}}", "bad character U+0001 '\x01'"),
        ("{{\\}}", "unrecognized character in action: U+005C '\\'"),
    ],
)
def test_what_is_no_token_is_an_error_at_its_line(text, problem):
    with pytest.raises(UsageError) as caught:
        lexed(text)
    line = 2 if text.startswith("a\n") else 1
    assert caught.value.message == f"template parsing error: template: :{line}: {problem}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "EOF"),
        ("{{if}}", "<if>"),
        ("{{abc}}", '"abc"'),
        ("{{abcdefghijkl}}", '"abcdefghij"...'),
    ],
)
def test_errors_show_tokens_in_short(text, shown):
    skipped = {Kind.OPEN, Kind.CLOSE}
    assert next(each for each in tokens(text) if each.kind not in skipped).shown == shown
