"""Paths of a tree as users name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.errors import PathNotFoundError, UsageError
from jettison.fs.tree_walk import find_path, select_paths, walk_tree
from jettison.snapshot.stack import StackTree
from ownership_rig import OWNERSHIP


@pytest.fixture
def tree(tmp_path: Path) -> StackTree:
    for name in ("etc/ssl/certs", "usr/bin", "!odd"):
        (tmp_path / name).mkdir(parents=True)
    for name in (
        "etc/hosts",
        "etc/ssl/a.pem",
        "etc/ssl/certs/b.pem",
        "usr/bin/sh",
        "!odd/x",
        "a*b",
    ):
        (tmp_path / name).write_text(name)
    (tmp_path / "bin").symlink_to("/usr/bin")
    (tmp_path / "etc/out").symlink_to("../../../../etc/hosts")
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    return StackTree([tmp_path], OWNERSHIP)


def paths(tree: StackTree, *texts: str) -> list[str]:
    return [path for path, _, _ in select_paths(tree, texts, "app")]


def test_a_walk_has_directories_before_what_is_in_them_and_is_in_order(tree: StackTree) -> None:
    assert [path for path, _ in walk_tree(tree, "/etc")] == [
        "/etc/hosts",
        "/etc/out",
        "/etc/ssl",
        "/etc/ssl/a.pem",
        "/etc/ssl/certs",
        "/etc/ssl/certs/b.pem",
    ]
    assert paths(tree) == [path for path, _ in walk_tree(tree)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/etc/ssl", ["/etc/ssl", "/etc/ssl/a.pem", "/etc/ssl/certs", "/etc/ssl/certs/b.pem"]),
        ("bin", ["/bin"]),
        ("/bin/", ["/usr/bin", "/usr/bin/sh"]),
        ("/bin/sh", ["/usr/bin/sh"]),
        ("/bin/*", ["/usr/bin/sh"]),
        ("**/*.pem", ["/etc/ssl/a.pem", "/etc/ssl/certs/b.pem"]),
        ("/etc/*.pem", None),
        ("a*b", ["/a*b"]),
        ("!o*", ["/!odd", "/!odd/x"]),
        ("/etc/../../usr/bin/sh", ["/usr/bin/sh"]),
    ],
)
def test_a_name_means_what_a_pattern_or_a_path_does(
    tree: StackTree, text: str, found: list[str] | None
) -> None:
    if found is None:
        with pytest.raises(PathNotFoundError, match="fits"):
            paths(tree, text)
    else:
        assert paths(tree, text) == found


def test_a_path_is_yielded_once_and_knows_how_deep_it_is(tree: StackTree) -> None:
    found = list(select_paths(tree, ["/etc/ssl/certs", "/etc/*"], "app"))
    assert [(path, depth) for path, _, depth in found] == [
        ("/etc/ssl/certs", 0),
        ("/etc/ssl/certs/b.pem", 1),
        ("/etc/hosts", 0),
        ("/etc/out", 0),
        ("/etc/ssl", 0),
        ("/etc/ssl/a.pem", 1),
    ]


def test_links_are_followed_inside_the_tree_only(tree: StackTree) -> None:
    assert find_path(tree, "/etc/out", "app") == "/etc/hosts"
    with pytest.raises(PathNotFoundError, match="too many links"):
        find_path(tree, "/one", "app")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("/etc/hsots", "did you mean `/etc/hosts`?"),
        ("/ect/hosts", "did you mean `/etc`?"),
        ("/etc/nothing/at/all", "`jettison ls-files app /etc` lists what is there"),
    ],
)
def test_what_is_not_there_has_a_hint_about_what_is(tree: StackTree, text: str, hint: str) -> None:
    with pytest.raises(PathNotFoundError) as caught:
        find_path(tree, text, "app")
    assert caught.value.hint == hint


def test_a_pattern_that_is_none_is_a_usage_error(tree: StackTree) -> None:
    with pytest.raises(UsageError, match="is no pattern"):
        paths(tree, "/etc/[")
