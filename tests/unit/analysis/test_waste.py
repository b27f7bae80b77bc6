"""Waste, blamed; and where the usual measure of it (dive's) is wrong, with its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from jettison.analysis.waste import Cause, WastedFile, waste_groups, wasted_files
from jettison.fs.listing import Listing
from jettison.fs.visible import visible
from listing_rig import listing


def sized(sizes: dict[str, int], *, whiteouts: Sequence[str] = (), digest: bytes = b"") -> Listing:
    """A layer of files that are only as large as they say."""
    paths = sorted([*sizes, *whiteouts])
    return Listing(
        paths=paths,
        modes=[0 if path in whiteouts else 0o100644 for path in paths],
        uids=[0] * len(paths),
        gids=[0] * len(paths),
        sizes=[sizes.get(path, 0) for path in paths],
        raw_digests=digest * len(sizes),
    )


def dive(layers: Sequence[Listing]) -> tuple[float, int]:
    """Efficiency and wasted bytes by the formula of dive: all sizes of a path, and the smallest."""
    sizes: dict[str, list[int]] = {}
    for layer in layers:
        for path, mode, size in zip(layer.paths, layer.modes, layer.sizes, strict=True):
            if mode and size:
                sizes.setdefault(path, []).append(size)
    least, most = (sum(map(each, sizes.values())) for each in (min, sum))
    return least / most, sum(sum(each) for each in sizes.values() if len(each) > 1)


def test_a_file_whose_owner_changed_is_wasted_once_and_not_twice() -> None:
    layers = [sized({"/model": 970_000_000}, digest=b"m" * 32)] * 2
    assert dive(layers)[1] == 1_940_000_000
    files = wasted_files(visible(layers))
    assert files == [WastedFile("/model", 970_000_000, 0, 1, Cause.METADATA)]


def test_a_directory_that_is_deleted_is_wasted() -> None:
    layers = [
        listing(
            {"/etc": None, "/etc/nginx": None, "/etc/nginx/nginx.conf": b"c" * 2000}
            | {"/etc/nginx/public": b"p" * 3000}
        ),
        sized({"/etc/nginx/nginx.conf": 5000, "/etc/athing": 10_000}),
        sized({}, whiteouts=["/etc/nginx"]),
    ]
    assert dive(layers)[0] == 0.75
    shown = visible(layers)
    wasted = sum(each.bytes for each in wasted_files(shown))
    shipped = sum(sum(each.sizes) for each in layers)
    assert (shipped, wasted, (shipped - wasted) / shipped) == (20_000, 10_000, 0.5)
    assert {
        (each.bytes, each.introduced, each.hidden_by, each.cause) for each in wasted_files(shown)
    } == {
        (2000, 0, 1, Cause.REWRITE),
        (3000, 0, 2, Cause.DELETE),
        (5000, 1, 2, Cause.DELETE),
    }


@pytest.mark.parametrize(
    ("top", "cause"),
    [
        ({"/d/a": b"other"}, Cause.REWRITE),
        ({"/d/a": b"equal here"}, Cause.REWRITE),
        ({"/d/a": (b"the same 1", 0o600)}, Cause.METADATA),
        ({"/d/a": "-"}, Cause.DELETE),
        ({"/d/a": "elsewhere"}, Cause.REWRITE),
        ({"/d/a": "-", "/b": b"the same 1"}, Cause.MOVE),
        ({"/d/a": "b", "/b": b"the same 1"}, Cause.MOVE),
        ({"/d": "-", "/e": None, "/e/a": b"the same 1"}, Cause.MOVE),
        ({"/d": "-", "/e": None, "/e/a": b"the same 2"}, Cause.DELETE),
    ],
)
def test_causes(top, cause) -> None:
    found = wasted_files(visible([listing({"/d": None, "/d/a": b"the same 1"}), listing(top)]))
    assert found == [WastedFile("/d/a", 10, 0, 1, cause)]


def test_a_file_with_several_names_is_wasted_with_the_last_of_them() -> None:
    base = listing({"/a": b"12", "/b": "=/a"})
    assert wasted_files(visible([base, listing({"/a": "-"})])) == []
    both = visible([base, listing({"/a": "-"}), listing({"/b": b"1"})])
    assert wasted_files(both) == [WastedFile("/b", 2, 0, 2, Cause.REWRITE)]


def test_digests_that_listings_lack_are_asked_for_where_sizes_are_equal() -> None:
    layers = [sized({"/a": 5, "/b": 6}), sized({"/a": 5, "/b": 7})]
    assert {each.cause for each in wasted_files(visible(layers))} == {Cause.REWRITE}
    asked = []

    def digest(seen):
        asked.append(seen)
        return b"same"

    found = {each.path: each.cause for each in wasted_files(visible(layers), digest)}
    assert found == {"/a": Cause.METADATA, "/b": Cause.REWRITE}
    assert {each.entry for each in asked} == {0}


def test_groups_have_both_layers_one_cause_and_the_directory_that_holds_all() -> None:
    layers = [
        listing({"/a": None, "/a/x": b"11", "/a/y": b"222", "/z": b"4"}),
        listing({"/a": None, "/a/x": (b"11", 0o600), "/a/y": (b"222", 0o600), "/z": "-"}),
    ]
    found = waste_groups(wasted_files(visible(layers)))
    assert [(each.path, each.bytes, each.files, each.cause) for each in found] == [
        ("/a", 5, 2, Cause.METADATA),
        ("/z", 1, 1, Cause.DELETE),
    ]


@pytest.mark.parametrize("seed", range(40))
def test_waste_is_what_is_shipped_and_not_shown(seed: int) -> None:
    random = Random(seed)
    layers = []
    for _ in range(random.randint(2, 6)):
        entries: dict[str, object] = {}
        for name in "abc":
            kind = random.random()
            if kind < 0.2:
                entries[f"/{name}"] = "-"
            elif kind < 0.4:
                entries[f"/{name}"] = b"." * random.randint(0, 9)
            elif kind < 0.9:
                entries[f"/{name}"] = None
                entries[f"/{name}/x"] = random.choice([b"1", b"22", "-", "=/a/x", b""])
                entries[f"/{name}/y"] = random.choice([b"1", b"333", "-"])
        first = entries.get("/a/x")
        for name in [name for name, value in entries.items() if value == "=/a/x"]:
            if name == "/a/x" or not isinstance(first, bytes):
                entries[name] = b"55555"
        layers.append(listing(entries))
    shown = visible(layers)
    shipped = sum(
        size for each in layers for entry, size in enumerate(each.sizes) if entry not in each.links
    )
    inodes = {shown.inode(seen) for seen in shown.entries.values()}
    seen_bytes = sum(shown.size(inode) for inode in inodes)
    assert sum(each.bytes for each in wasted_files(shown)) == shipped - seen_bytes
