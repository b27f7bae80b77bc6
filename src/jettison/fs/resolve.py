"""Symbolic links of a tree, followed as if its root were ``/``.

In:  a tree and a path in it that may hold ``.``, ``..`` and links.
Out: the path without them: absolute, normalised, never above the root.

Source: path_resolution(7), with the root of the tree as root directory; the limit of 255 links is
that of BuildKit's and containerd's resolvers.
"""

from __future__ import annotations

import errno
import os
from typing import Protocol

from jettison.fs.tree import FileStat

MAX_LINKS = 255


class LinkTree(Protocol):
    """What of a ``Tree`` is asked; layers that are only planned have no more."""

    def lstat(self, path: str) -> FileStat | None:
        """Return the stat result of a path, or None when there is nothing."""
        ...

    def readlink(self, path: str) -> str:
        """Return the target of a symbolic link."""
        ...


def resolve(tree: LinkTree, path: str, *, follow_last: bool = True) -> str:
    """Return where a path leads.

    Components that are not there, or that are below a file, are kept as they are: the result
    need not exist. A trailing ``/`` makes the last component be followed in any case.

    Args:
        tree: The tree.
        path: Relative paths begin at the root.
        follow_last: Whether a link as last component is followed.

    Raises:
        OSError: ELOOP, more than 255 links.
    """
    pending = [part for part in reversed(path.split("/")) if part and part != "."]
    follow_last = follow_last or path.endswith(("/", "/."))
    done: list[str] = []
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            if done:
                done.pop()
            continue
        current = "/" + "/".join((*done, part))
        st = tree.lstat(current)
        if st is None or not st.is_symlink or not (pending or follow_last):
            done.append(part)
            continue
        links += 1
        if links > MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        target = tree.readlink(current)
        if target.startswith("/"):
            done.clear()
        pending += [each for each in reversed(target.split("/")) if each and each != "."]
    return "/" + "/".join(done)
