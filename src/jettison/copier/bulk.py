"""Copies many files into a layer directory.

In:  selected files, each with its place and owner.
Out: the files; which of them are exactly what was selected.

Concurrency: two threads where it pays. The kernel's work (creating, copying, closing) runs
without Python's lock; more than two threads only wait for each other's journal.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Sequence

from jettison.copier.entries import FileCopy
from jettison.copier.layer_writer import LayerWriter, OpenDirectories
from jettison.copier.open import check_unchanged, is_immutable, open_source
from jettison.fs.bytes import ByteCopier

_OPEN_TARGET = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MANY_FILES = 400
_MANY_BYTES = 32 << 20
_PLAIN_BITS = 0o777


class BulkCopier:
    """Copies files into one layer directory.

    Args:
        writer: Of the layer; its directories are made.
    """

    def __init__(self, writer: LayerWriter) -> None:
        self._writer = writer
        self._umask = _umask()
        self._needed = writer.ownership.needed_bits
        self._failed = threading.Event()
        self._exact: list[FileCopy] = []

    def copy(self, jobs: Sequence[FileCopy]) -> Sequence[FileCopy]:
        """Copy all files.

        Returns:
            Those that are to the last fact the ones that were selected, so that their digests
            are those of the copies.

        Raises:
            ContextError: a file changed or vanished since it was selected.
            OSError: the layer cannot be written.
        """
        if not _pays(jobs):
            self._copy(jobs)
            return self._exact
        errors: list[BaseException] = []

        def half() -> None:
            try:
                self._copy(jobs[middle:])
            except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
                self._failed.set()
                errors.append(error)

        middle = _middle(jobs)
        thread = threading.Thread(target=half, name="jettison-copy")
        thread.start()
        try:
            self._copy(jobs[:middle])
        except BaseException:
            self._failed.set()
            raise
        finally:
            thread.join()
        if errors:
            raise errors[0]
        return self._exact

    def _copy(self, jobs: Sequence[FileCopy]) -> None:
        copier = ByteCopier()
        failed = self._failed
        with OpenDirectories(self._writer.root) as directories:
            for job in jobs:
                if failed.is_set():
                    return
                parent, _, name = job.path.rpartition("/")
                self._copy_one(job, directories.get(parent), name, copier)

    def _copy_one(self, job: FileCopy, directory: int, name: str, copier: ByteCopier) -> None:
        tree, entry = job.tree, job.entry
        mode = stat.S_IMODE(entry.mode)
        # Most files get their mode as they are created, which saves a call for each.
        plain = not mode & (self._umask | ~_PLAIN_BITS) and not self._needed & ~mode
        origin, st = open_source(tree, entry)
        try:
            target = os.open(name, _OPEN_TARGET, mode if plain else 0o600, dir_fd=directory)
            try:
                if st.st_size:
                    copier.copy(origin, target, st)
                if not is_immutable(tree):
                    check_unchanged(entry, origin, st)
                if is_immutable(tree) or entry.stat.ctime_ns == st.st_ctime_ns:
                    self._exact.append(job)
                self._writer.set_metadata(
                    target, None if plain else mode, job.owner, entry.stat.mtime_ns, entry.xattrs
                )
            finally:
                os.close(target)
        finally:
            os.close(origin)


def _pays(jobs: Sequence[FileCopy]) -> bool:
    if len(jobs) >= _MANY_FILES:
        return True
    return len(jobs) > 1 and sum(job.entry.stat.size for job in jobs) >= _MANY_BYTES


def _middle(jobs: Sequence[FileCopy]) -> int:
    """Return where half of the work is done: a file costs as much as 64 KiB of data."""
    costs = [job.entry.stat.size + (64 << 10) for job in jobs]
    half, done = sum(costs) // 2, 0
    for index, cost in enumerate(costs):
        done += cost
        if done >= half:
            return max(1, index)
    return len(jobs)


def _umask() -> int:
    """Return the process's umask; asking the kernel for it by umask(2) would change it."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith("Umask:"):
                    return int(line.split()[1], 8)
    except (OSError, ValueError, IndexError):
        pass
    return 0o777
