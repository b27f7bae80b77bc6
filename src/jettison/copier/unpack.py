"""Writes the members of an archive that ADD unpacks.

In:  the archive, the destination with the places of its members.
Out: files in the layer directory. The archive is read once more, front to back; what replaced
     what was decided before, so each file is written once.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence

from jettison.copier.destination import Destination
from jettison.copier.layer_writer import LayerWriter
from jettison.copier.members import BaseFile
from jettison.copier.open import changed, check_still_same, open_source_archive
from jettison.copier.select import Selected
from jettison.fs.bytes import ByteCopier
from jettison.fs.tree import Tree
from jettison.fs.xattr import is_image_xattr
from jettison.layer.archive import ArchiveEntry

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def write_members(
    source: Selected,
    wanted: Mapping[int, Sequence[str]],
    destination: Destination,
    writer: LayerWriter,
) -> None:
    """Write the files of one archive.

    Args:
        source: The archive.
        wanted: Paths of the layer by number of the member; see ``ArchiveMember``.
        destination: What was planned.
        writer: Of the layer; directories are made.

    Raises:
        ContextError: the archive changed since it was looked at.
        UnsafeArchiveError: it is damaged.
        HostError: this process may not make such files.
    """
    left = dict(wanted)
    archive = open_source_archive(source)
    if archive is None:
        raise changed(source.entries[0])
    owner = (destination.owner.uid, destination.owner.gid) if destination.owner else None
    with archive:
        for number, member in enumerate(archive):
            paths = left.pop(number, None)
            if paths is not None:
                _write_member(member, paths[0], owner or (member.uid, member.gid), writer)
                _link_others(paths, writer)
    check_still_same(source)
    for number, paths in left.items():
        if number >= 0 or destination.base is None:
            raise changed(source.entries[0])
        file = destination.base_files[-1 - number]
        _write_base_file(destination.base, file, paths[0], writer)
        _link_others(paths, writer)


def _write_member(
    member: ArchiveEntry, path: str, owner: tuple[int, int], writer: LayerWriter
) -> None:
    parent, _, name = path.rpartition("/")
    directory = writer.directory(parent)
    mode = member.mode
    if stat.S_ISREG(mode):
        target = writer.create(directory, name)
        try:
            member.copy_to(target)
            writer.set_metadata(target, mode, owner, member.mtime_ns, _image_xattrs(member.xattrs))
        finally:
            os.close(target)
        return
    if stat.S_ISLNK(mode):
        os.symlink(member.link, name, dir_fd=directory)
    else:
        writer.make_node(directory, name, mode, member.rdev)
    writer.set_special_metadata(directory, name, mode, owner, member.mtime_ns)


def _write_base_file(tree: Tree, file: BaseFile, path: str, writer: LayerWriter) -> None:
    """Have a file of the base in the layer, as it is."""
    parent, _, name = path.rpartition("/")
    directory = writer.directory(parent)
    st = file.stat
    owner = (st.uid, st.gid)
    if not st.is_file:
        if st.is_symlink:
            os.symlink(tree.readlink(file.path), name, dir_fd=directory)
        else:
            writer.make_node(directory, name, st.mode, st.rdev)
        writer.set_special_metadata(directory, name, st.mode, owner, st.mtime_ns)
        return
    target = writer.create(directory, name)
    try:
        origin = os.open(tree.host_path(file.path), _OPEN)
        try:
            ByteCopier().copy(origin, target, os.fstat(origin))
        finally:
            os.close(origin)
        writer.set_metadata(target, st.mode, owner, st.mtime_ns, file.xattrs)
    finally:
        os.close(target)


def _link_others(paths: Sequence[str], writer: LayerWriter) -> None:
    for path in paths[1:]:
        parent, _, name = path.rpartition("/")
        writer.link(paths[0], writer.directory(parent), name)


def _image_xattrs(xattrs: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: value for name, value in xattrs.items() if is_image_xattr(name)}
