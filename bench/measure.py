"""Runs the cases of all peers in turns, and the curves; every record is kept at once.

In:  peers, which cases, how many runs.
Out: records in a journal. What fails is a record too, and the others go on.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.cases import Case, cases, provide_bases
from bench.curves import Point, growth, is_short
from bench.limits import limits
from bench.memory import interpreter, peak_of
from bench.peers import Buildah, Jettison, Peer
from bench.process import CommandError, Cost, Runner
from bench.results import Journal, Memory, Run

_MISTAKES = (CommandError, OSError)


class Measurement:
    """One measurement of some peers.

    Args:
        peers: Who is measured, Jettison first.
        root: Directory of the workloads.
        runner: Runs what is timed.
        journal: Gets the records.
    """

    def __init__(self, peers: Sequence[Peer], root: Path, runner: Runner, journal: Journal) -> None:
        self._peers, self._root = peers, root
        self._runner, self._journal = runner, journal
        self._budget = math.inf

    def prepare(self) -> None:
        """Have the base images in every store."""
        for peer in self._peers:
            with _told(peer.name, "base images"):
                provide_bases(peer)

    def cases(
        self, wanted: Sequence[str], count: int, *, empty: bool, budget: float = math.inf
    ) -> None:
        """Run each case of all peers in turns: machines drift.

        Args:
            wanted: Names of cases or of whole workloads; empty is all.
            count: Runs of each.
            empty: Whether W7 may empty stores that others could need.
            budget: Seconds after which buildah and podman get no more runs of a case.
        """
        self._budget = budget
        by_name: dict[str, list[Case]] = {}
        for peer in self._peers:
            for case in cases(peer, self._root, empty=empty):
                if not wanted or case.name in wanted or case.name.partition("-")[0] in wanted:
                    by_name.setdefault(case.name, []).append(case)
        for name, members in by_name.items():
            missing = [case for case in members if not self._is_done(case, count)]
            try:
                self._in_turns(name, missing, count)
                self._memory(members)
            finally:
                for case in missing:
                    with _told(case.peer.name, f"{name}, afterwards"):
                        case.after()

    def _is_done(self, case: Case, count: int) -> bool:
        return self._is_over_budget(case) or all(
            self._journal.has_run(case.name, case.peer.name, n) for n in range(count)
        )

    def _is_over_budget(self, case: Case) -> bool:
        spent = self._journal.spent(case.name, case.peer.name)
        return isinstance(case.peer, Buildah) and spent > self._budget

    def _in_turns(self, name: str, members: Sequence[Case], count: int) -> None:
        failed = set()
        walls: dict[str, list[float]] = {}
        for number in range(count):
            for case in members:
                peer = case.peer
                if peer.name in failed or self._is_over_budget(case):
                    continue
                if self._journal.has_run(name, peer.name, number):
                    continue
                try:
                    if peer.name not in walls:
                        case.once()
                        walls[peer.name] = []
                    case.before()
                    cost = self._timed(case)
                except _MISTAKES as error:
                    failed.add(peer.name)
                    self._journal.add(Run(name, peer.name, number, failure=str(error)))
                    _say(f"{name:15}{peer.name:12}failed: {error}")
                else:
                    walls[peer.name].append(cost.wall)
                    self._journal.add(Run(name, peer.name, number, cost))
        for peer_name, each in walls.items():
            if each:
                _say(f"{name:15}{peer_name:12}{statistics.median(each):9.3f} s")

    def _timed(self, case: Case) -> Cost:
        peer = case.peer
        return self._runner.measure(case.commands(), env=peer.env, daemons=peer.daemons)

    def _memory(self, members: Sequence[Case]) -> None:
        """Run our own once more, to look at its memory."""
        for case in members:
            if not isinstance(case.peer, Jettison) or self._journal.has_memory(case.name):
                continue
            with _told(case.peer.name, f"{case.name}, memory"):
                case.before()
                peaks = [peak_of(self._runner, argv, env=case.peer.env) for argv in case.commands()]
                self._journal.add(Memory(case.name, max(peaks), interpreter(self._runner)))

    def limits(self) -> None:
        """Measure what the machine can do."""
        ours = next((peer for peer in self._peers if isinstance(peer, Jettison)), None)
        if ours is None or self._journal.has_limits():
            return
        for limit in limits(ours, self._root):
            self._journal.add(limit)
            value = limit.missing and f"not measured: {limit.missing}"
            _say(f"{limit.name:40}{value or f'{limit.value:.3f} {limit.unit}'}")

    def curves(self, root: Path, scale: float) -> None:
        """Measure how cold builds grow, of Jettison and of the first BuildKit.

        Args:
            root: Directory for the contexts.
            scale: What sizes are multiplied with.
        """
        ours = [peer for peer in self._peers if isinstance(peer, Jettison)]
        buildkit = [peer for peer in self._peers if peer.name.startswith("docker")]
        for peer in [*ours[:1], *buildkit[:1]]:
            failed = set()
            for curve, units, case in growth(peer, root, scale):
                if curve in failed or self._journal.has_point(curve, peer.name, units):
                    continue
                point = self._point(curve, units, case)
                if point.failure:
                    failed.add(curve)
                self._journal.add(point)
                text = point.failure.partition("\n")[0] or f"{point.wall:.3f} s"
                _say(f"{curve:8}{units:7} {peer.name:12}{text}")

    def _point(self, curve: str, units: int, case: Case) -> Point:
        name = case.peer.name
        costs = []
        try:
            for _ in range(2):
                case.before()
                costs.append(self._timed(case))
                if not is_short(costs[-1].wall):
                    break
            case.before()
        except _MISTAKES as error:
            return Point(curve, name, units, failure=str(error))
        best = min(costs, key=lambda cost: cost.wall)
        return Point(curve, name, units, best.wall, best.cpu)


@contextlib.contextmanager
def _told(peer: str, what: str) -> Iterator[None]:
    """Let a mistake of preparing be told, not the end."""
    try:
        yield
    except _MISTAKES as error:
        _say(f"{peer}: {what}: {error}")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
