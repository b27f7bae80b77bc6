"""Runs a command and says what it cost.

In:  argument vectors; process IDs of daemons that work for them.
Out: ``Cost``: seconds, CPU seconds, memory, and how busy the machine was with others.

Counted are the processes that a command starts and waits for, and the daemons named, with what
they started. Containers of BuildKit are children of its daemon.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

Commands = Sequence[Sequence[str]]
"""What one measurement runs, one after the other."""

_TICKS = os.sysconf("SC_CLK_TCK")
_QUIET = 0.10
"""Processors that may be busy when a run starts."""


class CommandError(Exception):
    """A measured command failed; the message has the end of what it said."""


class Cost(Struct, frozen=True):
    """What a run cost.

    Attributes:
        wall: Seconds.
        cpu: Seconds of user and system time of the processes started, and of the daemons.
        peak_mib: Resident memory of the largest process, those of RUN steps included.
        others: Processors that everybody else kept busy meanwhile.
    """

    wall: float
    cpu: float
    peak_mib: float
    others: float


class Runner(Struct, frozen=True):
    """How commands are run.

    Attributes:
        log: File for what they print; each command replaces it.
        timeout: Seconds after which a command is ended.
        wait: Seconds to wait at most until the machine is quiet.
        bystanders: Processes whose work is nobody's disturbance, like the registry.
    """

    log: Path
    timeout: float = 1800
    wait: float = 0
    bystanders: tuple[int, ...] = ()

    def measure(
        self, commands: Commands, *, env: Mapping[str, str], daemons: Sequence[int] = ()
    ) -> Cost:
        """Run the commands of one measurement, after a pause until the machine is quiet.

        Args:
            commands: Argument vectors.
            env: Variables in addition to ours.
            daemons: Processes whose work counts, too.

        Raises:
            CommandError: one failed.
        """
        os.sync()
        _await_quiet(self.wait)
        for pid in daemons:
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        busy, theirs, aside = _machine_cpu(), _cpu_of(daemons), _cpu_of(self.bystanders)
        cpu, peak, start = 0.0, 0.0, time.perf_counter()
        for argv in commands:
            own, memory = self.run(argv, env=env)
            cpu, peak = cpu + own, max(peak, memory)
        wall = time.perf_counter() - start
        cpu += _cpu_of(daemons) - theirs
        aside = _cpu_of(self.bystanders) - aside
        others = max(0.0, _machine_cpu() - busy - cpu - aside) / wall
        return Cost(wall, cpu, max([peak, *map(peak_mib, daemons)]), others)

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], check: bool = True
    ) -> tuple[float, float]:
        """Run a command; return its CPU seconds and the memory of its largest process in MiB.

        Raises:
            CommandError: it failed, and ``check`` is set.
        """
        with self.start(argv, env=env) as process:
            overdue = threading.Timer(self.timeout, process.kill)
            overdue.start()
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                process.kill()
                raise
            finally:
                overdue.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
        if check and process.returncode != 0:
            raise CommandError(self.failure(argv, process.returncode))
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024

    def start(self, argv: Sequence[str], *, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a command without waiting for it.

        Raises:
            CommandError: there is no such program.
        """
        try:
            with self.log.open("wb") as log:
                return subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **env},
                )
        except OSError as error:
            raise CommandError(f"`{argv[0]}`: {error.strerror}") from error

    def failure(self, argv: Sequence[str], status: int) -> str:
        """Return what to say of a command that ended with a status other than 0."""
        tail = self.log.read_bytes()[-2000:].decode(errors="replace")
        why = "was ended for lack of time" if status == -9 else f"ended with {status}"
        return f"`{Path(argv[0]).name}` {why}\n{tail}".strip()


def children(pid: int) -> Iterator[int]:
    """Yield the children of a process, none when it has ended."""
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            text = Path(f"/proc/{pid}/task/{task}/children").read_text()
            yield from map(int, text.split())
    except OSError:
        return


def peak_mib(pid: int) -> float:
    """Return the most memory a process has had resident so far, 0 when it has ended."""
    return _status_mib(pid, "VmHWM:")


def resident_mib(pid: int) -> float:
    """Return the memory a process has resident now, 0 when it has ended."""
    return _status_mib(pid, "VmRSS:")


def _status_mib(pid: int, field: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field)), 0.0)


def _await_quiet(limit: float) -> None:
    end = time.monotonic() + limit
    while time.monotonic() < end:
        busy, start = _machine_cpu(), time.perf_counter()
        time.sleep(0.5)
        if (_machine_cpu() - busy) / (time.perf_counter() - start) < _QUIET:
            return


def _machine_cpu() -> float:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    user, nice, system, _idle, _wait, irq, softirq = map(int, fields[1:8])
    return (user + nice + system + irq + softirq) / _TICKS


def _cpu_of(pids: Sequence[int]) -> float:
    """Return what processes and their dead children have used."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15]))
    return total / _TICKS
