"""The files of a planned layer, by how they are made.

In:  planned files by path, the owner of ``--chown``.
Out: ``LayerEntries``.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from jettison.copier.entry import SourceEntry
from jettison.copier.passwd import Owner
from jettison.copier.planned import InlineFile, LayerFile, SourceFile
from jettison.fs.tree import Tree

Owned = tuple[int, int]


class FileCopy(msgspec.Struct, frozen=True, gc=False):
    """A file of a source that comes to a path of the layer, with its owner there."""

    path: str
    tree: Tree
    entry: SourceEntry
    owner: Owned


class LayerEntries(msgspec.Struct, frozen=True):
    """What is to be made, each in the order of the plan.

    Args:
        inline: Files whose bytes are in the Dockerfile: path, file, owner.
        special: Links, FIFOs, devices, sockets.
        copies: Regular files.
        names: Further names of those: (path of the first, path).
        members: Of archives: index of the source → number of the member → its paths.
    """

    inline: list[tuple[str, InlineFile, Owned]]
    special: list[FileCopy]
    copies: list[FileCopy]
    names: list[tuple[str, str]]
    members: dict[int, dict[int, list[str]]]


def layer_entries(files: Iterable[tuple[str, LayerFile]], owner: Owner | None) -> LayerEntries:
    """Sort the files of a layer.

    Args:
        files: Planned files by path.
        owner: Whom they will belong to; None keeps the owners.
    """
    made = LayerEntries([], [], [], [], {})
    special, copies, names = made.special, made.copies, made.names
    given = None if owner is None else (owner.uid, owner.gid)
    leaders: dict[tuple[int, int], str] = {}
    for path, file in files:
        if isinstance(file, SourceFile):
            entry = file.entry
            st = entry.stat
            copy = FileCopy(path, file.tree, entry, given or (st.uid, st.gid))
            if not st.is_file:
                special.append(copy)
                continue
            if st.nlink > 1:
                first = entry.leader if entry.leader >= 0 else file.number
                leader = leaders.setdefault((file.source, first), path)
                if leader != path:
                    names.append((leader, path))
                    continue
            copies.append(copy)
        elif isinstance(file, InlineFile):
            made.inline.append((path, file, given or (0, 0)))
        else:
            made.members.setdefault(file.source, {}).setdefault(file.number, []).append(path)
    return made
