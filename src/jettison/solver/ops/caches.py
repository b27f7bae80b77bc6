"""Cache mounts: directories that outlive the step, shared by rules.

In:  cache mounts of one RUN, and the files that new ones begin with.
Out: directories of the store.

On disk: ``cache-mounts/<hash of the id>``, with ``-<n>`` for private ones that would be shared;
beside each the lock file of the build that uses it alone, and one of all who use it
(``store.cache_mounts``). The id is never part of a path.

Concurrency: a step takes its locks in one order, each once, so that steps cannot wait for each
other in a cycle; waiting ends when the build is cancelled.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from jettison.fs.lock import FileLock
from jettison.plan.op import ExecMount, MountType, Sharing
from jettison.plan.vertex import Vertex
from jettison.solver.runtime import Runtime
from jettison.store.cache_mounts import directory_name, use


class Caches:
    """The cache directories of one step.

    Args:
        mounts: All mounts of the step.
        vertex: The step. Where nothing of it may come from the cache (``--no-cache``), caches
            that have a mode or an owner of their own begin empty, as in BuildKit; others stay.
        runtime: The drivers.
        stack: Holds the locks until the step has run.
    """

    def __init__(
        self,
        mounts: tuple[ExecMount, ...],
        vertex: Vertex,
        runtime: Runtime,
        stack: ExitStack,
    ) -> None:
        self._vertex = vertex
        self._runtime = runtime
        self._stack = stack
        self._directories: dict[str, Path] = {}
        alone: dict[str, Sharing] = {}
        for mount in mounts:
            if mount.type is MountType.CACHE and (sharing := self._sharing(mount)) is not (
                Sharing.SHARED
            ):
                name = directory_name(mount.id)
                alone[name] = max(alone.get(name, sharing), sharing, key=_strictness)
        for name in sorted(alone):
            self._directories[name] = self._alone(name, alone[name])

    def directory(self, mount: ExecMount, seed: Callable[[Path], None] | None) -> Path:
        """Return the directory of a mount, with its mode and owner.

        Args:
            mount: It.
            seed: Writes what a new cache begins with into an empty directory.
        """
        name = directory_name(mount.id)
        directory = self._directories.get(name) or self._place(name)
        if self._vertex.ignore_cache and (mount.mode is not None or mount.uid or mount.gid):
            runtime = self._runtime
            runtime.renewed.get(directory.name, lambda: runtime.drivers.options.discard(directory))
        self._stack.callback(use(directory).release)
        self._make(directory, mount, seed)
        ownership = self._runtime.drivers.ownership
        ownership.set_mode(os.fspath(directory), mount.mode if mount.mode is not None else 0o755)
        ownership.chown(os.fspath(directory), (mount.uid, mount.gid))
        return directory

    def _sharing(self, mount: ExecMount) -> Sharing:
        """Return how a cache can be shared: not at all where it is moved into the container."""
        if mount.sharing is Sharing.SHARED and self._runtime.sandbox().moves_directories:
            return Sharing.LOCKED
        return mount.sharing

    def _place(self, name: str) -> Path:
        root = self._runtime.drivers.options.cache_mounts
        root.mkdir(exist_ok=True)
        return root / name

    def _alone(self, name: str, sharing: Sharing) -> Path:
        """Return a directory that nobody else uses until the step has run."""
        number = 0
        while True:
            directory = self._place(name if number == 0 else f"{name}-{number}")
            lock = FileLock(directory.with_name(directory.name + ".lock"))
            if sharing is Sharing.LOCKED:
                self._runtime.take(lock, self._vertex)
            elif not lock.acquire(wait=False):
                number += 1
                continue
            self._stack.callback(lock.release)
            return directory

    def _make(self, directory: Path, mount: ExecMount, seed: Callable[[Path], None] | None) -> None:
        """Make a directory that is not there; it appears with all that it begins with.

        That is what another machine has left, else what the mount says.
        """
        if directory.exists():
            return
        restore = self._runtime.drivers.options.restore_mount
        if directory.name != directory_name(mount.id):
            restore = None  # one of several private ones
        if seed is None and restore is None:
            directory.mkdir(exist_ok=True)
            return
        active = self._runtime.drivers.layer_store.prepare()
        try:
            restored = restore is not None and restore(mount.id, active.upper)
            if seed is not None and not restored:
                seed(active.upper)
            active.upper.rename(directory)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise  # else another build was faster
        finally:
            self._runtime.drivers.layer_store.discard(active)


def _strictness(sharing: Sharing) -> int:
    return (Sharing.SHARED, Sharing.PRIVATE, Sharing.LOCKED).index(sharing)
