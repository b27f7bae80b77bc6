"""Files of the layer that an earlier build made of the same instruction are linked."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from copy_rig import CREATED_NS, copy_op, fill
from jettison.copier.destination import examine
from jettison.copier.reuse import PreviousLayer
from jettison.copier.select import select
from jettison.copier.write import write
from jettison.fs.digest import FileDigests, file_sha256
from jettison.fs.tree import FileStat
from jettison.snapshot.stack import StackTree
from jettison.source.local import LocalTree
from ownership_rig import OWNERSHIP

pytestmark = pytest.mark.needs_root

FILES = {
    "a/one": "1",
    "a/two": "2",
    "a/link": "-> one",
    "b/three": "3",
    "b/deep/four": "4",
    "top": "t",
}


class Builds:
    """Layers of one context, each made with the help of the last."""

    def __init__(self, tmp: Path) -> None:
        self.root = fill(tmp / "context", FILES)
        self._tmp = tmp
        self._count = 0
        self._blob: bytes | None = None
        self._previous: PreviousLayer | None = None
        self.digests: dict[str, bytes] = {}
        self.asked: list[str] = []

    def file_memo(self, root: str) -> bytes | None:
        return self._blob

    def set_file_memo(self, root: str, blob: bytes) -> None:
        self._blob = blob

    def __call__(self, *, owner: str | None = None) -> Path:
        """Make a layer of ``COPY . /x``; ``asked`` are files whose digest was asked for."""
        asked = self.asked = []

        class Asked(FileDigests):
            def digest(self, path: str, facts: FileStat) -> bytes:
                asked.append(path)
                return super().digest(path, facts)

        self._count += 1
        tree = LocalTree(self.root, digests=Asked.load(self, self.root))
        op = copy_op(".", "/x", owner=owner)
        selection = select(op, [tree])
        selection.digest()
        asked.clear()
        upper = self._tmp / f"upper{self._count}"
        upper.mkdir()
        destination = examine(op, StackTree((), OWNERSHIP), selection)
        self.digests = write(
            destination, upper, OWNERSHIP, created_ns=CREATED_NS, previous=self._previous
        )
        self._previous = PreviousLayer(os.fspath(upper), self.digests)
        tree.save_digests()
        return upper / "x"


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builds:
    """A context whose files count as old; ctime cannot be set, so the clock goes ahead."""
    if os.geteuid() != 0:
        pytest.skip("files of layers belong to root")
    ahead = time.time_ns() + 3_600_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: ahead)
    return Builds(tmp_path)


def content(layer: Path) -> dict[str, tuple[object, ...]]:
    """Return what a layer holds."""
    found: dict[str, tuple[object, ...]] = {}
    for path in layer.rglob("*"):
        facts = path.lstat()
        text = os.readlink(path) if path.is_symlink() else path.is_file() and path.read_text()
        mtime_ns = None if path.is_dir() else facts.st_mtime_ns
        place = str(path.relative_to(layer))
        found[place] = (facts.st_mode, facts.st_uid, facts.st_gid, mtime_ns, text)
    return found


def shared(first: Path, second: Path) -> set[str]:
    """Return the regular files that are the same inode in both layers."""
    return {
        str(path.relative_to(first))
        for path in first.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and (second / path.relative_to(first)).exists()
        and path.samefile(second / path.relative_to(first))
    }


def test_directories_that_are_as_they_were_are_linked_unseen(builds: Builds) -> None:
    first = builds()
    (builds.root / "b/three").write_text("changed")
    second = builds()
    assert shared(first, second) == {"a/one", "a/two", "b/deep/four", "top"}
    assert builds.asked == ["/b/three", "/b/three"], "compared, then remembered"
    assert content(second) == content(first) | {"b/three": content(second)["b/three"]}
    assert (second / "b/three").read_text() == "changed"


def test_digests_of_linked_files_stay_known(builds: Builds) -> None:
    builds()
    builds()
    third = builds()
    for path, digest in builds.digests.items():
        if not path.endswith("/"):
            assert digest == file_sha256(third.parent / path)
    assert [path for path in builds.digests if path.endswith("/")] == [
        "x/",
        "x/a/",
        "x/b/",
        "x/b/deep/",
    ]


CHANGES: dict[str, Callable[[Path], object]] = {
    "mode": lambda root: (root / "a/one").chmod(0o755),
    "time": lambda root: os.utime(root / "a/one", ns=(5, 5)),
    "new": lambda root: (root / "a/new").write_text("n"),
    "gone": lambda root: (root / "a/one").unlink(),
    "renamed": lambda root: (root / "a/one").rename(root / "a/1"),
    "moved": lambda root: (root / "a/one").rename(root / "b/one"),
    "another file": lambda root: (
        (root / "n").write_text("N"),
        (root / "n").rename(root / "a/one"),
    ),
    "attribute": lambda root: os.setxattr(root / "a/one", "user.x", b"1"),
    "hard link": lambda root: os.link(root / "a/one", root / "b/one"),
    "a directory": lambda root: ((root / "a/one").unlink(), (root / "a/one").mkdir()),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_layer_is_the_same_with_and_without_an_earlier_one(
    builds: Builds, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    first = builds()
    before = content(first)
    change(builds.root)
    second = builds()
    builds._previous = None
    alone = builds()
    assert content(second) == content(alone)
    assert content(first) == before


def test_another_owner_makes_other_files(builds: Builds) -> None:
    first, second = builds(), builds(owner="7:8")
    assert shared(first, second) == set()
    facts = (second / "a/one").stat()
    assert (facts.st_uid, facts.st_gid) == (7, 8)
    assert shared(second, builds(owner="7:8")) == {
        "a/one",
        "a/two",
        "b/three",
        "b/deep/four",
        "top",
    }


def test_a_directory_with_a_file_that_was_written_meanwhile_is_not_trusted(
    builds: Builds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file keeps its size and mtime, so it is copied; its change time tells."""
    place = builds.root / "a/one"
    real = LocalTree.host_path

    def host_path(self: LocalTree, path: str) -> str:
        if path == "/a/one":
            before = place.stat()
            place.write_text("!")
            os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
        return real(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(LocalTree, "host_path", host_path)
        builds()
    assert "x/a/" not in builds.digests
    assert "x/a/one" not in builds.digests
    assert "x/b/" in builds.digests


def test_a_layer_of_which_nothing_is_known_is_not_linked(builds: Builds) -> None:
    first = builds()
    assert builds._previous is not None
    builds._previous = PreviousLayer(
        builds._previous.root,
        {path: each for path, each in builds.digests.items() if path.endswith("/")},
    )
    assert shared(first, builds()) == set()


def test_names_that_are_not_utf_8_are_copied_each_time(builds: Builds) -> None:
    with open(os.fsencode(builds.root) + b"/a/\xff", "wb") as file:
        file.write(b"raw")
    first = builds()
    assert all(path.isascii() for path in builds.digests)
    second = builds()
    assert (second / os.fsdecode(b"a/\xff")).read_text() == "raw"
    assert shared(first, second) == {"a/one", "a/two", "b/three", "b/deep/four", "top"}
