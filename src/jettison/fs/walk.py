"""Walks of host directories in one order on every machine.

In:  a directory of the host.
Out: (path relative to it, ``lstat`` results) of everything below, lazily; a directory comes before
     what is in it, names of one directory are sorted by their bytes.

No link is followed. Names that are not UTF-8 come surrogate-escaped, as ``os.fsencode`` undoes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path


def sorted_names(names: list[str]) -> list[str]:
    """Return names in the order of their bytes.

    >>> sorted_names(["b", "a-c", "B", "a"])
    ['B', 'a', 'a-c', 'b']
    """
    if "".join(names).isascii():
        return sorted(names)
    return sorted(names, key=os.fsencode)


def walk(root: str | Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what is below a directory: ``("a", …), ("a/b", …), ("a.c", …)``; not the root itself.

    Files that vanish during the walk are left out.

    Raises:
        OSError: a directory cannot be read.
    """
    base = os.fspath(root).rstrip("/") + "/"
    pending = [(name, "") for name in reversed(sorted_names(os.listdir(base)))]
    while pending:
        name, parent = pending.pop()
        path = parent + name
        try:
            st = os.lstat(base + path)
            inside = os.listdir(base + path) if stat.S_ISDIR(st.st_mode) else []
        except FileNotFoundError:
            continue
        yield path, st
        if inside:
            parent = path + "/"
            pending += [(each, parent) for each in reversed(sorted_names(inside))]
