"""Directories that are made on a base: WORKDIR's, and the working directory of a process.

In:  a path and the base tree, or the destination planned for a WORKDIR.
Out: the missing directories in the layer directory, and those above them as the base has them.
"""

from __future__ import annotations

import stat
import time
from pathlib import Path

from jettison.copier.destination import Destination
from jettison.copier.layer_writer import LayerWriter
from jettison.copier.layout import PlannedLayer
from jettison.copier.planned import Directory
from jettison.fs.os_errors import storage_errors
from jettison.fs.ownership import Ownership
from jettison.fs.tree import Tree


def write_directory(
    destination: Destination, upper: Path, ownership: Ownership, *, created_ns: int
) -> None:
    """Write the layer of a WORKDIR; nothing when the directory is there.

    Args:
        destination: What ``examine`` planned.
        upper: An empty directory.
        ownership: How owners are kept in it.
        created_ns: Time of new directories, nanoseconds since the epoch.

    Raises:
        StorageError: the store cannot be written.
        HostError: this process may not give files away.
    """
    with storage_errors(upper), LayerWriter(upper, ownership, created_ns) as writer:
        writer.make_directories(destination)
        writer.finish(destination)


def make_directories(
    path: str,
    tree: Tree,
    upper: Path,
    ownership: Ownership,
    *,
    uid: int = 0,
    gid: int = 0,
    created_ns: int | None = None,
) -> str:
    """Make a directory and those above it in a layer, where the base lacks them.

    Args:
        path: Absolute; links are followed inside the root.
        tree: The base.
        upper: An empty layer directory.
        ownership: How owners are kept in it.
        uid: Owner of new directories.
        gid: Their group.
        created_ns: Their time, nanoseconds since the epoch; None is now.

    Returns:
        The path without links.

    Raises:
        SolveError: something else is in the way.
        StorageError: the store cannot be written.
    """
    layout = PlannedLayer(tree)
    target = layout.resolve(path)
    layout.make_directories(target, Directory(stat.S_IFDIR | 0o755, uid, gid))
    planned = Destination(None, (target,), layout.directories, layout.files)
    now_ns = created_ns if created_ns is not None else time.time_ns()
    write_directory(planned, upper, ownership, created_ns=now_ns)
    return target or "/"
