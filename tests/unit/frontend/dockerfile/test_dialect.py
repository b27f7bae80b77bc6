"""Which frontend a file asks for, in every form that BuildKit knows."""

from __future__ import annotations

import pytest

from jettison.frontend.dockerfile.dialect import asked_frontend, is_newer, is_ours, note_on
from jettison.frontend.dockerfile.reference import DOCKERFILE_VERSION


@pytest.mark.parametrize(
    ("text", "frontend"),
    [
        (b"", ""),
        (b"FROM a\n# syntax=b\n", ""),
        (b"# syntax=a/b\nFROM a\n", "a/b"),
        (b"\xef\xbb\xbf#syntax = a/b  \r\n", "a/b"),
        (b"# escape=`\n# SYNTAX=a/b --option\n", "a/b"),
        (b"# a comment\n# syntax=a/b\n", ""),
        (b"\n# syntax=a/b\n", ""),
        (b"#!/usr/bin/env docker\n# syntax=a/b\n", "a/b"),
        (b"// syntax=a/b\nrest", "a/b"),
        (b"// check=skip=all\n//syntax=a/b", "a/b"),
        (b"# escape=`\n// syntax=a/b\n", ""),
        (b'{"syntax": "a/b x", "other": {"syntax": 1}}', "a/b"),
        (b'{"syntax": 5}', ""),
        (b'{"syntax": "a/b"', ""),
        (b"[" * 100_000, ""),
        (b'{"a":' + b"[" * 100_000, ""),
        (b"# syntax=\xff\n", "\ufffd"),
    ],
)
def test_a_file_asks_for_a_frontend(text, frontend):
    assert asked_frontend(text, {}) == frontend


def test_the_build_argument_counts_instead():
    assert asked_frontend(b"# syntax=a/b\n", {"BUILDKIT_SYNTAX": "c/d x"}) == "c/d"


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("docker/dockerfile", True),
        ("docker/dockerfile:1", True),
        ("docker.io/docker/dockerfile-upstream:master", True),
        ("docker/dockerfile@sha256:" + "0" * 64, True),
        ("dockerfile.v0", True),
        ("me/dockerfile", False),
        ("docker/dockerfile-x", False),
    ],
)
def test_dockers_frontends_are_ours(name, ours):
    assert is_ours(name) is ours


@pytest.mark.parametrize(
    ("frontend", "newer"),
    [
        ("docker/dockerfile:1.29", False),
        ("docker/dockerfile:1.29.7-labs", False),
        ("docker/dockerfile:1", False),
        ("docker/dockerfile:1-labs", False),
        ("docker/dockerfile:2", True),
        ("docker/dockerfile:2-labs", True),
        ("docker/dockerfile:labs", False),
        ("docker.io/docker/dockerfile:1.30", True),
        ("docker/dockerfile:1.30.0-labs@sha256:00", True),
        ("docker/dockerfile-upstream:2.0-rc1", True),
        ("docker/dockerfile@sha256:00", False),
        ("dockerfile.v0", False),
        ("me/mine:9.9", True),
    ],
)
def test_versions_later_than_the_reference_are_noticed(frontend, newer):
    assert is_newer(frontend) == newer


def test_what_is_said_about_frontends():
    assert note_on(b"# syntax=docker/dockerfile:1.29\nFROM a\n", {}) == ""
    assert note_on(b"# syntax=docker/dockerfile:1-labs\nFROM a\n", {}) == ""
    newer = note_on(b"# syntax=docker/dockerfile:9.1\nFROM a\n", {})
    assert (
        newer
        == f"`docker/dockerfile:9.1` is newer than Dockerfile {DOCKERFILE_VERSION}, which is spoken here"
    )
    assert "is not used" in note_on(b"FROM a\n", {"BUILDKIT_SYNTAX": "me/mine:9.9"})
