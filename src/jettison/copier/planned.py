"""What a layer is planned to hold at a path: a directory, or one of three kinds of files.

In:  decisions of ``layout``, ``destination`` and ``members``.
Out: values with everything that is needed to make it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from jettison.copier.entry import SourceEntry
from jettison.fs.tree import Tree


class Directory(msgspec.Struct, frozen=True):
    """A directory of the layer.

    Args:
        mode: Type and permission bits.
        mtime_ns: None is the time at which the layer is made.
        xattrs: That belong to images.
        copied: Whether it comes from a source; else it is one of the base, or made on the way.
        in_base: Whether the base has a directory there, whose other names stay visible.
        stat_of_base: Whether something of the base's directory was kept although it is copied.
        opaque: Whether it hides what the base has below it.
        takes_group: Whether a set-group-ID directory that it is made in gives it its group.
        source: Index of the source that it comes from; -1 if it is not copied.
        fixed_mode: Whether such a directory does not give it the bit: its mode is set afterwards.
    """

    mode: int
    uid: int
    gid: int
    mtime_ns: int | None = None
    xattrs: Mapping[str, bytes] = {}
    copied: bool = False
    in_base: bool = False
    stat_of_base: bool = False
    opaque: bool = False
    takes_group: bool = False
    fixed_mode: bool = False
    source: int = -1


class SourceFile(msgspec.Struct, frozen=True, gc=False):
    """A file of a source.

    Args:
        source: Index of the source in the selection.
        number: Index of the entry in the source.
        tree: Where it is.
        entry: It.
    """

    source: int
    number: int
    tree: Tree
    entry: SourceEntry

    @property
    def mode(self) -> int:
        """Type and permission bits."""
        return self.entry.mode

    @property
    def target(self) -> str:
        """The target of a symbolic link."""
        return self.entry.target


class InlineFile(msgspec.Struct, frozen=True, gc=False):
    """A file whose bytes are in the Dockerfile; ``source`` and ``number`` as in ``SourceFile``."""

    source: int
    mode: int
    content: bytes
    number: int = 0
    target: str = ""


class ArchiveMember(msgspec.Struct, frozen=True, gc=False):
    """A member of an archive that is unpacked.

    Args:
        source: Index of the archive in the selection.
        number: Of the member in the archive; below 0, it is a file of the base that a hard link
            names: ``-1 - index`` in ``Destination.base_files``.
        mode: Type and permission bits.
        target: Of a symbolic link.
    """

    source: int
    number: int
    mode: int
    target: str = ""


LayerFile = SourceFile | InlineFile | ArchiveMember
