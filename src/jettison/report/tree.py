"""The files of an image as a tree of few nodes: what is small is summed up.

In:  paths with their sizes and who made them, in any order.
Out: the root's ``Node``. Its sums are those of all files, whatever was summed up.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from itertools import count
from operator import itemgetter
from typing import NamedTuple

from jettison.report.contents import Node

MOST_NODES = 3000
"""What a browser draws and searches at once."""

MOST_DEPTH = 64
"""Directories below are one node: values are written and read by recursion."""


class File(NamedTuple):
    """An entry of an image that is no directory.

    Args:
        path: From the root, with or without a slash before it.
        kind: ``file`` or ``link``.
        bytes: Its size; 0 for links, and for all but the first name of a file.
        origin: Index in ``Report.origins``.
        line: Of the Dockerfile, that put it into the image; 0 for a base image.
    """

    path: str
    kind: str
    bytes: int
    origin: int
    line: int = 0


class _Directory:
    """A directory while the tree is made: what is in it, and sums of all below."""

    __slots__ = ("by_origin", "bytes", "directories", "entries", "files")

    def __init__(self) -> None:
        self.directories: dict[str, _Directory] = {}
        self.entries: list[_Entry] = []
        self.bytes = 0
        self.files = 0
        self.by_origin: dict[int, int] = {}  # bytes, and 1 for each file, so that none is nobody's


_Entry = tuple[int, int, str, "_Directory | File"]
"""Bytes and files below 0, name, what: the largest is first where entries are sorted."""


def tree_of(files: Iterable[File], most: int = MOST_NODES) -> Node:
    """Return the tree of an image.

    The entries are shown that are the largest of the image, or of what one origin made, each below
    its directory. Those of a directory that there is no room for are one node at its end,
    ``… N files``.

    Args:
        files: All entries that are no directories, each path once.
        most: How many nodes there are at most; at least 2.
    """
    root = _read(files)
    _sum_up(root)
    return _node("", root, _choose(root, most))


def _read(files: Iterable[File]) -> _Directory:
    root = _Directory()
    places: dict[str, _Directory] = {}
    for file in files:
        above, _, name = file.path.strip("/").rpartition("/")
        place = places.get(above)
        if place is None:
            place = root
            for part in above.split("/", MOST_DEPTH) if above else ():
                place = place.directories.setdefault(part, _Directory())
            places[above] = place
        place.entries.append((-file.bytes, -1, name, file))
        place.bytes += file.bytes
        place.by_origin[file.origin] = place.by_origin.get(file.origin, 0) + file.bytes + 1
    return root


def _sum_up(place: _Directory) -> None:
    place.files = len(place.entries)
    owners = place.by_origin
    for name, directory in place.directories.items():
        _sum_up(directory)
        place.bytes += directory.bytes
        place.files += directory.files
        for origin, size in directory.by_origin.items():
            owners[origin] = owners.get(origin, 0) + size
        place.entries.append((-directory.bytes, -directory.files, name, directory))
    place.entries.sort(key=itemgetter(0, 1, 2))


def _choose(root: _Directory, most: int) -> set[int]:
    """Return the identities of the entries that are shown.

    An entry is worth its share of the image, or that of what one origin made, divided by how many
    there are: a program of some kilobytes is seen beside a base image of gigabytes.
    """
    totals = root.by_origin
    whole = sum(totals.values())
    shown: set[int] = set()
    room = most - 2  # the root, and what it sums up
    waiting: list[tuple[float, int, _Directory | File]] = []
    tickets = count()

    def wait(place: _Directory) -> None:
        for _, _, _, what in place.entries:
            if isinstance(what, _Directory):
                made = what.by_origin
                of_image = sum(made.values()) / whole
                of_origin = max(size / totals[origin] for origin, size in made.items())
            else:
                of_image = (what.bytes + 1) / whole
                of_origin = (what.bytes + 1) / totals[what.origin]
            worth = max(of_image, of_origin / len(totals))
            heapq.heappush(waiting, (-worth, next(tickets), what))

    wait(root)
    while waiting:
        _, _, what = heapq.heappop(waiting)
        room -= 2 if isinstance(what, _Directory) else 1  # a directory has what it sums up
        if room < 0:
            break
        shown.add(id(what))
        if isinstance(what, _Directory):
            wait(what)
    return shown


def _node(name: str, place: _Directory, shown: set[int]) -> Node:
    children = [
        _node(child, what, shown)
        if isinstance(what, _Directory)
        else Node(child, what.kind, what.bytes, 1, what.origin, what.line)
        for _, _, child, what in place.entries
        if id(what) in shown
    ]
    origin = max(place.by_origin, key=place.by_origin.__getitem__, default=0)
    left = place.files - sum(child.files for child in children)
    if left:
        name_of_rest = f"… {left} files" if left > 1 else "… 1 file"
        size = place.bytes - sum(child.bytes for child in children)
        children.append(Node(name_of_rest, "more", size, left, origin))
    return Node(name, "dir", place.bytes, place.files, origin, children=tuple(children))
