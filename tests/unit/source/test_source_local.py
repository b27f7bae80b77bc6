"""Local contexts."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from copy_rig import fill
from jettison.errors import ContextError
from jettison.fs.pattern import PatternMatcher
from jettison.source.local import LocalTree


def everything(context: LocalTree) -> list[str]:
    """Return all paths of a context."""
    found: list[str] = []
    pending = [""]
    while pending:
        directory = pending.pop()
        for name in context.names(directory or "/"):
            found.append(f"{directory}/{name}")
            facts = context.lstat(found[-1])
            assert facts is not None
            if facts.is_dir:
                pending.append(found[-1])
    return sorted(found)


def context(root: Path, *patterns: str) -> LocalTree:
    return LocalTree(root, ignored=PatternMatcher(patterns))


FILES = {"a": "a", "d/b": "b", "d/c.log": "c", "d/e/f": "f", "g/h/i": "i", "z.log": "z"}


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ((), ["/a", "/d", "/d/b", "/d/c.log", "/d/e", "/d/e/f", "/g", "/g/h", "/g/h/i", "/z.log"]),
        (("d", "g"), ["/a", "/z.log"]),
        (("*.log",), ["/a", "/d", "/d/b", "/d/c.log", "/d/e", "/d/e/f", "/g", "/g/h", "/g/h/i"]),
        (("**/*.log", "g"), ["/a", "/d", "/d/b", "/d/e", "/d/e/f"]),
        (("*", "!d/e/f"), ["/d", "/d/e", "/d/e/f"]),
        (("*", "!d/e/missing"), []),
        (("**", "!**/i"), ["/g", "/g/h", "/g/h/i"]),
        (("d/*",), ["/a", "/d", "/g", "/g/h", "/g/h/i", "/z.log"]),
        (("d", "!d/e", "d/e/f"), ["/a", "/d", "/d/e", "/g", "/g/h", "/g/h/i", "/z.log"]),
    ],
)
def test_what_is_ignored_is_not_there(
    tmp_path: Path, patterns: tuple[str, ...], expected: list[str]
) -> None:
    tree = context(fill(tmp_path, FILES), *patterns)
    assert everything(tree) == expected
    for path in ("/a", "/d", "/d/b", "/d/e/f", "/g/h/i", "/z.log"):
        fresh = context(tmp_path, *patterns)
        assert (fresh.lstat(path) is not None) == (path in expected), path


def test_everything_belongs_to_root_and_is_as_on_the_host(tmp_path: Path) -> None:
    fill(tmp_path, FILES | {"l": "-> d/b"})
    (tmp_path / "a").chmod(0o4711)
    tree = LocalTree(tmp_path)
    facts = tree.lstat("/a")
    assert facts is not None
    assert (facts.uid, facts.gid, stat.S_IMODE(facts.mode)) == (0, 0, 0o4711)
    assert tree.readlink("/l") == "d/b"
    assert tree.host_path("/d/b") == os.path.realpath(tmp_path / "d/b")
    assert tree.file_digest("/a") == tree.file_digest("/a")
    assert tree.xattrs("/a") == {}


def test_no_path_leads_through_a_link_or_out(tmp_path: Path) -> None:
    root = fill(tmp_path / "root", {"l": f"-> {tmp_path}/out", "f": "f"})
    fill(tmp_path / "out", {"secret": "s"})
    tree = LocalTree(root)
    for path in ("/l/secret", "/../out/secret", "/f/x", "/missing/x"):
        assert tree.lstat(path) is None
        assert tree.names(path.rpartition("/")[0]) == [] or path.startswith("/..")
        with pytest.raises(FileNotFoundError):
            tree.host_path(path)


def test_a_directory_that_became_a_link_is_never_listed(tmp_path: Path) -> None:
    root = fill(tmp_path / "root", {"d/sub/f": "f"})
    fill(tmp_path / "out", {"sub/secret": "s"})
    tree = LocalTree(root)
    assert tree.names("/d") == ["sub"]
    (root / "d").rename(root / "was")
    (root / "d").symlink_to(tmp_path / "out")
    with pytest.raises(ContextError, match="changed while it was read"):
        tree.names("/d/sub")


def test_one_build_sees_one_state(tmp_path: Path) -> None:
    tree = LocalTree(fill(tmp_path, {"a": "a"}))
    assert tree.names("/") == ["a"]
    fill(tmp_path, {"b": "b"})
    assert tree.names("/") == ["a"]
    assert tree.lstat("/b") is None


def test_the_root_may_be_a_link_but_must_be_a_directory(tmp_path: Path) -> None:
    fill(tmp_path, {"real/f": "f", "l": "-> real", "file": "x"})
    assert LocalTree(tmp_path / "l").names("/") == ["f"]
    with pytest.raises(ContextError, match="is not a directory"):
        LocalTree(tmp_path / "file")
    with pytest.raises(ContextError, match="no such file or directory"):
        LocalTree(tmp_path / "missing")


def test_the_pattern_that_hides_a_file_can_be_told(tmp_path: Path) -> None:
    tree = context(fill(tmp_path, FILES), "*.md", "d", "!d/e/f")
    assert tree.ignored_by("/d/b") == "d"
    assert tree.ignored_by("/d/e/f") is None
    assert tree.ignored_by("/missing.md") is None
    assert tree.ignored_by("/") is None


def test_names_are_sorted_by_their_bytes_and_need_not_be_utf_8(tmp_path: Path) -> None:
    for name in (b"b", b"\xff", b"a-c", b"a"):
        with open(os.fsencode(tmp_path) + b"/" + name, "wb"):
            pass
    assert LocalTree(tmp_path).names("/") == ["a", "a-c", "b", "\udcff"]
