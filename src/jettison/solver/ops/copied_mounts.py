"""Mounts whose files are copied: of a context, and what a cache begins with.

In:  what a mount selects.
Out: a layer that holds a copy, so that the process cannot touch the user's files; a filled cache.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jettison.copier.destination import examine
from jettison.copier.select import select
from jettison.copier.write import write
from jettison.fs.ownership import Ownership
from jettison.fs.tree import Tree
from jettison.plan.op import ExecMount
from jettison.snapshot.stack import StackTree
from jettison.solver.ops.base import making
from jettison.solver.ops.bind_sources import BindSource, selected_path, selecting
from jettison.solver.result import StackResult
from jettison.solver.runtime import Runtime


def copy_context(
    mount: ExecMount, files: BindSource, tree: Tree, runtime: Runtime
) -> tuple[Path, str]:
    """Copy what a bind mount shows to a layer.

    Returns:
        The layer's directory, and the path in it that is to be mounted.
    """
    layer_store = runtime.drivers.layer_store
    root = tree.lstat(selected_path(tree, mount.source))
    is_directory = root is None or root.is_dir
    with making(layer_store) as active:
        _copy(mount, files, tree, active.upper, runtime.drivers.ownership)
        if root is not None and is_directory and mount.source != "/":
            # Its contents are copied; the mount shows the directory itself.
            runtime.drivers.ownership.set_mode(os.fspath(active.upper), stat.S_IMODE(root.mode))
            os.utime(active.upper, ns=(root.mtime_ns, root.mtime_ns))
        directory = layer_store.directory(layer_store.commit(active).id)
    # A copied directory's contents are at the root, a file is there under its name.
    return directory, "/" if is_directory else "/" + os.path.basename(mount.source.rstrip("/"))


def copy_seed(directory: Path, files: BindSource, mount: ExecMount, runtime: Runtime) -> None:
    """Copy what a new cache begins with into its directory."""
    result = files.result
    if isinstance(result, StackResult):
        tree: Tree = runtime.stacks.tree(result.root, lambda _item, _current, _total: None)
    else:
        tree = result.tree
    _copy(mount, files, tree, directory, runtime.drivers.ownership)


def _copy(
    mount: ExecMount, files: BindSource, tree: Tree, directory: Path, ownership: Ownership
) -> None:
    op = selecting(mount.source)
    selection = files.selection or select(op, (tree,))
    destination = examine(op, StackTree((), ownership), selection)
    write(destination, directory, ownership, created_ns=0)
