"""Runs a command and says what it cost.

In:  an argument vector; process IDs of daemons that work for it.
Out: ``Cost``: seconds, CPU seconds, peak memory.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


class CommandError(Exception):
    """A measured command failed."""


@dataclass(frozen=True)
class Cost:
    """What a run cost.

    Attributes:
        wall: Seconds.
        cpu: Seconds of user and system time of the processes started, and of the daemons.
        peak_mib: Resident memory of the largest of these processes.
        others: Processors that everybody else kept busy meanwhile.
    """

    wall: float
    cpu: float
    peak_mib: float
    others: float


def run(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, daemons: Sequence[int] = ()
) -> Cost:
    """Run a command to its end and measure it.

    Args:
        argv: The command.
        env: Variables in addition to ours.
        daemons: Processes whose work counts, too.

    Raises:
        CommandError: it failed; the message has the end of its output.
    """
    for pid in daemons:
        _forget_peak(pid)
    busy, before = _machine_cpu(), sum(map(_process_cpu, daemons))
    start = time.perf_counter()
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(env or {})},
    ) as process:
        output = process.stdout.read() if process.stdout is not None else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode != 0:
        tail = output.decode(errors="replace")[-2000:]
        raise CommandError(f"`{' '.join(argv)}` ended with {process.returncode}\n{tail}")
    cpu = usage.ru_utime + usage.ru_stime + sum(map(_process_cpu, daemons)) - before
    others = max(0.0, _machine_cpu() - busy - cpu) / wall
    peak = max([usage.ru_maxrss / 1024, *map(_peak_mib, daemons)])
    return Cost(wall, cpu, peak, others)


def _machine_cpu() -> float:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    user, nice, system, _idle, _wait, irq, softirq = map(int, fields[1:8])
    return (user + nice + system + irq + softirq) / _TICKS


def _process_cpu(pid: int) -> float:
    """Return what a process and its dead children have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def _forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _peak_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
