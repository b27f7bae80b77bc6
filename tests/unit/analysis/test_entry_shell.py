"""Shell text: its commands, and which of them decide whether it fails."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jettison.analysis.entry.shell import shell_text
from jettison.analysis.entry.shell_words import Variable, tokens


def _names(text: str) -> list[str]:
    return [command.name for command in shell_text(text).commands]


def _decisive(text: str, *, errexit: bool = False) -> list[str]:
    found = shell_text(text, errexit=errexit)
    return [
        " ".join(word.literal or "?" for word in command.words)
        for command in found.commands
        if command.decisive
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a 'b c' \"d e\" f\\ g", ["a", "b c", "d e", "f g"]),
        ("a # b\nc", ["a", "\n", "c"]),
        ("a#b c", ["a#b", "c"]),
        ("a \\\n b", ["a", "b"]),
        ("[ -f x ] && [[ y ]]", ["[", "-f", "x", "]", "&&", "[[", "y", "]]"]),
        ("a<<E b\nc; d\nE\ne", ["a", "<<", "E", "b", "\n", "e"]),
        ("a <<-'E'\n\tx\n\tE\nb", ["a", "<<-", "E", "\n", "b"]),
        ('"" x', ["", "x"]),
        ('a "\\$b" "c$"', ["a", "$b", "c$"]),
        ("a;b&c|d", ["a", ";", "b", "&", "c", "|", "d"]),
    ],
)
def test_words_and_operators(text: str, words: list[str]) -> None:
    found, is_whole = tokens(text)
    assert is_whole
    assert [token.operator or token.literal for token in found] == words


def test_what_a_shell_replaces_is_kept_apart() -> None:
    found, _ = tokens('a$B-"${C:-d}" $(e; f) `g` ~/h *.i "$@" <(j) ${k##*/} $\'l\'')
    assert [token.parts for token in found] == [
        ("a", Variable("B"), "-", Variable("C", "d")),
        (None,),
        (None,),
        (None, "/h"),
        (None, ".i"),
        (Variable("@"),),
        (None,),
        (None,),
        (None,),
    ]


def test_a_quote_that_does_not_end_ends_the_reading() -> None:
    found, is_whole = tokens("a b\nc 'd")
    assert not is_whole
    assert [token.literal for token in found if not token.operator] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A=1 B=2 app x >log 2>&1 <in", ["app"]),
        ("if a; then b; elif c; then d; else e; fi; f", ["a", "b", "c", "d", "e", "f"]),
        ("for x in a b; do c; done\nwhile d; do e; done", ["c", "d", "e"]),
        ("for x\ndo c\ndone; d", ["c", "d"]),
        ('case "$1" in\n a|b) c ;;\n (d)\n e;;\n *) f\nesac\ng', ["c", "e", "f", "g"]),
        ("f() { a; }\nfunction g { b; }\nfunction h() {\n c\n}\nf", ["a", "b", "c", "f"]),
        ("[[ a && b || c ]] && d", ["[[", "d"]),
        ("( cd x; a ) && ! b", ["cd", "a", "b"]),
        ("{ a; } | b", ["a", "b"]),
        ("A=(b c\n d) e; declare -A f=([g]=h); i", ["e", "declare", "i"]),
        ("A=(\n\tb\n)\nfor x in 1; do c; done; A+=( d ); e", ["", "c", "", "e"]),
        ("a && \n b ||\n c", ["a", "b", "c"]),
    ],
)
def test_commands_of_compounds(text: str, names: list[str]) -> None:
    assert _names(text) == names


def test_functions_are_no_programs() -> None:
    text = "a() { x; }; function b { y; }; function c() { z; }"
    assert shell_text(text).functions == {"a", "b", "c"}


def test_lines_are_those_of_the_text() -> None:
    text = "a\n\n'b\n' \\\n c\n<<E\nx\nE\nd"
    assert [(c.line, c.name) for c in shell_text(text).commands] == [(1, "a"), (3, "b\n"), (9, "d")]


@pytest.mark.parametrize(
    ("text", "decisive"),
    [
        ("app", ["app"]),
        ("cd /srv && python app.py", ["cd /srv", "python app.py"]),
        ("a\nexec b", ["exec b"]),
        ("a; b", ["b"]),
        ("set -e\na\nb", ["a", "b"]),
        ("set -eu -o pipefail; a; exec b", ["a", "exec b"]),
        ("set -o errexit; a; b", ["a", "b"]),
        ("set -e; set +e; a; b", ["b"]),
        ("a || b", []),
        ("set -e; a || true; b", ["b"]),
        ("set -e; a & b", ["b"]),
        ("set -e; a | b; c", ["b", "c"]),
        ("set -e; ! a; b", ["b"]),
        ("if a; then b; fi; c", ["c"]),
        ("if a; then exec b; fi; c", []),
        ('if a; then exec b "$@"; fi; exec "$@"', ["exec ?"]),
        ("if a; then exit 1; fi; c", ["c"]),
        ("if a; then exit; fi; c", []),
        ("if a; then exit $x; fi; c", []),
        ("a || exit 1; b", ["a", "b"]),
        ("curl -f localhost || exit 1", ["curl -f localhost"]),
        ("a && b || exit 1; c", ["a", "b", "c"]),
        ("a || exit 0; b", []),
        ("A=`b \\`c\\``; d", ["d"]),
        ("[ -f x ] && exec a; b", []),
        ("exec a; b", ["exec a"]),
        ("exit 0; b", []),
        ("f() { exec a; }; f; b", []),
        ("f() { a; }; f; b", ["b"]),
        ("exec >log; b", ["b"]),
        ("a 'b", []),
    ],
)
def test_what_decides_whether_a_text_fails(text: str, decisive: list[str]) -> None:
    found = [words for words in _decisive(text) if not words.startswith(("set", "exit"))]
    assert found == decisive


def test_errexit_may_be_a_flag_of_the_shell() -> None:
    assert _decisive("a; b", errexit=True) == ["a", "b"]


@given(st.text(alphabet="ab \n;&|()<>'\"\\$`{}[]#=-!0if then fi case esac do done", max_size=200))
def test_any_text_is_read(text: str) -> None:
    found = shell_text(text)
    assert all(command.words or command.assignments for command in found.commands)
