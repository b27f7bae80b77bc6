"""Opening selected files, and noticing when they are not what was selected any more.

In:  an entry of a selection and its tree.
Out: an open descriptor, or an open archive.

Security: a link in the last component is never followed, and of a tree that other programs may
write (a build context) only the very file that was selected is read: same inode, size and time.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from jettison.copier.entry import SourceEntry
from jettison.copier.select import Selected
from jettison.errors import ContextError
from jettison.fs.file_tree import FileTree
from jettison.fs.tree import Tree
from jettison.snapshot.outlined import OutlinedTree
from jettison.snapshot.stack import StackTree

if TYPE_CHECKING:
    from jettison.layer.archive import Archive

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


def is_immutable(tree: Tree) -> bool:
    """Tell whether the files of a tree never change: those of committed layers and blobs."""
    return isinstance(tree, StackTree | OutlinedTree | FileTree)


def open_source(tree: Tree, entry: SourceEntry) -> tuple[int, os.stat_result]:
    """Open a regular file and return its descriptor and stat result.

    Raises:
        ContextError: it is gone, is another file, or cannot be read.
    """
    try:
        descriptor = os.open(tree.host_path(entry.origin), _OPEN)
    except OSError as error:
        raise _unreadable(entry, error) from error
    st = os.fstat(descriptor)
    if not _is_same(tree, entry, st):
        os.close(descriptor)
        raise changed(entry)
    return descriptor, st


def check_unchanged(entry: SourceEntry, descriptor: int, before: os.stat_result) -> None:
    """Check that a file was not written while it was read.

    Raises:
        ContextError: it was.
    """
    after = os.fstat(descriptor)
    if (after.st_size, after.st_mtime_ns, after.st_ctime_ns) != (
        before.st_size,
        before.st_mtime_ns,
        before.st_ctime_ns,
    ):
        raise changed(entry)


def open_source_archive(source: Selected) -> Archive | None:
    """Open a source as an archive; None if it is not one.

    Raises:
        ContextError: the file is gone, is another file, or cannot be read.
    """
    if source.tree is None or not source.entries or not source.entries[0].stat.is_file:
        return None
    from jettison.layer.archive import open_archive  # only ADD needs it

    entry = source.entries[0]
    try:
        path = source.tree.host_path(entry.origin)
        archive = open_archive(path)
        st = os.lstat(path)
    except OSError as error:
        raise _unreadable(entry, error) from error
    if not _is_same(source.tree, entry, st):
        if archive is not None:
            archive.close()
        raise changed(entry)
    return archive


def check_still_same(source: Selected) -> None:
    """Check that the file of a source is what was selected, after it was read.

    Raises:
        ContextError: it is not.
    """
    if source.tree is None:
        return
    entry = source.entries[0]
    try:
        st = os.lstat(source.tree.host_path(entry.origin))
    except OSError as error:
        raise _unreadable(entry, error) from error
    if not _is_same(source.tree, entry, st):
        raise changed(entry)


def changed(entry: SourceEntry) -> ContextError:
    """Return the error for a file that is not what was selected."""
    return ContextError(
        f"`{entry.origin}` changed while it was copied",
        hint="build again when no other program writes to the build context",
    )


def _is_same(tree: Tree, entry: SourceEntry, found: os.stat_result) -> bool:
    st = entry.stat
    if not stat.S_ISREG(found.st_mode) or found.st_size != st.size:
        return False
    if is_immutable(tree):
        return True
    same_inode = (found.st_dev, found.st_ino) == st.identity
    return same_inode and found.st_mtime_ns == st.mtime_ns


def _unreadable(entry: SourceEntry, error: OSError) -> ContextError:
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
        return changed(entry)
    reason = (error.strerror or str(error)).lower()
    return ContextError(
        f"cannot read `{entry.origin}`: {reason}",
        hint="make it readable, or exclude it with the ignore file",
    )
