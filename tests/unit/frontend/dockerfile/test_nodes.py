"""Instructions split into flags and arguments, each by the rules of its name."""

from __future__ import annotations

import pytest

from jettison.errors import DockerfileSyntaxError, Span
from jettison.frontend.dockerfile.nodes import read_nodes, split_quoted
from jettison.frontend.dockerfile.syntax import Heredoc


def only(text: str, escape: str = "\\"):
    nodes, notes = read_nodes(text.split("\n"), escape)
    assert notes == ()
    (node,) = nodes
    return node


@pytest.mark.parametrize(
    ("text", "args", "is_json"),
    [
        ("RUN  a   b ", ("a   b",), False),
        ('RUN ["a", "b c"]', ("a", "b c"), True),
        ('RUN ["a", ]', ('["a", ]',), False),
        ("RUN []", (), True),
        ("COPY a\tb  c", ("a", "b", "c"), False),
        ('COPY ["a b", "c"]', ("a b", "c"), True),
        ("ENV a=1 b='x y'", ("a", "1", "=", "b", "'x y'", "="), False),
        ("ENV a b  c", ("a", "b  c", ""), False),
        ("LABEL a==", ("a", "=", "="), False),
        ("HEALTHCHECK CMD a b", ("CMD", "a b"), False),
        ('HEALTHCHECK CMD ["a"]', ("CMD", "a"), True),
        ("HEALTHCHECK NONE", ("NONE",), False),
        ("ARG a='b c' d", ("a='b c'", "d"), False),
        ("USER a b", ("a b",), False),
        ("RUN", (), False),
        ("NOSUCH a b", ("",), False),
    ],
)
def test_arguments_are_split_by_the_rules_of_the_instruction(text, args, is_json):
    node = only(text)
    assert (node.args, node.is_json) == (args, is_json)


def test_flags_come_before_arguments():
    node = only("copy --from=a --chown=1:2 --link b --c")
    assert (node.keyword, node.flags) == ("copy", ("--from=a", "--chown=1:2", "--link"))
    assert node.args == ("b", "--c")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('RUN ["a", 1]', "when using JSON array syntax, arrays must be comprised of strings only"),
        ("ENV a", "ENV must have two arguments"),
        ("LABEL a", "LABEL must have two arguments"),
        (
            "ENV a=1 b",
            'Syntax error - can\'t find = in "b". Must be of the form: name=value',
        ),
        (
            "ONBUILD " * 12 + "RUN x",
            "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
        ),
    ],
)
def test_what_cannot_be_split_is_an_error_at_its_line(text, message):
    with pytest.raises(DockerfileSyntaxError) as caught:
        read_nodes(["FROM a", text], "\\")
    assert (caught.value.message, caught.value.span.line) == (message, 2)


def test_a_trigger_is_a_node_of_its_own_with_the_heredocs():
    node = only("ONBUILD COPY <<A <<-'B' /\n$a\nA\n\tb\n\tB\n")
    heredocs = (Heredoc("A", "$a\n"), Heredoc("B", "\tb\n", expand=False, chomp=True))
    assert (node.keyword, node.child.keyword) == ("ONBUILD", "COPY")
    assert node.child.args == ("<<A", "<<-'B'", "/")
    assert node.heredocs == node.child.heredocs == heredocs
    assert node.span == Span(1, end_line=5)
    assert heredocs[1].text == "b\n"


@pytest.mark.parametrize("text", ['RUN ["<<A"]', "ENV a=<<A", "CMD <<A"])
def test_some_instructions_have_no_heredocs(text):
    assert only(text).heredocs == ()


def test_a_heredoc_without_an_end_is_an_error_where_it_begins():
    with pytest.raises(DockerfileSyntaxError) as caught:
        read_nodes(["FROM a", "RUN <<A", "b"], "\\")
    assert caught.value.span.line == 2


def test_an_empty_line_in_a_continuation_is_noted():
    nodes, notes = read_nodes(["RUN a \\", "", "b"], "\\")
    assert nodes[0].args == ("a b",)
    assert [(note.rule, note.span.line) for note in notes] == [("NoEmptyContinuation", 3)]


@pytest.mark.parametrize(
    ("text", "escape", "words"),
    [
        (r'"a b" c\ d', "\\", ['"a b"', r"c\ d"]),
        (r"'a\' b", "\\", [r"'a\'", "b"]),
        ("a` b `", "`", ["a` b"]),
        ('"open end', "\\", ['"open end']),
        (" \t ", "\\", []),
    ],
)
def test_words_end_outside_of_quotes(text, escape, words):
    assert split_quoted(text, escape) == words
