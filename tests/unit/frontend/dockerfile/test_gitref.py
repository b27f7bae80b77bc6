"""Which texts are git references, and what they mean."""

from __future__ import annotations

import pytest

from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile.gitref import GitReference, parse_git_reference


@pytest.mark.parametrize(
    "text",
    ["dir", "./git@host:x", "../a.git", "https://host/a.tar", "https://host/.git/x", "ftp://h/a.git",
     "a:b", "", "file.git", "C:/x"],
)  # fmt: skip
def test_paths_and_other_urls_are_none(text):
    assert parse_git_reference(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://h/a.git", GitReference("https://h/a.git")),
        ("http://u:p@h:80/a.git#", GitReference("http://u:p@h:80/a.git")),
        ("https://h/a.git#main", GitReference("https://h/a.git", "main")),
        ("https://h/a.git#:sub/dir", GitReference("https://h/a.git", "", "sub/dir")),
        ("git://h/a", GitReference("git://h/a")),
        ("ssh://git@h/a#v1:d", GitReference("ssh://git@h/a", "v1", "d")),
        ("git@h.com:o/r.git#x", GitReference("git@h.com:o/r.git", "x")),
        ("https://h/a.git?branch=b", GitReference("https://h/a.git", "refs/heads/b")),
        ("https://h/a.git?tag=t%2f1", GitReference("https://h/a.git", "refs/tags/t/1")),
        ("https://h/a.git?ref=r&subdir=s", GitReference("https://h/a.git", "r", "s")),
        (
            "https://h/a.git?commit=abcdef1&submodules=false&keep-git-dir=true",
            GitReference("https://h/a.git", "abcdef1", "", "abcdef1", True, False),
        ),
    ],
)
def test_references_are_taken_apart(text, expected):
    assert parse_git_reference(text) == expected


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?foo=1", 'unexpected query "foo"'),
        ("?ref=a&tag=b", "several"),
        ("?ref=a&ref=b", "more than once"),
        ("?ref=a#b", "ref conflicts"),
        ("?subdir=a#b:c", "subdir conflicts"),
        ("?commit=xyz", "not a commit"),
        ("?commit=abcdef1&checksum=abcdef2", "contradict"),
        ("?submodules=maybe", "invalid boolean"),
        ("?fetch-by-commit=maybe", "invalid boolean"),
        ("?mtime=never", "invalid mtime"),
    ],
)
def test_wrong_queries_are_refused(query, message):
    with pytest.raises(DockerfileSyntaxError, match=message):
        parse_git_reference("https://h/a.git" + query)
