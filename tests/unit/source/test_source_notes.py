"""Notes about directories of a context: they save work and never change what is selected."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from copy_rig import MTIME_NS, copy_op, fill
from jettison.copier.select import select
from jettison.errors import ContextError
from jettison.fs.digest import FileDigests
from jettison.fs.host_tree import HostTree
from jettison.fs.pattern import PatternMatcher
from jettison.fs.tree import Scanned
from jettison.source.local import LocalTree

FILES = {
    "a": "a",
    "d/b": "b",
    "d/link": "-> b",
    "d/e/f": "f",
    "g/h/i": "i",
    "g/j.log": "j",
    "none": None,
}


class Table:
    """A memo table in memory."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def file_memo(self, root: str) -> bytes | None:
        return self.blobs.get(root)

    def set_file_memo(self, root: str, blob: bytes) -> None:
        self.blobs[root] = blob


class Build:
    """Builds of one context with one memo."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.table = Table()
        self.looked_into: list[str] = []

    def __call__(self, *patterns: str) -> str:
        """Return the digest of ``COPY . /`` and remember which directories were looked into."""
        looked_into = self.looked_into = []

        class Counting(LocalTree):
            def scan(self, path: str) -> list[Scanned]:
                looked_into.append(path)
                return super().scan(path)

        digests = FileDigests.load(self.table, self.root)
        tree = Counting(self.root, ignored=PatternMatcher(patterns), digests=digests)
        digest = select(copy_op(".", "/"), [tree]).digest()
        tree.save_digests()
        return digest


def plain_digest(root: Path) -> str:
    """Return the digest that a tree without notes gives."""
    return select(copy_op(".", "/"), [HostTree(root, context=True)]).digest()


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """A context whose files count as old; ctime cannot be set, so the clock goes ahead."""
    ahead = time.time_ns() + 3_600_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: ahead)
    return Build(fill(tmp_path / "context", FILES))


def test_an_unchanged_directory_is_not_looked_into(build: Build) -> None:
    first = build()
    assert sorted(build.looked_into) == ["", "/d", "/d/e", "/g", "/g/h", "/none"]
    assert build() == first == plain_digest(build.root)
    assert build.looked_into == []


def _replace(path: Path, content: str) -> None:
    other = path.with_name("other")
    other.write_text(content)
    os.utime(other, ns=(MTIME_NS, MTIME_NS))
    other.rename(path)


def _rewrite(path: Path, content: str) -> None:
    path.write_text(content)
    os.utime(path, ns=(MTIME_NS, MTIME_NS))


def _relink(path: Path) -> None:
    path.unlink()
    path.symlink_to("e")


CHANGES: dict[str, Callable[[Path], object]] = {
    "replaced by one of equal size and time": lambda root: _replace(root / "d/e/f", "F"),
    "written, its time set back": lambda root: _rewrite(root / "d/e/f", "F"),
    "mode": lambda root: (root / "g/h/i").chmod(0o755),
    "mode of a directory": lambda root: (root / "g/h").chmod(0o700),
    "new": lambda root: (root / "none/new").touch(),
    "new directory": lambda root: (root / "g/new").mkdir(),
    "gone": lambda root: (root / "d/b").unlink(),
    "renamed": lambda root: (root / "d/b").rename(root / "d/c"),
    "moved": lambda root: (root / "d/b").rename(root / "g/b"),
    "a directory renamed": lambda root: (root / "g").rename(root / "k"),
    "names swapped": lambda root: _replace(root / "d/b", "a"),
    "another target": lambda root: _relink(root / "d/link"),
    "attribute": lambda root: os.setxattr(root / "d/b", "user.x", b"1"),
    "attribute of a directory": lambda root: os.setxattr(root / "d/e", "user.x", b"1"),
    "hard link": lambda root: os.link(root / "d/b", root / "d/c"),
    "hard link elsewhere": lambda root: os.link(root / "d/b", root / "a-link"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_is_noticed(build: Build, change: Callable[[Path], object]) -> None:
    build()
    before = build()
    change(build.root)
    after = build()
    assert after != before
    assert after == plain_digest(build.root)
    assert build() == after


def test_only_what_changed_is_looked_into(build: Build) -> None:
    build()
    _rewrite(build.root / "d/e/f", "F")
    build()
    assert build.looked_into == ["/d/e"]
    _replace(build.root / "d/e/f", "f")
    build()
    assert sorted(build.looked_into) == ["/d", "/d/e"], "a directory's own times changed"


def test_what_one_directory_does_not_tell_is_looked_at_each_time(build: Build) -> None:
    os.setxattr(build.root / "d/b", "user.x", b"1")
    build()
    build()
    assert build.looked_into == ["/d"]


def test_a_directory_of_files_changed_a_moment_ago_is_looked_into_again(tmp_path: Path) -> None:
    build = Build(fill(tmp_path, FILES))
    assert build() == build()
    assert sorted(build.looked_into) == ["", "/d", "/d/e", "/g", "/g/h"]


def test_each_ignore_file_has_its_own_view(build: Build, tmp_path: Path) -> None:
    whole = build()
    without_logs = fill(tmp_path / "other", {k: v for k, v in FILES.items() if "log" not in k})
    with_one_file = fill(tmp_path / "third", {"d/e/f": "f"})
    for _ in range(2):
        assert build("**/*.log") == plain_digest(without_logs)
        assert build("*", "!d/e/f") == plain_digest(with_one_file)
        assert build() == whole


def test_an_exception_below_an_excluded_directory_may_come_and_go(build: Build) -> None:
    patterns = ("d/*", "!d/e/x")
    without = build(*patterns)
    assert build(*patterns) == without
    (build.root / "d/e/x").write_text("x")
    assert build(*patterns) != without
    (build.root / "d/e/x").unlink()
    assert build(*patterns) == without


def test_what_was_read_instead_of_what_was_listed_is_not_noted(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files change places for the time of the read; both are older than the listing."""
    place, other = build.root / "d/e/f", build.root.parent / "other"
    other.write_text("F")
    real = LocalTree.file_digest

    def file_digest(self: LocalTree, path: str) -> bytes:
        if path != "/d/e/f":
            return real(self, path)
        place.rename(other.with_name("aside"))
        other.rename(place)
        try:
            return real(self, path)
        finally:
            place.rename(other)
            other.with_name("aside").rename(place)

    with monkeypatch.context() as patch:
        patch.setattr(LocalTree, "file_digest", file_digest)
        build()
    digests = FileDigests.load(build.table, build.root)
    tree = LocalTree(build.root, digests=digests)
    assert tree.noted("/g") is not None
    assert "/d/e" not in digests._notes
    assert build() == plain_digest(build.root)


def test_a_link_that_changes_meanwhile_is_an_error(build: Build) -> None:
    tree = LocalTree(build.root)
    assert tree.names("/d") == ["b", "e", "link"]
    _relink(build.root / "d/link")
    with pytest.raises(ContextError, match="link `/d/link` of the build context changed"):
        tree.readlink("/d/link")


def test_names_that_are_not_utf_8_are_never_remembered(build: Build) -> None:
    for name in (b"\xff", b"\xfe/x"):
        path = os.fsencode(build.root) + b"/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(name)
    assert build() == build() == plain_digest(build.root)
    assert build.looked_into == [os.fsdecode(b"/\xfe")]
