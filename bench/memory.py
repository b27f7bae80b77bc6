"""How much memory Jettison's own processes have at most, looked at while they run.

In:  a command.
Out: MiB: the most that the process and its helpers, RUN steps excluded, had resident together.

This is a run of its own, which is not timed: looking costs time.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.process import CommandError, Runner, children, peak_mib, resident_mib

_PAUSE = 0.002
_OURS = b"jettison"
"""What the arguments of our processes have in them; those of RUN steps do not."""


def peak_of(runner: Runner, argv: Sequence[str], *, env: Mapping[str, str]) -> float:
    """Run a command of Jettison and return the memory of its processes in MiB.

    Raises:
        CommandError: it failed.
    """
    peak = 0.0
    with runner.start(argv, env=env) as process:
        while process.poll() is None:
            helpers = sum(map(resident_mib, _helpers(process.pid)))
            peak = max(peak, peak_mib(process.pid), resident_mib(process.pid) + helpers)
            time.sleep(_PAUSE)
    if process.returncode != 0:
        raise CommandError(runner.failure(argv, process.returncode))
    return peak


def interpreter(runner: Runner) -> float:
    """Return the memory of ``python -c pass`` in MiB."""
    program = "print(next(x for x in open('/proc/self/status') if x.startswith('VmHWM')))"
    sizes = []
    for _ in range(3):
        runner.run([sys.executable, "-c", program], env={})
        sizes.append(int(runner.log.read_text().split()[1]) / 1024)
    return statistics.median(sizes)


def _helpers(pid: int) -> list[int]:
    found = []
    for child in children(pid):
        try:
            line = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if _OURS in line.partition(b"\0")[2]:  # the program may be in a checkout of this name
            found += [child, *_helpers(child)]
    return found
