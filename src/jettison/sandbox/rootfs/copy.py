"""Root file systems as copies, where nothing can stack directories.

In:  ``SandboxSpec``.
Out: the same with copies of its stacks; afterwards the changes, found by a walk.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from jettison.fs.ownership import Ownership
from jettison.fs.remove import remove_tree
from jettison.sandbox.rootfs.base import (
    COPY,
    needs_no_merging,
    stacks,
    with_merged,
    working_directory,
)
from jettison.sandbox.rootfs.copied_root import CopiedRoot, copy_stack
from jettison.sandbox.spec import OverlayMount, Root, RootKind, SandboxSpec


class CopyRoot:
    """The copies of one container.

    Args:
        spec: What is to run; ``self.spec`` is the same on copies.
        ownership: How owners are kept in layers.
        place: Directory for them; made.
    """

    def __init__(self, spec: SandboxSpec, ownership: Ownership, place: Path) -> None:
        self._place = place
        place.mkdir(0o755, parents=True)
        try:
            stack = spec.root
            self._root = CopiedRoot(place / "tree", stack.lowers, stack.upper, ownership)
            self._root.remember()
            root = Root(RootKind.DIRECTORY, self._root.tree, spec.root.work)
            changed: dict[int, OverlayMount] = {}
            for index, mount in stacks(spec):
                merged = mount.lowers[0]
                if not needs_no_merging(mount):
                    merged = place / f"stack-{index}"
                    copy_stack(mount.lowers, merged, ownership)
                changed[index] = msgspec.structs.replace(mount, merged=merged)
            self.spec = msgspec.structs.replace(with_merged(spec, changed), root=root)
        except BaseException:
            self.remove()
            raise

    def collect(self) -> None:
        """See ``PreparedRoot.collect``."""
        self._root.collect()

    def remove(self) -> None:
        """Remove the copies."""
        remove_tree(self._place)


class CopySnapshotter:
    """Gives each container a copy of its layers.

    Args:
        ownership: How owners are kept in them.
    """

    name = COPY

    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership

    def prepare(self, spec: SandboxSpec) -> CopyRoot:
        """See ``Snapshotter.prepare``."""
        return CopyRoot(spec, self._ownership, working_directory(spec) / "copy")

    def close(self) -> None:
        """Nothing is kept."""
