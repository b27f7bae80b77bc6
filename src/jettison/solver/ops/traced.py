"""Which copied files a RUN opens: the directories to watch, and what to keep of what was opened.

In:  the layers of the copies below a step; what its sandbox noticed.
Out: paths of directories; ``StepReads``.
"""

from __future__ import annotations

import posixpath
import stat
import time

from jettison.events import Warned
from jettison.fs.tree import Tree
from jettison.plan.vertex import Vertex
from jettison.provenance.reads import StepReads, encode_reads
from jettison.sandbox.base import Opened
from jettison.solver.runtime import Runtime

MOST_DIRECTORIES = 8192
"""So many are watched: the kernel lets a user have some ten thousand watches."""


def copied_directories(vertex: Vertex, runtime: Runtime, tree: Tree) -> tuple[str, ...]:
    """Return the directories that hold copied files when a step begins, sorted.

    Args:
        vertex: The step.
        runtime: Knows the copies below it.
        tree: The root file system that it runs on.
    """
    found: set[str] = set()
    for layer in runtime.copies_below(vertex.digest):
        listing = runtime.drivers.layer_store.listing(layer)
        if listing is not None:
            pairs = zip(listing.paths, listing.modes, strict=True)
            found |= {posixpath.dirname(path) for path, mode in pairs if stat.S_ISREG(mode)}
    there = ((path, tree.lstat(path)) for path in sorted(found))
    return tuple(path for path, st in there if st is not None and st.is_dir)


def keep_reads(
    vertex: Vertex, runtime: Runtime, name: str, directories: tuple[str, ...], opened: Opened | None
) -> None:
    """Keep what a step opened, and tell it if not everything is known.

    Args:
        vertex: The step.
        runtime: Keeps it.
        name: Under which.
        directories: All that should have been watched.
        opened: What was noticed.
    """
    if not directories:
        opened = Opened()
    missed = opened is None or not opened.is_whole or len(directories) > MOST_DIRECTORIES
    if missed:
        text = f"{vertex.name}: not all that it opened was noticed, so nothing is concluded from it"
        if opened is None:
            text = f"{vertex.name}: it was not traced: the system gives no more inotify instances"
        runtime.emit(Warned(time.time_ns(), text))
    if opened is not None:
        reads = StepReads(
            tuple(sorted(opened.directories)),
            tuple(sorted(opened.files)),
            tuple(sorted(opened.listed)),
            is_whole=not missed,
        )
        runtime.drivers.kept.origins.keep(name, encode_reads(reads))
