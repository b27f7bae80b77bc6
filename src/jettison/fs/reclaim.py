"""How much of the disk is free when files are removed.

In:  files and directories that are to go together.
Out: bytes.

Layers share files by hard links (``copier.reuse``): bytes are free when the last name goes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from jettison.fs.walk import walk


def reclaimed_bytes(roots: Iterable[Path]) -> int:
    """Return the bytes of regular files all of whose names are among what goes.

    What vanishes meanwhile, or cannot be read, counts nothing.
    """
    total = 0
    names: dict[tuple[int, int], int] = {}
    for root in roots:
        for st in _stats(root):
            if not stat.S_ISREG(st.st_mode):
                continue
            if st.st_nlink > 1:
                key = st.st_dev, st.st_ino
                names[key] = names.get(key, 0) + 1
                if names[key] != st.st_nlink:
                    continue
            total += st.st_size
    return total


def _stats(root: Path) -> Iterable[os.stat_result]:
    try:
        st = os.lstat(root)
        if not stat.S_ISDIR(st.st_mode):
            return [st]
        return [each for _, each in walk(root)]
    except OSError:
        return []
