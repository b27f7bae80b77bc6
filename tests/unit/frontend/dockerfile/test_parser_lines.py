"""Lines, directives, comments, heredocs: where instructions begin and end."""

from __future__ import annotations

import pytest

from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile.heredoc import find_heredocs, parse_heredoc
from jettison.frontend.dockerfile.parser import parse, parse_nodes
from jettison.frontend.dockerfile.syntax import Heredoc


def runs(text: str) -> list[str]:
    return [node.args[0] for node in parse_nodes(text.encode()) if node.keyword == "RUN"]


def error(text: str | bytes) -> DockerfileSyntaxError:
    with pytest.raises(DockerfileSyntaxError) as caught:
        parse(text if isinstance(text, bytes) else text.encode())
    return caught.value


def test_spans_are_all_lines_of_an_instruction():
    nodes = parse_nodes(b"\n# c\nFROM a\n\nRUN a \\\n  b\nCOPY <<E /\nx\nE\nRUN c")
    assert [(each.span.line, each.span.end_line) for each in nodes] == [
        (3, 3),
        (5, 6),
        (7, 9),
        (10, 10),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN a \\\nb", "a b"),
        ("RUN a \\  \t\nb", "a b"),
        ("RUN a\\\n    b", "a    b"),
        ("RUN a \\\n# no\n  # no\nb", "a b"),
        ("RUN a \\\n\n\nb", "a b"),
        ("RUN a # b", "a # b"),
        ("RUN a \\\\", "a \\\\"),
        ("RUN a \\", "a"),
        ("RUN a \\\r\nb\r\n", "a b"),
        ("\tRUN\t\v a", "a"),
        ("\\\nRUN a", "a"),
    ],
)
def test_continuation_lines_are_joined(text, expected):
    assert runs(text) == [expected]


def test_a_doubled_escape_ends_the_line():
    assert [node.keyword for node in parse_nodes(b"RUN a\\\\\nRUN b")] == ["RUN", "RUN"]


def test_an_empty_continuation_line_is_noted_at_the_last_line():
    tree = parse(b"FROM a\nRUN a \\\n\n b \\\n c\nRUN d")
    assert [(each.rule, each.span.line) for each in tree.warnings] == [("NoEmptyContinuation", 5)]


def test_a_byte_order_mark_is_dropped():
    tree = parse(b"\xef\xbb\xbf# escape=`\nFROM a\nRUN b`\nc")
    assert tree.escape == "`"
    assert tree.text.startswith("# escape")


def test_directives_are_kept_with_their_places():
    tree = parse(b"# Syntax = a/b:1\n#escape=`\n# check=skip=all;error=true  \nFROM a")
    assert [(each.name, each.value, each.span.line) for each in tree.directives] == [
        ("syntax", "a/b:1", 1),
        ("escape", "`", 2),
        ("check", "skip=all;error=true", 3),
    ]
    assert tree.directive("check").value == "skip=all;error=true"
    assert tree.directive("other") is None


@pytest.mark.parametrize(
    "before", ["\n", "# a comment\n", "# unknown=1\n", "#!/usr/bin/env x\n", "FROM a\n"]
)
def test_directives_end_at_anything_else(before):
    assert parse(f"{before}# escape=`\nFROM a\n".encode()).escape == "\\"


def test_a_directive_may_come_once():
    found = error("# escape=`\n# ESCAPE=\\\nFROM a")
    assert str(found) == "only one escape parser directive can be used"
    assert found.span.line == 2


def test_the_escape_is_one_of_two():
    found = error("# escape=x\nFROM a")
    assert str(found) == "invalid escape token 'x' does not match ` or \\"
    assert found.span.line == 1


def test_comments_directly_above_belong_to_an_instruction():
    tree = parse(b"# far\n\n# near\n#  it \nFROM a\n#\n# below\nRUN b\nRUN c")
    assert [each.comments for each in tree.instructions] == [("near", "it"), ("below",), ()]


@pytest.mark.parametrize("size", [65535, 65536])
def test_a_line_has_at_most_65535_bytes(size):
    text = b"FROM a\nRUN " + b"x" * (size - 4)
    if size == 65535:
        assert len(parse(text).instructions) == 2
        return
    found = error(text)
    assert str(found) == "dockerfile line greater than max allowed size of 65535"
    assert found.span.line == 2


def test_lines_are_measured_in_bytes():
    assert "65535" in str(error("FROM a\nRUN " + "é" * 33000))


@pytest.mark.parametrize("text", ["", "\n", "# only\n", "  \n\t\n"])
def test_a_file_has_instructions(text):
    expected = "file with no instructions" if text else "the Dockerfile cannot be empty"
    assert str(error(text)) == expected


def test_text_that_is_not_utf8_is_an_error_at_its_line():
    found = error(b"FROM a\nRUN echo \xff\n")
    assert str(found) == "byte 0xff is not UTF-8 text"
    assert found.span.line == 2


def test_comments_may_be_in_any_encoding():
    assert len(parse(b"# caf\xe9\nFROM a\n").instructions) == 1


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("<<EOF", Heredoc("EOF", "")),
        ("<<-EOF", Heredoc("EOF", "", chomp=True)),
        ("3<<EOF", Heredoc("EOF", "", file_descriptor=3)),
        ("<<'EOF'", Heredoc("EOF", "", expand=False)),
        ('<<E"O"F', Heredoc("EOF", "", expand=False)),
        ("<<E\\OF", Heredoc("EOF", "", expand=False)),
        ("<<$a", Heredoc("$a", "")),
        ("99999999999999999999999<<A", Heredoc("A", "", file_descriptor=999999999999999999)),
        ("<<", None),
        ("<<<a", None),
        ("<<a<b", None),
        ("a<<b", None),
        ("<<'a b'x c", None),
        ("<<''", None),
        ("<<'a", None),
    ],
)
def test_a_word_announces_a_heredoc_or_does_not(word, expected):
    assert parse_heredoc(word) == expected


@pytest.mark.parametrize(
    "line", ['RUN "<<NO"', 'RUN echo "<<NO"', "RUN echo '<<NO", "RUN ${a <<NO", "RUN a<<NO"]
)
def test_lines_without_heredocs(line):
    assert find_heredocs(line) == []


def test_heredocs_of_a_line_are_read_in_order():
    nodes = parse_nodes(b"FROM x\nRUN <<A cat && 4<<-'B' tac\n# a\n\n\\\nA\n\tb\n\tB\nRUN c")
    assert nodes[1].heredocs == (
        Heredoc("A", "# a\n\n\\\n"),
        Heredoc("B", "\tb\n", expand=False, chomp=True, file_descriptor=4),
    )
    assert nodes[1].heredocs[1].text == "b\n"
    assert nodes[1].heredocs[0].text == "# a\n\n\\\n"
    assert nodes[2].args == ("c",)


def test_bodies_keep_their_carriage_returns():
    assert parse_nodes(b"RUN <<A\r\nx\r\nA\r\n")[0].heredocs[0].content == "x\r\n"


def test_a_heredoc_needs_an_end():
    found = error("FROM a\nRUN <<EOF\nx\n EOF\n")
    assert str(found) == "unterminated heredoc"
    assert (found.span.line, found.span.end_line) == (2, 4)


@pytest.mark.parametrize("line", ["ENV a=<<E", 'COPY ["<<E", "/"]', "CMD cat <<E", "LABEL a <<E"])
def test_other_instructions_and_arrays_have_no_heredocs(line):
    assert parse_nodes(f"{line}\nFROM a\n".encode())[0].heredocs == ()
