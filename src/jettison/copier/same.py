"""What a COPY or ADD puts where the base has just that already.

In:  the planned layout and the base.
Out: paths whose files may be left out of the layer; what is known of the base instead, where only
     unpacking will show.

Which paths these are depends on the base, so they are part of the destination's digest. A file is
the same if type, mode, owner, size, time, attributes, bytes and hard links are; a directory if its
mode, owner, attributes and a time that it is given are, and nothing in it stays.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence

import msgspec

from jettison.copier.entry import SourceEntry, encoded_name, encoded_xattrs
from jettison.copier.layout import PlannedLayer
from jettison.copier.passwd import Owner
from jettison.copier.planned import InlineFile, SourceFile
from jettison.fs.tree import SECOND_NS, FileStat, Tree


class Same(msgspec.Struct, frozen=True):
    """What may be left out of a layer.

    Args:
        paths: Files and directories that may be the base's, sorted.
        covered: Stat results of the base's files that members of archives come to.
    """

    paths: tuple[str, ...] = ()
    covered: tuple[tuple[object, ...], ...] = ()


def same_as_base(
    layout: PlannedLayer,
    base: Tree,
    owner: Owner | None,
) -> Same:
    """Compare what is planned with the base.

    Args:
        layout: The plan.
        base: The root file system below.
        owner: Whom all files will belong to; None keeps owners.

    Raises:
        OSError: a file cannot be read.
    """
    inside = {path for path in layout.directories if _shows_base(layout, path)}
    same = [path for path in inside if _is_same_directory(layout, path)]
    covered: list[tuple[object, ...]] = []
    groups: dict[tuple[int, int], list[tuple[str, FileStat | None]]] = {}
    for path, file in layout.files.items():
        before = base.lstat(path) if path[: path.rfind("/")] in inside else None
        number, equal = file.number, before is not None
        if isinstance(file, SourceFile):
            entry = file.entry
            if before is None and entry.stat.nlink == 1:
                continue
            number = entry.leader if entry.leader >= 0 else number
            equal = before is not None and _is_same_file(
                base, path, before, file.tree, entry, owner
            )
        elif isinstance(file, InlineFile):
            continue
        elif before is not None:
            covered.append(_record(base, path, before))
        group = (file.source, number)
        groups.setdefault(group, []).append((path, before if equal else None))
    for names in groups.values():
        found = {None if before is None else before.identity for _, before in names}
        if None not in found and len(found) == 1:
            same += [path for path, _ in names]
    going = _without_parents(same, layout)
    return Same(tuple(sorted(going)), tuple(sorted(covered)) if going else ())


def _without_parents(same: Sequence[str], layout: PlannedLayer) -> set[str]:
    """Return those paths below which nothing stays."""
    going = set(same)
    staying = (path for path in (*layout.files, *layout.directories) if path not in going)
    for path in [*staying, *layout.whiteouts]:
        parent = path.rpartition("/")[0]
        while parent in going:
            going.discard(parent)
            parent = parent.rpartition("/")[0]
    return going


def _shows_base(layout: PlannedLayer, path: str) -> bool:
    """Tell whether names of the base's directory are seen in a directory of the layer."""
    planned = layout.directories[path]
    return planned.in_base and not planned.opaque and layout.base_stat(path) is not None


def _is_same_directory(layout: PlannedLayer, path: str) -> bool:
    planned, before = layout.directories[path], layout.base_stat(path)
    return (
        bool(path)
        and before is not None
        and (planned.mode, planned.uid, planned.gid) == (before.mode, before.uid, before.gid)
        and (planned.mtime_ns is None or _is_same_time(planned.mtime_ns, before))
        and dict(planned.xattrs) == layout.base_xattrs(path)
    )


def _is_same_file(
    base: Tree, path: str, before: FileStat, tree: Tree, entry: SourceEntry, owner: Owner | None
) -> bool:
    st = entry.stat
    uid, gid = (st.uid, st.gid) if owner is None else (owner.uid, owner.gid)
    if (entry.mode, uid, gid) != (before.mode, before.uid, before.gid):
        return False
    if not _is_same_time(st.mtime_ns, before):
        return False
    if stat.S_ISLNK(entry.mode):
        return entry.target == base.readlink(path)
    if not st.is_file:
        return not stat.S_ISREG(entry.mode) and st.rdev == before.rdev
    return (
        st.size == before.size
        and entry.xattrs == base.xattrs(path)
        and tree.file_digest(entry.origin) == base.file_digest(path)
    )


def _is_same_time(mtime_ns: int, before: FileStat) -> bool:
    """Tell whether a tar would have the same time: one of whole seconds."""
    return mtime_ns // SECOND_NS == before.mtime_ns // SECOND_NS


def _record(base: Tree, path: str, before: FileStat) -> tuple[object, ...]:
    content: object = before.rdev
    if before.is_file:
        content = base.file_digest(path)
    elif before.is_symlink:
        content = encoded_name(base.readlink(path))
    st = (before.mode, before.uid, before.gid, before.size, b"%d" % (before.mtime_ns // SECOND_NS))
    xattrs = {} if before.is_symlink else base.xattrs(path)
    return (encoded_name(path), *st, content, encoded_xattrs(xattrs), before.identity)
