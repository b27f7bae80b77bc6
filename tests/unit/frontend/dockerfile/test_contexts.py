"""Which named context a name in the file means."""

from __future__ import annotations

import pytest

from jettison.frontend.base import HttpContext, ImageContext, LocalContext
from jettison.frontend.dockerfile.contexts import ContextBase, Contexts
from jettison.oci.platform import parse_platform

AMD64 = parse_platform("linux/amd64")
ARM64 = parse_platform("linux/arm64")
LOCAL = LocalContext()


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("alpine", "docker.io/library/alpine:latest"),
        ("docker.io/library/alpine", "alpine"),
        ("alpine:latest", "alpine"),
        ("alpine:3", "docker.io/alpine:3"),
        ("r.example.org/a/b", "r.example.org/a/b:latest"),
        ("Not A Reference", "Not A Reference"),
    ],
)
def test_a_name_is_compared_as_an_image_name(given, asked):
    found = Contexts({given: LOCAL}, AMD64).find(asked, None)
    assert found == ContextBase(given, LOCAL)


@pytest.mark.parametrize("asked", ["alpine:3", "alpine2", "r.example.org/alpine", ""])
def test_other_names_are_no_contexts(asked):
    assert Contexts({"alpine": LOCAL}, AMD64).find(asked, None) is None


def test_a_context_for_the_platform_comes_first():
    image = ImageContext("docker.io/library/x:1")
    contexts = Contexts({"base": LOCAL, "base::linux/arm64": image}, AMD64)
    assert contexts.find("base", ARM64) == ContextBase("base::linux/arm64", image)
    assert contexts.find("base", None) == ContextBase("base", LOCAL)
    assert contexts.find("base", AMD64) == ContextBase("base", LOCAL)


def test_a_context_for_one_platform_only_is_none_for_another():
    contexts = Contexts({"base::linux/amd64": LOCAL}, AMD64)
    assert contexts.find("base", None).key == "base::linux/amd64"
    assert contexts.find("base", ARM64) is None


@pytest.mark.parametrize("name", ["scratch", "SCRATCH", "context", "Context"])
def test_reserved_names_are_never_replaced(name):
    assert Contexts({name: LOCAL, name.lower(): LOCAL}, AMD64).find(name, None) is None


@pytest.mark.parametrize(
    ("context", "is_scratch"),
    [
        (ImageContext("scratch"), True),
        (ImageContext("docker.io/library/scratch:latest"), True),
        (ImageContext("docker.io/library/scratch:1"), False),
        (HttpContext("scratch"), False),
        (LOCAL, False),
    ],
)
def test_the_empty_image_may_be_a_context(context, is_scratch):
    assert ContextBase("x", context).is_scratch is is_scratch
