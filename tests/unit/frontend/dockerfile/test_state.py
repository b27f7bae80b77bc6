"""What a compilation collects: vertices, and what its stages begin with."""

from __future__ import annotations

import pytest

from jettison.errors import Span
from jettison.frontend.base import (
    CompileRequest,
    GitContext,
    HttpContext,
    ImageContext,
    ImageRequest,
    LocalContext,
)
from jettison.frontend.dockerfile.parser import parse
from jettison.frontend.dockerfile.stages import StageGraph
from jettison.frontend.dockerfile.state import Build, clean
from jettison.frontend.dockerfile.syntax import From
from jettison.oci.config import ImageConfig, RootFS
from jettison.oci.digest import sha256_digest
from jettison.oci.platform import parse_platform
from jettison.plan.op import CopyOp, CopySource, HttpOp, ImageOp, LocalOp

AMD64 = parse_platform("linux/amd64")
LAYER = sha256_digest(b"layer")
ALPINE = "docker.io/library/alpine:latest"


def build_of(text, contexts=None, images=None) -> Build:
    request = CompileRequest(text.encode(), AMD64, AMD64, contexts=contexts or {})
    graph = StageGraph(request.contexts, AMD64, "\\")
    for each in parse(request.text).instructions:
        assert isinstance(each, From)
        graph.add(each, {})
    return Build(request, graph, images or {}, escape="\\", global_values={})


def image(*diff_ids) -> ImageConfig:
    return ImageConfig(architecture="amd64", os="linux", rootfs=RootFS("layers", diff_ids))


def test_equal_ops_are_one_vertex_with_the_first_name():
    build = build_of("FROM scratch\n")
    first = build.add(LocalOp("context"), name="one", span=Span(1))
    assert build.add(LocalOp("context"), name="two", span=Span(2)) is first
    assert build.add(LocalOp("other"), name="two") is not first
    assert [each.name for each in build.vertices.values()] == ["one", "two"]


def test_a_vertex_that_is_not_looked_up_takes_the_place_of_one_that_is():
    build = build_of("FROM scratch\n")
    build.add(LocalOp("context"), name="one")
    fresh = build.add(LocalOp("context"), name="two", ignore_cache=True)
    assert build.add(LocalOp("context"), name="three") is fresh
    assert list(build.vertices.values()) == [fresh]


def test_an_image_is_missing_until_its_config_is_there():
    text = "FROM --platform=linux/arm64 alpine AS a\nFROM a\nFROM scratch\n"
    request = ImageRequest(ALPINE, parse_platform("linux/arm64"))
    without, having = build_of(text), build_of(text, images={request: image(LAYER)})
    assert [without.is_missing(each) for each in without.graph.stages] == [True, False, False]
    assert [having.is_missing(each) for each in having.graph.stages] == [False, False, False]
    assert without.image_request(without.graph.stages[0]) == request
    assert having.image_config(having.graph.stages[0]) == image(LAYER)
    assert without.image_config(without.graph.stages[0]) is None


def test_an_image_with_layers_is_a_root_and_one_without_is_none():
    request = ImageRequest(ALPINE, AMD64)
    build = build_of("FROM alpine\n", images={request: image(LAYER)})
    root = build.root(build.graph.stages[0], "FROM alpine")
    assert (root.op, root.name, root.stage) == (ImageOp(ALPINE, AMD64, (LAYER,)), "FROM alpine", 0)
    empty = build_of("FROM alpine\n", images={request: image()})
    assert empty.root(empty.graph.stages[0], "FROM alpine") is None
    assert build_of("FROM scratch\n").root(build_of("FROM scratch\n").graph.stages[0], "") is None


@pytest.mark.parametrize(
    ("context", "files", "copy"),
    [
        (LocalContext(), LocalOp("a"), CopyOp(sources=(CopySource(path="/", input=0),), dest="/")),
        (
            HttpContext("https://u:p@h/x.tar"),
            HttpOp("https://u:p@h/x.tar", name="context"),
            CopyOp(sources=(CopySource(path="context", input=0),), dest="/", unpack=True),
        ),
    ],
)
def test_a_context_as_base_is_copied_or_unpacked(context, files, copy):
    build = build_of("FROM x AS a\n", {"a": context})
    root = build.root(build.graph.stages[0], "FROM a")
    source = build.vertices[root.inputs[0]]
    assert (root.op, source.op) == (copy, files)
    assert "u:p" not in source.name


def test_steps_name_git_contexts_without_their_credentials():
    build = build_of("FROM x AS a\n", {"a": GitContext("https://u:p@h/r.git#main")})
    files = build.input(build.graph.stages[0])
    assert files.vertex.name == "[context a] https://xxxxx:xxxxx@h/r.git#main"
    assert not files.is_root


def test_a_context_that_is_the_empty_image_has_no_root():
    build = build_of("FROM x AS a\n", {"a": ImageContext("scratch")})
    stage = build.graph.stages[0]
    assert build.image_request(stage) is None
    assert build.root(stage, "FROM a") is None


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (("/a", "b"), "/a/b"),
        (("/a", "/b"), "/b"),
        (("..", "../../x"), "/x"),
        (("//a//b/",), "/a/b"),
        (("/a", ".."), "/"),
        (("",), "/"),
    ],
)
def test_paths_are_absolute_and_clean(parts, path):
    assert clean(*parts) == path
