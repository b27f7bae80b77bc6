"""Properties of the parser that hold for every text."""

from __future__ import annotations

import re
import subprocess
import sys

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conformance.test_parser import by_buildkit, by_us, is_beyond_the_binding
from host_tools import lacking, tool
from jettison.errors import DockerfileSyntaxError, ExpansionError, Span
from jettison.frontend.dockerfile.devices import parse_device
from jettison.frontend.dockerfile.lines import read_directives, split_lines
from jettison.frontend.dockerfile.mounts import parse_mount
from jettison.frontend.dockerfile.parser import parse, parse_nodes
from jettison.frontend.dockerfile.printer import print_nodes
from jettison.frontend.dockerfile.syntax import Node
from jettison.frontend.dockerfile.words import expand, split_words
from jettison.plan.op import ExecDevice

KEYWORDS = re.findall(
    r"\w+",
    "FROM ARG ENV LABEL RUN CMD ENTRYPOINT SHELL COPY ADD WORKDIR USER EXPOSE VOLUME STOPSIGNAL "
    "HEALTHCHECK ONBUILD MAINTAINER run Copy oops",
)
PIECES = (
    *("a", "b=c", "=", "x/y", "é", "#", "--", "--from=x", "--mount=type=cache", "'", '"', '"a b"'),
    *("\\", "\\\n", "\\ \n", "\\\\", "`", "`\n", "\n", "\r\n", "\n\n", " ", "\t", "\v", "\f"),
    *("$a", "${b}", "${", "}", "[", "]", '["a", "b"]', "[1]", ",", "<<E", "<<-'E'", "3<<E", "\nE"),
    *("--parents", "--exclude=*.o", "--unpack", "--device=a/b=c,required", "--chown=u:", "--link"),
    *("<<", "\n\tE\n", "\nE\n", "# escape=`\n", "# syntax=x\n", "#\n", "AS", "NONE", "CMD"),
)
SNIPPETS = st.lists(
    st.one_of(
        st.sampled_from(PIECES),
        st.sampled_from(KEYWORDS).map(lambda keyword: f"\n{keyword} "),
        st.sampled_from([" ", "\t"]),
    ),
    max_size=40,
).map("".join)
ASCII_LINES = SNIPPETS.filter(lambda text: "--" not in text or text.isascii())


@settings(max_examples=200, deadline=None)
@given(ASCII_LINES)
def test_any_text_parses_as_the_reference_parser_does(text):
    assume(not is_beyond_the_binding(text))
    assert by_us(text) == by_buildkit(text)


@settings(max_examples=100, deadline=None)
@given(st.one_of(SNIPPETS.map(str.encode), st.binary(max_size=200)))
def test_no_bytes_end_in_anything_but_a_tree_or_a_syntax_error(data):
    try:
        tree = parse(data)
    except DockerfileSyntaxError as error:
        found = error.span is not None or not data
    else:
        found = bool(tree.instructions)
    assert found


def bare(node: Node) -> Node:
    child = node.child and bare(node.child)
    return msgspec.structs.replace(node, span=Span(0), original="", child=child)


@settings(max_examples=133, deadline=None)
@given(SNIPPETS)
def test_printed_nodes_parse_to_equal_nodes(text):
    try:
        nodes = parse_nodes(text.encode())
    except DockerfileSyntaxError:
        return
    assume(all((node.child or node).keyword for node in nodes))
    _, escape = read_directives(split_lines(text))
    printed = print_nodes(nodes, escape)
    assert list(map(bare, parse_nodes(printed.encode()))) == list(map(bare, nodes))


VALUES = st.text("ab./", max_size=7)
TRIMS = st.builds(
    "${{v{}{}}}".format,
    st.sampled_from(["#", "##", "%", "%%"]),
    st.text("ab*?./", max_size=4),
).filter(lambda word: word[3:5] not in {"##", "%%"} or word[5:6] not in {"#", "%"})
REPLACEMENTS = st.builds(
    "${{v{}{}/{}}}".format,
    st.sampled_from(["/", "//"]),
    st.text("ab*?.", min_size=1, max_size=4),
    st.text("xy", max_size=2),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(VALUES, st.one_of(TRIMS, REPLACEMENTS)), min_size=1, max_size=40))
def test_patterns_in_substitutions_mean_what_bash_says(cases):
    bash = tool("bash") or lacking("`bash`")
    script = "".join(f"v='{value}'; printf '%s\\n' \"{word}\"\n" for value, word in cases)
    said = subprocess.run([bash, "-c", script], capture_output=True, text=True, check=True).stdout
    assert [expand(word, {"v": value}).text for value, word in cases] == said.split("\n")[:-1]


WORDS = st.lists(
    st.sampled_from(
        [*"ab $'\"\\`{}:/#%*?-+1@_\n\t", "${", "$a", "${a:-", "${a#", "${a//", "é", "[", "]"]
    ),
    max_size=30,
).map("".join)


@settings(max_examples=166, deadline=None)
@given(WORDS, st.sampled_from(["\\", "`"]))
def test_any_word_expands_or_is_an_expansion_error(word, escape):
    env = {"a": "x/y*z", "b": ""}
    try:
        whole = expand(word, env, escape)
        parts = split_words(word, env, escape)
    except ExpansionError:
        return
    assert whole.matched == parts.matched
    assert whole.unmatched == parts.unmatched
    assert "".join(whole.text.split()) == "".join("".join(parts.words).split())


@settings(max_examples=66, deadline=None)
@given(st.text(st.characters(exclude_characters="$'\"\\`"), max_size=40))
def test_a_word_without_special_characters_is_itself(word):
    assert expand(word, {}).text == word


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "type=",
                "cache",
                "bind",
                "tmpfs",
                "secret",
                "ssh",
                ",",
                '"',
                "id=x",
                "ro",
                "rw=1",
                "target=/x",
                "from=a",
                "from=$a",
                "sharing=locked",
                "size=1m",
                "mode=0700",
                "uid=-1",
            ]
        ),
        max_size=8,
    ).map("".join)
)
def test_any_mount_text_is_a_mount_or_a_syntax_error(text):
    try:
        spec = parse_mount(text, str)
    except DockerfileSyntaxError:
        return
    assert spec.type.value in text or spec.type.value == "bind"


@settings(max_examples=66, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "a/b=c",
                "/dev/x",
                ",",
                '"',
                "=",
                "name=",
                "required",
                "required=",
                "true",
                "x",
                "F",
                " ",
            ]
        ),
        max_size=7,
    ).map("".join)
)
def test_any_device_text_is_a_device_or_a_syntax_error(text):
    try:
        device = parse_device(text)
    except DockerfileSyntaxError:
        return
    assert device.name
    if not set(device.name) & set(',"'):
        assert parse_device(f"name={device.name}") == ExecDevice(device.name)


def operations(data: bytes) -> int:
    """Return how many calls and line steps of Python code parsing takes."""
    count = 0

    def trace(frame, event, arg):
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        parse(data)
    except DockerfileSyntaxError:
        pass
    finally:
        sys.settrace(before)
    return count


def hostile(kind: str, size: int) -> bytes:
    return {
        "continuations": b"FROM a\nRUN " + b"a \\\n" * size + b"b\n",
        "quotes": b"FROM a\nENV a='" + b"x\\\n" * size + b"'\n",
        "instructions": b"FROM a\n" + b"RUN x\n" * size,
        "heredocs": b"FROM a\n" + b"RUN <<E\nx\nE\n" * size,
        "a heredoc": b"FROM a\nCOPY <<E /\n" + b"$x 'y\n" * size + b"E\n",
        "comments": b"# a\n" * size + b"FROM a\n",
        "flags": b"FROM a\nRUN " + b"--mount=target=/x \\\n" * size + b"x\n",
        "dollars": b"FROM a\nRUN <<E " + b"${a:-x} \\\n" * size + b"\nE\n",
        "unknown": b"FROM a\n" + b"x" * 60000 + b" y\n" * size,
    }[kind]


def test_work_grows_in_step_with_the_size_of_the_file():
    """Four times the text takes at most five times the steps, whatever the text is made of."""
    kinds = ["continuations", "quotes", "instructions", "heredocs", "a heredoc", "comments"]
    for kind in [*kinds, "flags", "dollars", "unknown"]:
        small, large = operations(hostile(kind, 100)), operations(hostile(kind, 400))
        assert large < 5 * small, kind


def test_a_megabyte_of_anything_is_parsed_or_refused():
    """No text of a megabyte hangs: C code that is not linear would."""
    for kind in ["continuations", "quotes", "a heredoc", "comments", "flags", "dollars"]:
        unit = len(hostile(kind, 2)) - len(hostile(kind, 1))
        try:
            parse(hostile(kind, 1_000_000 // unit))
        except DockerfileSyntaxError:
            continue
