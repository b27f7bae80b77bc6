"""Root file systems by fuse-overlayfs, where the kernel's overlayfs may not be mounted.

In:  ``SandboxSpec``.
Out: mounts for the sandbox's helper (``sandbox.init.fuse``). What they leave in the upper directory
     is brought into overlay form by the sandbox (``fuse_form``).

Source: fuse-overlayfs(1).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from jettison.sandbox.rootfs.base import (
    FUSE,
    needs_no_merging,
    stacks,
    with_merged,
    working_directory,
)
from jettison.sandbox.spec import Fuse, FuseMount, OverlayMount, SandboxSpec


class FuseRoot:
    """The mounts of one container."""

    def __init__(self, spec: SandboxSpec) -> None:
        self.spec = spec

    def collect(self) -> None:
        """The changes are where they belong."""

    def remove(self) -> None:
        """Nothing is left: the mounts went with the container's processes."""


class FuseSnapshotter:
    """Merges layers in user space, by fuse-overlayfs.

    Args:
        program: Path of fuse-overlayfs.
    """

    name = FUSE

    def __init__(self, program: Path) -> None:
        self._program = program

    def prepare(self, spec: SandboxSpec) -> FuseRoot:
        """See ``Snapshotter.prepare``."""
        work = working_directory(spec)
        root = spec.root
        mounts: list[FuseMount] = []
        if root.lowers:
            merged = _directory(work / "merged")
            mounts.append(FuseMount(merged, root.lowers, root.upper, _directory(work / "fuse")))
            root = msgspec.structs.replace(root, merged=merged)
        changed: dict[int, OverlayMount] = {}
        for index, mount in stacks(spec):
            if needs_no_merging(mount):
                merged = mount.lowers[0]
            else:
                mounts.append(_stack(mount, work / f"stack-{index}"))
                merged = mounts[-1].merged
            changed[index] = msgspec.structs.replace(mount, merged=merged)
        fuse = Fuse(self._program, tuple(mounts)) if mounts else None
        prepared = msgspec.structs.replace(with_merged(spec, changed), root=root, fuse=fuse)
        return FuseRoot(prepared)

    def close(self) -> None:
        """Nothing is kept."""


def _stack(mount: OverlayMount, place: Path) -> FuseMount:
    merged = _directory(place / "merged")
    if mount.readonly:
        return FuseMount(merged, mount.lowers)
    upper = _directory(place / "upper")
    st = mount.lowers[-1].stat()
    os.chown(upper, st.st_uid, st.st_gid)
    upper.chmod(stat.S_IMODE(st.st_mode))
    return FuseMount(merged, mount.lowers, upper, _directory(place / "work"))


def _directory(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
