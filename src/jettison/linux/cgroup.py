"""Control groups that limit memory and processor time of a container.

In:  limits; the mounted hierarchies (v2, v1 or both).
Out: a group per container; process 1 joins through the files in ``Group.joins``.

Source: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1 of the kernel.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from jettison.errors import HostError

_ROOT = Path("/sys/fs/cgroup")
_PERIOD_US = 100_000


class Group(msgspec.Struct, frozen=True):
    """A group in one hierarchy (v2) or several (v1); empty when nothing is limited."""

    directories: tuple[Path, ...] = ()

    @property
    def joins(self) -> list[bytes]:
        """Files that a process writes ``0`` to in order to join."""
        return [os.fsencode(directory / "cgroup.procs") for directory in self.directories]

    def remove(self) -> None:
        """Remove the group; its processes have ended."""
        for directory in self.directories:
            with contextlib.suppress(OSError):
                directory.rmdir()


def make_group(name: str, memory_bytes: int, cpus: float, root: Path = _ROOT) -> Group:
    """Make a group.

    Args:
        name: Unique on this host.
        memory_bytes: 0 is no limit; swap counts as well.
        cpus: Processors' worth of time; 0 is no limit.
        root: Where the hierarchies are mounted.

    Raises:
        HostError: the host has no such controller, or this user may not use it.
    """
    if not memory_bytes and not cpus:
        return Group()
    made: list[Path] = []
    try:
        if (root / "cgroup.controllers").exists():
            _make_v2(root, name, memory_bytes, cpus, made)
        else:
            _make_v1(root, name, memory_bytes, cpus, made)
    except OSError as error:
        Group(tuple(made)).remove()
        raise HostError(
            f"cannot limit memory or processors: {error.strerror}: `{error.filename}`",
            hint="Leave out `--memory` and `--cpus`, or run as root on a host with control groups.",
        ) from error
    return Group(tuple(made))


def _make_v2(root: Path, name: str, memory_bytes: int, cpus: float, made: list[Path]) -> None:
    wanted = [kind for kind, value in (("memory", memory_bytes), ("cpu", cpus)) if value]
    enabled = (root / "cgroup.subtree_control").read_text().split()
    for kind in wanted:
        if kind not in enabled:
            (root / "cgroup.subtree_control").write_text(f"+{kind}")
    directory = root / name
    directory.mkdir()
    made.append(directory)
    if memory_bytes:
        (directory / "memory.max").write_text(str(memory_bytes))
        with contextlib.suppress(OSError):  # a kernel without swap accounting
            (directory / "memory.swap.max").write_text("0")
    if cpus:
        (directory / "cpu.max").write_text(f"{round(cpus * _PERIOD_US)} {_PERIOD_US}")


def _make_v1(root: Path, name: str, memory_bytes: int, cpus: float, made: list[Path]) -> None:
    if memory_bytes:
        directory = root / "memory" / name
        directory.mkdir()
        made.append(directory)
        (directory / "memory.limit_in_bytes").write_text(str(memory_bytes))
        with contextlib.suppress(OSError):
            (directory / "memory.memsw.limit_in_bytes").write_text(str(memory_bytes))
    if cpus:
        directory = root / "cpu" / name
        directory.mkdir()
        made.append(directory)
        (directory / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
        (directory / "cpu.cfs_quota_us").write_text(str(round(cpus * _PERIOD_US)))
