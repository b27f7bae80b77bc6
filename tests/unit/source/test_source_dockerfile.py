"""Dockerfiles that are there, hidden behind links, or something else."""

from __future__ import annotations

import os

import pytest

from copy_rig import fill
from jettison.errors import ContextError
from jettison.source.dockerfile import (
    MAX_DOCKERFILE_BYTES,
    no_dockerfile,
    read_dockerfile,
    read_inside,
)
from jettison.source.local import LocalTree


def test_a_file_is_its_bytes_and_nothing_is_none(tmp_path):
    (tmp_path / "Dockerfile").write_bytes(b"FROM x\xff")
    assert read_dockerfile(tmp_path / "Dockerfile") == b"FROM x\xff"
    assert read_dockerfile(tmp_path / "other") is None


@pytest.mark.parametrize(
    ("name", "reason"), [("pipe", "is a pipe"), ("large", "is larger than 16 MiB")]
)
def test_what_cannot_be_read_is_told(tmp_path, name, reason):
    os.mkfifo(tmp_path / "pipe")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(MAX_DOCKERFILE_BYTES + 1)
    with pytest.raises(ContextError) as caught:
        read_dockerfile(tmp_path / name)
    assert caught.value.message == f"failed to read dockerfile: open {tmp_path / name}: {reason}"
    assert caught.value.hint == "choose another with `-f`"


def test_links_in_a_context_stay_inside(tmp_path):
    (tmp_path / "Dockerfile").write_text("outside")
    context = LocalTree(
        fill(
            tmp_path / "context",
            {"a/b/Dockerfile": "inside", "up": "-> ../../a/b", "abs": "-> /a/b/Dockerfile",
             "out": "-> ../Dockerfile", "loop": "-> loop", "dir/x": ""},
        )
    )  # fmt: skip
    assert read_inside(context, "up/Dockerfile") == b"inside"
    assert read_inside(context, "abs") == b"inside"
    assert read_inside(context, "out") is None
    with pytest.raises(ContextError) as caught:
        read_inside(context, "dir")
    assert caught.value.message == "`dir` is a directory, no regular file"
    with pytest.raises(ContextError, match="failed to read dockerfile: open loop: "):
        read_inside(context, "loop")


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        ({}, "choose the Dockerfile with `-f`"),
        ({"x": ""}, "choose the Dockerfile with `-f`"),
        ({"dockerfile": ""}, "did you mean `-f dockerfile`?"),
        (
            {"web/Dockerfile": "", "api/Containerfile": "", ".git/Dockerfile": ""},
            "choose the Dockerfile with `-f`",
        ),
        (
            {"Dockerfile.dockerignore": "", "app.Dockerfile": ""},
            "did you mean `-f app.Dockerfile`?",
        ),
        ({"Dockerfile": None}, "choose the Dockerfile with `-f`"),
        (
            {f"{n}.dockerfile": "" for n in range(9)},
            "did you mean `-f 0.dockerfile` or `-f 1.dockerfile` or `-f 2.dockerfile`?",
        ),
    ],
)
def test_files_that_look_like_one_are_named(tmp_path, files, hint):
    error = no_dockerfile(LocalTree(fill(tmp_path / "c", files)), "Dockerfile")
    assert error.message == (
        "failed to read dockerfile: open Dockerfile: no such file or directory"
    )
    assert error.hint == hint


def test_only_files_of_the_directory_that_was_named_are_offered(tmp_path):
    context = LocalTree(fill(tmp_path / "c", {"Dockerfile": "", "sub/dev.Dockerfile": ""}))
    assert no_dockerfile(context, "sub/Dockerfile").hint == "did you mean `-f sub/dev.Dockerfile`?"
    for name in ("nowhere/Dockerfile", "/elsewhere/Dockerfile", "sub/../../Dockerfile"):
        assert no_dockerfile(context, name).hint == "choose the Dockerfile with `-f`", name


def test_a_file_of_the_working_directory_does_not_hide_the_one_that_is_meant(tmp_path, monkeypatch):
    root = fill(tmp_path / "c", {"app.Dockerfile": ""})
    monkeypatch.chdir(tmp_path)
    assert no_dockerfile(LocalTree(root), "Dockerfile", root).hint == (
        "did you mean `-f app.Dockerfile`?"
    )
    (tmp_path / "app.Dockerfile").write_text("another")
    assert no_dockerfile(LocalTree(root), "Dockerfile", root).hint == (
        f"did you mean `-f {root}/app.Dockerfile`?"
    )
