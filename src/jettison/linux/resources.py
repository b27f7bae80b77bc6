"""Limits of memory, processors and processes, as numbers and as texts for control groups.

In:  ``Resources``.
Out: file names and contents of a group, by controller, for either version.

Source: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1 of the kernel; the conversion of
shares to weights is that of the OCI runtimes for version 2.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

Settings = Mapping[str, Mapping[str, str]]
"""What is written into which file of a group, by controller."""

DEFAULT_PERIOD_US = 100_000
USUAL_PIDS = 8192
"""Processes and threads of all steps of a build where nobody says another number."""

UNLIMITED = -1

_MIN_SHARES, _MAX_SHARES = 2, 262_144
_MAX_WEIGHT = 10_000


class Resources(msgspec.Struct, frozen=True):
    """Limits of a container; 0 and empty are none.

    Args:
        memory_bytes: Memory.
        swap_bytes: Memory and swap together; 0 is as much as memory, so no swap; -1 is unlimited.
        cpus: Processors' worth of time.
        cpu_period_us: The time that ``cpus`` is measured over, in microseconds.
        cpu_shares: Share of the processors' time where others want it, too; 1024 is usual.
        cpuset_cpus: Processors that may be used: ``0-2,4``.
        cpuset_mems: Memory nodes that may be used.
        pids: Processes and threads; ``UNLIMITED`` also where others share a limit.
    """

    memory_bytes: int = 0
    swap_bytes: int = 0
    cpus: float = 0.0
    cpu_period_us: int = 0
    cpu_shares: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    pids: int = 0

    @property
    def period_us(self) -> int:
        """The period that counts."""
        return self.cpu_period_us or DEFAULT_PERIOD_US

    @property
    def quota_us(self) -> int:
        """Time in each period; 0 without a limit."""
        return round(self.cpus * self.period_us)

    @property
    def memory_and_swap(self) -> int:
        """What both may be together; -1 is unlimited."""
        return self.swap_bytes or self.memory_bytes

    def settings(self, *, unified: bool) -> Settings:
        """Return what is written to a group, for the controllers that are needed.

        Args:
            unified: Whether the group is of version 2.
        """
        cpu = _unified_cpu(self) if unified else _old_cpu(self)
        memory = _unified_memory(self) if unified else _old_memory(self)
        sets = {"cpuset.cpus": self.cpuset_cpus, "cpuset.mems": self.cpuset_mems}
        cpuset = {name: value for name, value in sets.items() if value}
        count = "max" if self.pids == UNLIMITED else str(self.pids)
        pids = {"pids.max": count} if self.pids else {}
        found = {"cpu": cpu, "cpuset": cpuset, "memory": memory, "pids": pids}
        return {kind: files for kind, files in found.items() if files}


def _unified_cpu(resources: Resources) -> Mapping[str, str]:
    files: dict[str, str] = {}
    if resources.quota_us or resources.cpu_period_us:
        files["cpu.max"] = f"{resources.quota_us or 'max'} {resources.period_us}"
    if resources.cpu_shares:
        files["cpu.weight"] = str(_weight(resources.cpu_shares))
    return files


def _weight(shares: int) -> int:
    """Return the weight (1 to 10,000) of shares (2 to 262,144)."""
    inside = min(max(shares, _MIN_SHARES), _MAX_SHARES)
    return 1 + (inside - _MIN_SHARES) * (_MAX_WEIGHT - 1) // (_MAX_SHARES - _MIN_SHARES)


def _old_cpu(resources: Resources) -> Mapping[str, str]:
    files: dict[str, str] = {}
    if resources.quota_us or resources.cpu_period_us:
        files["cpu.cfs_period_us"] = str(resources.period_us)
    if resources.quota_us:
        files["cpu.cfs_quota_us"] = str(resources.quota_us)
    if resources.cpu_shares:
        files["cpu.shares"] = str(resources.cpu_shares)
    return files


def _unified_memory(resources: Resources) -> Mapping[str, str]:
    if not resources.memory_bytes:
        return {}
    swap = resources.memory_and_swap
    more = "max" if swap < 0 else str(swap - resources.memory_bytes)
    return {"memory.max": str(resources.memory_bytes), "memory.swap.max": more}


def _old_memory(resources: Resources) -> Mapping[str, str]:
    if not resources.memory_bytes:
        return {}
    return {
        "memory.limit_in_bytes": str(resources.memory_bytes),
        "memory.memsw.limit_in_bytes": str(resources.memory_and_swap),
    }
