"""What names of images say."""

from __future__ import annotations

import pytest

from jettison.lint.bases import BaseGuess, guess


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("alpine:3.20", BaseGuess("alpine", "musl", version="3.20")),
        ("python:3.11-alpine3.19", BaseGuess("python", "musl", version="3.11")),
        ("debian:12-slim", BaseGuess("debian", "glibc", "bookworm", (2, 36), "12")),
        ("debian:trixie", BaseGuess("debian", "glibc", "trixie", (2, 41))),
        ("golang:1.23-bullseye", BaseGuess("golang", "glibc", "bullseye", (2, 31), "1.23")),
        ("node", BaseGuess("node", "glibc")),
        ("ubuntu:24.04", BaseGuess("ubuntu", "glibc", "noble", (2, 39), "24.04")),
        (
            "gcr.io/distroless/static-debian12:nonroot",
            BaseGuess("static-debian12", "glibc", "bookworm", (2, 36)),
        ),
        ("example.com:5000/team/app:7", BaseGuess("app", version="7")),
        (f"debian:11@sha256:{'0' * 64}", BaseGuess("debian", "glibc", "bullseye", (2, 31), "11")),
        ("scratch", None),
        ("Not A Reference", None),
    ],
)
def test_a_name_says_what_an_image_probably_is(image, expected):
    assert guess(image) == expected
