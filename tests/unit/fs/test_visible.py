from __future__ import annotations

import pytest

from jettison.fs import visible as module
from jettison.fs.visible import Seen, visible
from listing_rig import listing


def test_the_topmost_entry_is_seen() -> None:
    found = visible([listing({"/a": b"1", "/d": None}), listing({"/a": b"22"})])
    assert found.entries == {"/a": Seen(1, 0), "/d": Seen(0, 1)}
    assert [(each.path, each.seen, each.by) for each in found.hidden] == [("/a", Seen(0, 0), 1)]
    assert (found.size(Seen(1, 0)), found.mode(Seen(1, 0)) & 0o777) == (2, 0o644)


@pytest.mark.parametrize("few", [0, 16])
def test_what_hides_a_directory_hides_all_that_is_in_it(few, monkeypatch) -> None:
    monkeypatch.setattr(module, "_FEW", few)
    base = listing({"/d": None, "/d/x": b"1", "/d/e": None, "/d/e/y": b"1", "/da": b"1"})
    for top, left in (
        (listing({"/d": "-"}), {"/da"}),
        (listing({"/d": b"file"}), {"/d", "/da"}),
        (listing({"/d": None, "/d/z": b""}, opaque=("/d",)), {"/d", "/d/z", "/da"}),
        (listing({"/d": None, "/d/e": "-"}), {"/d", "/d/x", "/da"}),
        (listing({"/n": b""}, opaque=("/",)), {"/n"}),
    ):
        found = visible([base, top])
        assert set(found.entries) == left
        files = {each.path for each in found.hidden if base.is_file(each.seen.entry)}
        assert files == {"/d/x", "/d/e/y", "/da"} - set(found.entries)


def test_names_of_one_inode_have_one_entry_that_stands_for_them() -> None:
    found = visible([listing({"/a": b"1", "/b": "=/a"})])
    assert found.inode(found.entries["/b"]) == found.entries["/a"] == Seen(0, 0)
