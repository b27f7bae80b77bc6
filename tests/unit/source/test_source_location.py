"""Texts that name contexts."""

from __future__ import annotations

import pytest

from jettison.errors import ContextError
from jettison.plan.op import GitOp
from jettison.source.location import locate, parse_git_url


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (".", "local"),
        ("/abs/path.git", "local"),
        ("https://host/repo.git", "git"),
        ("https://host/repo.git#v1:sub", "git"),
        ("https://host/repo.git?ref=v1", "git"),
        ("https://host/archive.tar.gz", "http"),
        ("http://host/Dockerfile", "http"),
        ("https://host/x?file=a.git", "http"),
        ("git@host:org/repo.git#main", "git"),
        ("git://host/repo", "git"),
        ("ssh://git@host/repo", "git"),
        ("github.com/org/repo", "git"),
        ("user@dir/with:colon", "local"),
    ],
)
def test_a_text_names_a_context(text: str, kind: str) -> None:
    assert locate(text).kind == kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://h/a.git", GitOp("https://h/a.git")),
        ("https://h/a.git#v1", GitOp("https://h/a.git", ref="v1")),
        ("https://h/a.git#:sub/dir", GitOp("https://h/a.git", subdir="sub/dir")),
        ("git@h:a.git#v1:s", GitOp("git@h:a.git", ref="v1", subdir="s")),
        ("https://h/a.git?branch=main", GitOp("https://h/a.git", ref="refs/heads/main")),
        ("https://h/a.git?tag=v1", GitOp("https://h/a.git", ref="refs/tags/v1")),
        (
            "https://h/a.git?ref=v1&subdir=s&keep-git-dir=1&submodules=false&checksum=abc1234",
            GitOp(
                "https://h/a.git",
                ref="v1",
                subdir="s",
                checksum="abc1234",
                keep_git_dir=True,
                submodules=False,
            ),
        ),
    ],
)
def test_a_git_url_has_parts(text: str, expected: GitOp) -> None:
    assert parse_git_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "https://h/a.git?ref=x#y",
        "https://h/a.git?ref=x&tag=y",
        "https://h/a.git?subdir=x#:y",
        "https://h/a.git?unknown=1",
        "https://h/a.git?keep-git-dir=maybe",
    ],
)
def test_a_contradiction_is_an_error_without_credentials(text: str) -> None:
    with pytest.raises(ContextError) as caught:
        parse_git_url(text.replace("//", "//user:secret@"))
    assert "secret" not in str(caught.value)
