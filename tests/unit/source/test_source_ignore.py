"""Ignore files."""

from __future__ import annotations

from pathlib import Path

import pytest

from copy_rig import fill
from jettison.errors import ContextError
from jettison.source.ignore import IgnoreFile, find_ignore_file, parse_ignore_file


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ()),
        (b"\xef\xbb\xbfa\n", ("a",)),
        (b"# comment\n #no comment\n", ("#no comment",)),
        (b"  a  \r\n\tb\n", ("a", "b")),
        (b"/a/b/\n./c\nd/../e\n../f\n", ("a/b", "c", "e", "../f")),
        (b"! /x/\n!!y\n", ("!x", "!!y")),
        (b"!\n", ("!",)),
        (b"/\n", ("/",)),
        (b"\xff\n", ("\udcff",)),
    ],
)
def test_lines_become_patterns(data: bytes, expected: tuple[str, ...]) -> None:
    assert tuple(pattern for _, pattern in parse_ignore_file(data)) == expected


def test_the_dockerfiles_own_ignore_file_counts_first(tmp_path: Path) -> None:
    root = fill(tmp_path, {".dockerignore": "a\n", "sub/my.Dockerfile.dockerignore": "b\n"})
    own = find_ignore_file(root, root / "sub/my.Dockerfile")
    assert own == IgnoreFile("my.Dockerfile.dockerignore", ("b",), (1,))
    assert find_ignore_file(root, root / "Dockerfile") == IgnoreFile(".dockerignore", ("a",), (1,))
    assert find_ignore_file(root, None).patterns == ("a",)
    assert find_ignore_file(root / "sub", None) == IgnoreFile("")


def test_nothing_is_matched_without_patterns() -> None:
    assert IgnoreFile("").matcher() is None
    assert IgnoreFile(".dockerignore").matcher() is None


@pytest.mark.parametrize("pattern", ["!", "[a"])
def test_a_malformed_pattern_names_file_and_line(tmp_path: Path, pattern: str) -> None:
    fill(tmp_path, {".dockerignore": f"fine\n\n# note\n{pattern}\n"})
    with pytest.raises(ContextError, match=r"`\.dockerignore:4`: "):
        find_ignore_file(tmp_path, None).matcher()


def test_an_ignore_file_that_is_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").mkdir()
    with pytest.raises(ContextError, match="is a directory"):
        find_ignore_file(tmp_path, None)


def test_a_link_out_of_the_context_is_not_followed(tmp_path: Path) -> None:
    root = fill(tmp_path / "context", {"inside": "a\n"})
    (tmp_path / "outside").write_text("b\n")
    (root / ".dockerignore").symlink_to("inside")
    assert find_ignore_file(root, None).patterns == ("a",)
    (root / ".dockerignore").unlink()
    (root / ".dockerignore").symlink_to("../outside")
    with pytest.raises(ContextError, match="link out of the build context"):
        find_ignore_file(root, root / "Dockerfile")
    outside = tmp_path / "Dockerfile"
    (tmp_path / "Dockerfile.dockerignore").symlink_to("outside")
    assert find_ignore_file(root, outside).patterns == ("b",), "the user's own choice"
