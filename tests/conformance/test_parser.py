"""The parser against BuildKit's corpora and against BuildKit's own parser."""

from __future__ import annotations

import json

import dockerfile as buildkit
import pytest

from conformance import corpora
from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile.dump import to_json, to_sexpr
from jettison.frontend.dockerfile.parser import parse, parse_nodes
from jettison.frontend.dockerfile.syntax import Node


@pytest.mark.larger_corpora
@pytest.mark.parametrize("case", corpora.parameters(corpora.larger_cases("parser.json")))
def test_the_dump_of_the_tree_is_buildkits(case):
    assert to_sexpr(parse_nodes(case["dockerfile"].encode())) == case["dump"]


@pytest.mark.larger_corpora
@pytest.mark.parametrize("case", corpora.parameters(corpora.larger_cases("parser-negative.json")))
def test_what_is_no_dockerfile_is_an_error(case):
    with pytest.raises(DockerfileSyntaxError):
        parse(case["dockerfile"].encode())


@pytest.mark.parametrize("case", corpora.syntax_errors())
def test_errors_have_buildkits_text_and_line(case):
    with pytest.raises(DockerfileSyntaxError) as caught:
        parse(case["dockerfile"].encode())
    line = caught.value.span.line
    assert f"dockerfile parse error on line {line}: {caught.value}" == case["expected"]["message"]
    assert line == case["expected"]["line"]


def as_buildkit(node: Node) -> tuple[object, ...]:
    """Return a node as the reference parser's binding gives it: no separators, C strings."""
    inner = node.child or node
    args = inner.args
    if inner.keyword.upper() in {"ENV", "LABEL"}:
        args = tuple(arg for index, arg in enumerate(args) if index % 3 != 2)
    return (
        node.keyword.upper(),
        node.child.keyword.upper() if node.child else "",
        inner.is_json,
        "" if node.heredocs or node.child else node.original,
        (node.span.line, node.span.end_line),
        node.flags,
        tuple(arg.split("\0")[0] for arg in args),
        tuple(
            (each.name, each.file_descriptor, each.content)
            for each in node.heredocs
            if not node.child
        ),
    )


def by_buildkit(text: str) -> object:
    try:
        commands = buildkit.parse_string(text)
    except buildkit.GoParseError:
        return "error"
    return [
        (
            (each.cmd or "").upper(),
            (each.sub_cmd or "").upper(),
            each.json,
            "" if each.heredocs or each.sub_cmd else each.original,
            (each.start_line, each.end_line),
            each.flags,
            each.value,
            tuple(tuple(heredoc) for heredoc in each.heredocs),
        )
        for each in commands
    ]


def by_us(text: str) -> object:
    try:
        return [as_buildkit(node) for node in parse_nodes(text.encode())]
    except DockerfileSyntaxError:
        return "error"


def is_beyond_the_binding(text: str) -> bool:
    """Tell what the binding cannot show: text after an array, triggers of triggers, no name."""
    try:
        nodes = parse_nodes(text.encode())
    except DockerfileSyntaxError:
        return "[" in text
    for node in nodes:
        inner = node.child or node
        if inner.child is not None or not inner.keyword:
            return True
        for start in (index for index, arg in enumerate(inner.args) if arg.startswith("[")):
            try:
                json.JSONDecoder().raw_decode(" ".join(inner.args[start:]))
            except ValueError:
                continue
            return not inner.is_json
    return False


@pytest.mark.parametrize("text", corpora.texts(lambda text: not is_beyond_the_binding(text)))
def test_every_corpus_text_parses_as_the_reference_parser_does(text):
    assert by_us(text) == by_buildkit(text)


@pytest.mark.parametrize("text", corpora.texts())
def test_every_corpus_text_that_parses_has_a_json_dump(text):
    try:
        tree = parse(text.encode())
    except DockerfileSyntaxError:
        return
    assert f'"name": "{tree.instructions[-1].name}"' in to_json(tree)
