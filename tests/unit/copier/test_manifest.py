"""The files of a selection are read again from what its digest is of."""

from __future__ import annotations

import os
from pathlib import Path

from copy_rig import Bench
from jettison.copier.content import Preimages
from jettison.copier.manifest import held_by, read_selection
from jettison.copier.select import select
from jettison.fs.tree import Tree
from jettison.oci.digest import raw
from jettison.plan.op import CopyOp, CopySource


def selected(tree: Tree, *sources: str, **fields: object) -> tuple[bytes, CopyOp, Preimages]:
    op = CopyOp(
        sources=tuple(CopySource(path=each, input=0) for each in sources),
        dest="/",
        **fields,  # type: ignore[arg-type]
    )
    kept: Preimages = {}
    return raw(select(op, (tree,)).digest(kept)), op, kept


def test_files_are_named_by_their_paths_in_the_context(tmp_path: Path) -> None:
    tree = Bench(tmp_path).context({"a/b/c": "1", "a/d": "-> b", "top": "2", "a/e": None})
    digest, op, kept = selected(tree, "a", "top")
    found = read_selection(digest, op, kept.get)
    assert found is not None
    assert sorted(found.directories) == ["a", "a/b", "a/e"]
    below = found.below("a")
    assert below is not None
    assert sorted(below) == ["a/b", "a/d", "a/e"]
    assert (below["a/d"].kind, below["a/d"].content) == ("link", b"b")
    assert list(found.files) == ["top"]
    (deep,) = (found.below("a/b") or {}).values()
    assert deep.content == tree.file_digest("/a/b/c")


def test_wildcards_leave_directories_without_their_names(tmp_path: Path) -> None:
    tree = Bench(tmp_path).context({"x/one": "1", "x/two": "2", "x/deep/three": "3"})
    digest, op, kept = selected(tree, "x/*")
    found = read_selection(digest, op, kept.get)
    assert found is not None
    assert sorted(found.files) == ["x/one", "x/two"]
    assert list(found.directories) == [""]


def test_modes_and_patterns_count_as_they_do_for_the_digest(tmp_path: Path) -> None:
    tree = Bench(tmp_path).context({"a/b": "1", "a/c": "2"})
    digest, op, kept = selected(tree, "a", mode="600", exclude=("c",))
    found = read_selection(digest, op, kept.get)
    assert found is not None
    assert {path: oct(each.mode) for path, each in (found.below("a") or {}).items()} == {
        "a/b": "0o100600"
    }


def test_what_is_lost_is_not_known(tmp_path: Path) -> None:
    tree = Bench(tmp_path).context({"a/b/c": "1"})
    digest, op, kept = selected(tree, "a")
    assert set(held_by(digest, kept.get)) == set(kept)
    known = read_selection(digest, op, kept.get)
    assert known is not None
    del kept[known.directories["a/b"]]
    assert known.below("a/b") is None
    assert known.below("nowhere") == {}
    kept[known.directories["a"]] = b"\xc1 no MessagePack"
    assert known.below("a") is None
    del kept[digest]
    assert read_selection(digest, op, kept.get) is None


def test_names_need_not_be_text(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    tree = bench.context({"a/b": "1"})
    with open(os.fsencode(tmp_path / "context1/a") + b"/\xff", "wb") as file:
        file.write(b"2")
    digest, op, kept = selected(tree, "a")
    found = read_selection(digest, op, kept.get)
    assert found is not None
    assert sorted(found.below("a") or {}) == ["a/b", "a/\udcff"]
