"""Rules of a COPY against what its plan says of every single file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jettison.copier.destination import examine
from jettison.copier.origins import copy_origins
from jettison.copier.planned import SourceFile
from jettison.copier.select import select
from jettison.errors import SolveError
from jettison.fs.host_tree import HostTree
from jettison.plan.op import CopyOp, CopySource
from jettison.provenance.origin import CopyOrigins, SourceKind, decode_origins, encode_origins

FILES = ("a/x", "a/d/y", "b/x", "b/d/z", "b/d/e/w", "c/x", "f")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> HostTree:
    root = tmp_path_factory.mktemp("tree")
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "link").symlink_to("b")
    return HostTree(root)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> HostTree:
    return HostTree(tmp_path_factory.mktemp("empty"))


def origins(tree: HostTree, op: CopyOp, base: HostTree) -> CopyOrigins:
    selection = select(op, [tree])
    return copy_origins(selection, examine(op, base, selection))


def op(*paths: str, dest: str = "/t/", **more: object) -> CopyOp:
    return CopyOp(tuple(CopySource(path, input=0) for path in paths), dest, **more)


def test_a_whole_directory_is_one_rule(tree: HostTree, tmp_path: Path) -> None:
    found = origins(tree, op("."), HostTree(tmp_path))
    assert found.rules == (("/t", 0),)
    assert found.find("/t/b/d/e/w").path == "/b/d/e/w"


def test_a_link_is_followed_and_a_pattern_gives_each_file(tree: HostTree, tmp_path: Path) -> None:
    found = origins(tree, op("link/x", "f*", dest="/o/"), HostTree(tmp_path))
    assert found.find("/o/x").path == "/b/x"
    assert found.find("/o/f").path == "/f"
    assert found.find("/o") is None


def test_parents_are_recreated(tree: HostTree, tmp_path: Path) -> None:
    found = origins(tree, op("b/./d/*/w", parents=True), HostTree(tmp_path))
    assert found.find("/t/d/e/w").path == "/b/d/e/w"


def test_a_file_of_the_dockerfile_has_its_name(tree: HostTree, tmp_path: Path) -> None:
    inline = CopyOp((CopySource(name="EOF", content=b"x"), CopySource("f", input=0)), "/t/")
    found = origins(tree, inline, HostTree(tmp_path))
    assert found.find("/t/EOF").source.kind is SourceKind.INLINE
    assert found.find("/t/f").path == "/f"


PLACES = [".", "a", "b", "b/d", "c", "f", "*/x", "link", "a/d/y", "[ab]"]


@settings(max_examples=150, deadline=None)
@given(
    paths=st.lists(st.sampled_from(PLACES), min_size=1, max_size=4),
    dest=st.sampled_from(["/t/", "/", "/t/d/"]),
)
def test_rules_say_of_every_file_what_the_plan_says(tree, empty, paths, dest) -> None:
    copied = op(*paths, dest=dest)
    selection = select(copied, [tree])
    try:
        destination = examine(copied, empty, selection)
    except SolveError:
        assume(condition=False)  # a file where a directory is needed
    found = decode_origins(encode_origins(copy_origins(selection, destination)))
    assert destination.files
    for path, file in destination.files.items():
        assert isinstance(file, SourceFile)
        origin = found.find(path)
        assert origin is not None
        assert origin.path == file.entry.origin
    for path, directory in destination.directories.items():
        if directory.copied:
            origin = found.find(path)
            assert origin is not None
            assert tree.lstat(origin.path).is_dir
