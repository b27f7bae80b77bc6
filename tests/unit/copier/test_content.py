"""What of a directory's files counts for a key, with notes and without."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from copy_rig import fill
from jettison.copier.content import contents_digest
from jettison.copier.entry import SourceEntry
from jettison.copier.select import select
from jettison.fs.host_tree import HostTree
from jettison.plan.op import CopyOp, CopySource
from jettison.snapshot.stack import StackTree
from ownership_rig import OWNERSHIP

FILES = {"d/a": "1", "d/s/b": "2", "d/link": "-> a", "d/empty": None}


def digest(root: Path, *, keeps_owner: bool = False) -> bytes:
    tree = StackTree([root], OWNERSHIP) if keeps_owner else HostTree(root, context=True)
    op = CopyOp((CopySource(path="/d/.", input=0),), "/", exclude=("none",))
    (source,) = select(op, (tree,)).sources
    entries: list[SourceEntry] = list(source.entries)
    assert entries[0].stat.is_dir
    return contents_digest(tree, entries, keeps_owner=keeps_owner, kept={})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "root", FILES)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: (d / "a").write_text("3"),
        lambda d: (d / "a").chmod(0o600),
        lambda d: (d / "a").rename(d / "aa"),
        lambda d: (d / "s/b").rename(d / "b"),
        lambda d: (d / "empty").rmdir(),
        lambda d: ((d / "link").unlink(), (d / "link").symlink_to("s/b")),
        lambda d: (d / "more").write_text(""),
        lambda d: os.mkfifo(d / "pipe"),
        lambda d: ((d / "s/b").unlink(), os.link(d / "a", d / "s/b")),
    ],
    ids=["bytes", "mode", "name", "place", "directory", "target", "file", "kind", "hard link"],
)
def test_what_a_copy_would_show_counts(root: Path, change: Callable[[Path], object]):
    before = digest(root)
    change(root / "d")
    assert digest(root) != before


def test_times_and_the_directory_s_own_name_do_not(root: Path):
    before = digest(root)
    os.utime(root / "d/a", ns=(1, 1))
    os.utime(root / "d", ns=(1, 1))
    assert digest(root) == before


def test_the_order_of_creation_does_not_count(root: Path, tmp_path: Path):
    other = fill(tmp_path / "other", dict(reversed(FILES.items())))
    assert digest(other) == digest(root)


@pytest.mark.needs_root
def test_owners_count_where_they_are_kept(root: Path):
    before = {keeps: digest(root, keeps_owner=keeps) for keeps in (True, False)}
    os.chown(root / "d/a", 7, 8)
    assert digest(root, keeps_owner=False) == before[False]
    assert digest(root, keeps_owner=True) != before[True]
