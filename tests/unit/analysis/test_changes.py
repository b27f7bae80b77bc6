from __future__ import annotations

import msgspec
import pytest

from jettison.analysis.changes import Aspect, Kind, PathFacts, file_changes
from jettison.fs.visible import Seen, visible
from listing_rig import listing


def changes(one, other, *, equal=False):
    asked: list[tuple[Seen, Seen]] = []

    def compare(before: Seen, after: Seen) -> bool:
        asked.append((before, after))
        return equal

    found = list(file_changes(visible([listing(one)]), visible([listing(other)]), compare))
    return [(each.path, each.kind, each.aspects) for each in found], asked


@pytest.mark.parametrize(
    ("before", "after", "aspects"),
    [
        (b"a", b"aa", (Aspect.CONTENT,)),
        (b"a", (b"a", 0o600), (Aspect.CONTENT, Aspect.MODE)),
        (b"a", None, (Aspect.TYPE, Aspect.MODE)),
        (b"a", "link", (Aspect.TYPE,)),
        ("one", "two", (Aspect.TARGET,)),
        (None, (None, 0o700), (Aspect.MODE,)),
    ],
)
def test_what_is_different_of_a_path(before, after, aspects) -> None:
    found, _ = changes({"/p": before}, {"/p": after})
    assert found == [("/p", Kind.CHANGED, aspects)]


def test_files_of_one_size_are_compared_and_equal_ones_are_no_change() -> None:
    found, asked = changes({"/p": b"a", "/q": b"1"}, {"/p": b"b", "/q": b"22"}, equal=True)
    assert (found, len(asked)) == ([("/q", Kind.CHANGED, (Aspect.CONTENT,))], 1)


def test_paths_come_and_go_in_the_order_of_names() -> None:
    found, _ = changes(
        {"/d": None, "/d/x": b"1", "/d.e": b""}, {"/d.e": b"", "/a": b""}, equal=True
    )
    assert found == [
        ("/a", Kind.ADDED, ()),
        ("/d", Kind.REMOVED, ()),
        ("/d/x", Kind.REMOVED, ()),
    ]


def test_owners_and_attributes_are_compared() -> None:
    one = visible([listing({"/p": b"a"})])
    of_another = listing({"/p": b"a"})
    of_another = msgspec.structs.replace(of_another, uids=[5], xattrs={0: {"user.x": b"1"}})
    (change,) = file_changes(one, visible([of_another]), lambda _one, _other: True)
    assert change.aspects == (Aspect.OWNER, Aspect.ATTRIBUTES)
    assert change.after == PathFacts(0o100644, 5, 0, 1)
