"""Small trees on disk, and the way from an op to the files of its layer."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jettison.copier.destination import Destination, examine
from jettison.copier.select import Selection, select
from jettison.copier.write import write
from jettison.fs.host_tree import HostTree
from jettison.fs.tree import Tree
from jettison.plan.op import CopyOp, CopySource
from jettison.snapshot.stack import StackTree
from ownership_rig import OWNERSHIP

CREATED_NS = 1_700_000_000 * 10**9
MTIME_NS = 1_500_000_000 * 10**9

Files = Mapping[str, str | bytes | None]


def fill(root: Path, files: Files) -> Path:
    """Make files (text or bytes), links (``-> target``) and directories (None) below a root."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir(exist_ok=True)
        elif isinstance(content, str) and content.startswith("-> "):
            path.symlink_to(content[3:])
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            os.utime(path, ns=(MTIME_NS, MTIME_NS))
    return root


class Bench:
    """Copies in a temporary directory."""

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self._count = 0

    def context(self, files: Files) -> HostTree:
        """Return a build context."""
        self._count += 1
        return HostTree(fill(self.tmp / f"context{self._count}", files), context=True)

    def stage(self, *layers: Files) -> StackTree:
        """Return a root file system of committed layers."""
        directories = []
        for files in layers:
            self._count += 1
            directories.append(fill(self.tmp / f"layer{self._count}", files))
        return StackTree(directories, OWNERSHIP)

    def plan(
        self, op: CopyOp, trees: Sequence[Tree], base: Tree | None = None
    ) -> tuple[Selection, Destination]:
        """Select and examine."""
        selection = select(op, trees)
        return selection, examine(
            op, base if base is not None else StackTree((), OWNERSHIP), selection
        )

    def copy(
        self,
        op: CopyOp,
        trees: Sequence[Tree],
        base: Tree | None = None,
        *,
        link: bool = False,
    ) -> Path:
        """Write the layer of an op and return its directory."""
        _, destination = self.plan(op, trees, base)
        self._count += 1
        upper = self.tmp / f"upper{self._count}"
        upper.mkdir()
        write(destination, upper, OWNERSHIP, created_ns=CREATED_NS, link=link)
        return upper


def copy_op(*paths: str, **options: Any) -> CopyOp:
    """Make a CopyOp: source paths of input 0, then the destination."""
    sources = tuple(CopySource(path=path, input=0) for path in paths[:-1])
    return CopyOp(sources=sources, dest=paths[-1], **options)


def names(directory: Path) -> list[str]:
    """Return all paths below a directory, sorted; directories end with a slash."""
    return sorted(
        f"{path.relative_to(directory)}{'/' if path.is_dir() and not path.is_symlink() else ''}"
        for path in directory.rglob("*")
    )
