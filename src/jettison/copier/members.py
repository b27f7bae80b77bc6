"""Where the members of an archive go that ADD unpacks.

In:  an archive, the directory it is unpacked into, the layout so far.
Out: the layout with directories and files for its members.

The destination is the root of the archive: links in a member's path are followed, but never lead
out of it. A member replaces what is there, unless both are directories: then the one that is
there takes the member's attributes. The root's own entry changes nothing. ``--chown`` holds for
members, ``--chmod`` does not.

Source: BuildKit's behaviour as its tests pin it. A ``.wh.`` member ends as a whiteout since
BuildKit writes it into the layer as it is.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from jettison.copier.layout import PlannedLayer
from jettison.copier.passwd import Owner
from jettison.copier.planned import ArchiveMember, Directory, LayerFile
from jettison.errors import SolveError, UnsafeArchiveError
from jettison.fs.overlay_form import OPAQUE_MARKER, WHITEOUT_META_PREFIX, WHITEOUT_PREFIX
from jettison.fs.resolve import resolve
from jettison.fs.tree import FileStat
from jettison.fs.xattr import is_image_xattr

if TYPE_CHECKING:
    from jettison.layer.archive import ArchiveEntry

_IMPLIED = Directory(stat.S_IFDIR | 0o755, 0, 0, takes_group=True, fixed_mode=True)


class BaseFile(msgspec.Struct, frozen=True):
    """A file of the base that a member is a hard link to: the layer holds it again."""

    path: str
    stat: FileStat
    xattrs: dict[str, bytes]


class MemberPlan:
    """Plans the members of one archive.

    Args:
        layout: The layer so far.
        source: Index of the archive in the selection.
        target: Where it is unpacked; a directory of the layout or the base, without links.
        owner: ``--chown``.
        base_files: Collects files of the base that are linked to; see ``ArchiveMember``.
    """

    def __init__(
        self,
        layout: PlannedLayer,
        source: int,
        target: str,
        owner: Owner | None,
        base_files: list[BaseFile],
    ) -> None:
        self._layout = layout
        self._source = source
        self._target = target
        self._owner = owner
        self._base_files = base_files
        self._parents: dict[str, str] = {}

    def add_all(self, members: Iterable[ArchiveEntry]) -> None:
        """Plan all members.

        Raises:
            SolveError: a file is in the way of a directory, or a hard link leads nowhere.
            UnsafeArchiveError: the archive is damaged or tries to escape.
        """
        for number, member in enumerate(members):
            if member.name:
                self._add(number, member)

    def _add(self, number: int, member: ArchiveEntry) -> None:
        layout = self._layout
        parent, _, name = member.name.rpartition("/")
        directory = self._directory(parent)
        layout.make_directories(directory, _IMPLIED)
        path = f"{directory}/{name}"
        if name.startswith(WHITEOUT_PREFIX):
            self._hide(directory, name)
            return
        linked = self._linked(member) if member.hard_link else None
        there = layout.mode(path)
        if there is not None and not (stat.S_ISDIR(there) and member.is_dir):
            if linked is not None and layout.files.get(path) == linked:
                return
            layout.replace(path)
            self._parents.clear()
        if member.is_dir:
            layout.copy_directory(path, self._copied(member))
        else:
            layout.put(
                path, linked or ArchiveMember(self._source, number, member.mode, member.link)
            )
            if member.is_symlink:
                self._parents.clear()

    def _directory(self, name: str) -> str:
        """Return where a member's directory is: links are followed as if the target were ``/``."""
        found = self._parents.get(name)
        if found is None:
            try:
                found = resolve(_Inside(self._layout, self._target), name)
            except OSError as error:
                raise UnsafeArchiveError(
                    f"`{name}` in the archive leads through too many links"
                ) from error
            found = self._parents[name] = self._target + ("" if found == "/" else found)
        return found

    def _copied(self, member: ArchiveEntry) -> Directory:
        owner = self._owner or Owner(member.uid, member.gid)
        xattrs = {name: value for name, value in member.xattrs.items() if is_image_xattr(name)}
        return Directory(
            member.mode,
            owner.uid,
            owner.gid,
            member.mtime_ns,
            xattrs,
            copied=True,
            source=self._source,
        )

    def _linked(self, member: ArchiveEntry) -> LayerFile:
        """Return the file that a hard link names."""
        layout = self._layout
        parent, _, name = member.hard_link.rpartition("/")
        path = f"{self._directory(parent)}/{name}"
        file = layout.files.get(path)
        if file is not None:
            return file
        st = layout.base_stat(path) if path not in layout.directories else None
        if st is None or st.is_dir:
            raise SolveError(
                f"`{member.name}` in the archive is a hard link to `{member.hard_link}`, which is"
                " no file"
            )
        self._base_files.append(BaseFile(path, st, layout.base_xattrs(path)))
        target = layout.readlink(path) if st.is_symlink else ""
        linked = ArchiveMember(self._source, -len(self._base_files), st.mode, target)
        layout.put(path, linked)
        return linked

    def _hide(self, directory: str, name: str) -> None:
        if name == OPAQUE_MARKER:
            self._layout.make_opaque(directory)
        elif not name.startswith(WHITEOUT_META_PREFIX):
            hidden = name[len(WHITEOUT_PREFIX) :]
            if hidden not in {"", ".", ".."}:
                self._layout.hide(f"{directory}/{hidden}")


class _Inside:
    """A directory of a layout as a root."""

    def __init__(self, layout: PlannedLayer, root: str) -> None:
        self._layout = layout
        self._root = root

    def lstat(self, path: str) -> FileStat | None:
        return self._layout.lstat(self._root + path)

    def readlink(self, path: str) -> str:
        return self._layout.readlink(self._root + path)
