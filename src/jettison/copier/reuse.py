"""Reuse of the previous layer of an instruction: files that did not change are hard links into it.

In:  the committed layer and what was kept about it; the selection of now.
Out: which directories are the same, and their files as hard links.

A directory of a context whose names and stat results are the same (``Noted.seen``, which holds
change times) has the files that it had: they are linked without a look at any of them. Of other
directories each file is compared.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence

import msgspec

from jettison.copier.destination import Destination
from jettison.copier.select import Selection
from jettison.fs.tree import Scanning

NO_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK})
"""What linking fails with where a copy does as well."""

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class PreviousLayer(msgspec.Struct, frozen=True):
    """The layer that the previous build made of the same instruction.

    Args:
        root: The committed layer's directory.
        digests: By path below it, raw sha256 of files without extended attributes; and by path
            with a slash at its end, what the files of a directory were made from (``made_from``).
    """

    root: str
    digests: Mapping[str, bytes]


def made_from(selection: Selection, destination: Destination) -> dict[str, bytes]:
    """Return what files of the layer's directories are made from, by path of the directory.

    Equal bytes stand for equal files: names, content, owners, modes and times. Directories are
    left out that are not determined by one directory of a context.
    """
    if len(selection.sources) != 1:
        return {}
    source, target = selection.sources[0], destination.targets[0]
    tree, given = source.tree, destination.owner
    if not (source.is_dir and source.rules.change_nothing and isinstance(tree, Scanning)):
        return {}
    owner = b"" if given is None else b"%d:%d" % (given.uid, given.gid)
    found = {}
    for entry in source.entries:
        if stat.S_ISDIR(entry.mode):
            noted = tree.noted(entry.origin)
            if noted is not None:
                path = f"{target}/{entry.path}" if entry.path else target
                found[path] = noted.seen + owner
    return found


def link_files(
    previous: PreviousLayer,
    directory: str,
    paths: Sequence[str],
    into: int,
    digests: dict[str, bytes],
) -> Sequence[str]:
    """Link files of one directory of the previous layer into the same directory of another layer.

    Args:
        previous: The layer.
        directory: Where the files are.
        paths: Of the files.
        into: Descriptor of the other layer's directory.
        digests: Gets those of the files that were linked, by path below the layer.

    Returns:
        Paths of those that were not.
    """
    if not paths:
        return ()
    known, link, start = previous.digests, os.link, len(directory) + 1
    linked = 0
    origin = os.open(previous.root + directory, _OPEN_DIRECTORY)
    try:
        for path in paths:
            name, digest = path[start:], known.get(path[1:])
            if digest is None:
                break
            link(name, name, src_dir_fd=origin, dst_dir_fd=into, follow_symlinks=False)
            digests[path[1:]] = digest
            linked += 1
    except OSError as error:
        if error.errno not in NO_LINK:
            raise
    finally:
        os.close(origin)
    return paths[linked:]
