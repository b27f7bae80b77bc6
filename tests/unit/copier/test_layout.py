"""A layer as it is planned, seen together with its base."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from copy_rig import fill
from jettison.copier.layout import PlannedLayer
from jettison.copier.planned import ArchiveMember, Directory
from jettison.errors import SolveError
from jettison.snapshot.stack import StackTree
from ownership_rig import OWNERSHIP

MADE = Directory(stat.S_IFDIR | 0o755, 0, 0)
FILE = ArchiveMember(0, 1, stat.S_IFREG | 0o644, "")
LINK = ArchiveMember(0, 2, stat.S_IFLNK | 0o777, "/dir")


@pytest.fixture
def layout(tmp_path: Path) -> PlannedLayer:
    files = {"dir/file": "x", "dir/sub/y": "", "link": "-> dir", "a": "-> b", "b": "-> a"}
    return PlannedLayer(StackTree([fill(tmp_path / "base", files)], OWNERSHIP))


def test_the_base_is_seen_until_something_is_put_there(layout):
    assert stat.S_ISREG(layout.mode("/dir/file"))
    assert layout.resolve("/link/file") == "/dir/file"
    assert layout.resolve("/link/new/../file") == "/dir/file"
    assert layout.resolve("/") == ""
    layout.put("/dir/file", FILE)
    assert layout.mode("/dir/file") == FILE.mode
    layout.put("/new", LINK)
    assert layout.resolve("/new/sub") == "/dir/sub"


def test_missing_directories_are_made_and_those_of_the_base_are_not(layout):
    layout.make_directories("/dir/sub/p/q", MADE)
    assert {each for each in layout.directories if each.endswith(("p", "q"))} == {
        "/dir/sub/p",
        "/dir/sub/p/q",
    }
    with pytest.raises(SolveError, match="mkdir /dir/file: not a directory"):
        layout.make_directories("/dir/file/x", MADE)


def test_links_of_the_base_that_lead_to_each_other_are_an_error(layout):
    with pytest.raises(SolveError) as caught:
        layout.resolve("/a/x")
    assert caught.value.message.startswith("cannot follow `/a/x`: ")


def test_what_is_hidden_or_below_an_opaque_directory_is_not_seen(layout):
    layout.hide("/dir/file")
    assert layout.mode("/dir/file") is None
    assert "/dir/file" in layout.whiteouts
    layout.make_opaque("/dir/sub")
    assert layout.mode("/dir/sub/y") is None
    assert stat.S_ISDIR(layout.mode("/dir/sub"))


def test_without_a_base_there_is_nothing():
    empty = PlannedLayer(None)
    assert empty.mode("/x") is None
    assert empty.base_xattrs("/x") == {}
    with pytest.raises(FileNotFoundError):
        empty.readlink("/x")


def test_without_a_base_the_root_takes_the_contents_of_a_directory():
    layout = PlannedLayer(None)  # as for `COPY --link directory /`
    layout.enter_directory("")
    assert stat.S_ISDIR(layout.directories[""].mode)
