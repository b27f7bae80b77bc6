"""What was measured: runs, limits of the machine, curves; kept line by line while it is measured.

In:  records.
Out: ``Results``, and a row of medians and ratios for each case.
On disk: ``journal.jsonl``, a JSON record a line, so that an interrupted measurement can go on.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.cases import TITLES, WANTED
from bench.curves import Point
from bench.process import Cost

OURS = "jettison"
DISTURBED = 0.25
"""Processors kept busy by others from which a run does not count, if half of them are better."""


class Machine(Struct, frozen=True, tag=True):
    """Where and when it was measured, and with which versions."""

    kernel: str
    processors: int
    when: str
    versions: dict[str, str]


class Run(Struct, frozen=True, tag=True):
    """One run of a case: what it cost, or why it failed."""

    case: str
    peer: str
    number: int
    cost: Cost | None = None
    failure: str = ""


class Memory(Struct, frozen=True, tag=True):
    """The most memory that Jettison's processes had in a case, and the interpreter alone (MiB)."""

    case: str
    peak_mib: float
    interpreter_mib: float


class Limit(Struct, frozen=True, tag=True):
    """What the machine can do at best; without a value, why that is not known."""

    name: str
    value: float = 0
    unit: str = "s"
    missing: str = ""


Record = Machine | Run | Memory | Limit | Point


class Ratio(Struct, frozen=True):
    """Jettison's time as a share of another's: of the medians; its spread is that of the pairs."""

    rival: str
    value: float
    low: float
    high: float


class Side(Struct, frozen=True):
    """One peer in one case; times in seconds, medians over ``runs`` runs of ``of``."""

    wall: float
    low: float
    high: float
    cpu: float
    peak_mib: float
    others: float
    runs: int
    of: int


class Row(Struct, frozen=True):
    """A case: each peer's side or failure, and the ratios to BuildKit, buildah and podman."""

    case: str
    sides: dict[str, Side]
    failures: dict[str, str]
    buildkit: Ratio | None = None
    buildah: Ratio | None = None
    podman: Ratio | None = None
    wanted: float = 0
    above_mib: float | None = None

    @property
    def judged(self) -> Ratio | None:
        """The ratio that the wanted one is about."""
        return self.buildah if self.is_about_buildah else self.buildkit

    @property
    def is_about_buildah(self) -> bool:
        """Whether the wanted ratio is to buildah's time, not to BuildKit's."""
        return self.case == "copy40-cached"

    @property
    def missed(self) -> bool:
        """Whether the ratio is above the one that is wanted."""
        return bool(self.judged and self.wanted and self.judged.value > self.wanted)


class Results(Struct, frozen=True):
    """Everything that was measured, and the rows made of it."""

    machine: Machine | None
    rows: list[Row]
    mean: float | None
    limits: list[Limit]
    points: list[Point]
    runs: list[Run]
    memory: list[Memory]

    @property
    def records(self) -> list[Record]:
        """What the rows were made of; by ``results_of`` they are made again."""
        machine = [self.machine] if self.machine else []
        return [*machine, *self.runs, *self.memory, *self.limits, *self.points]


class Journal:
    """Records as they come, also those of an interrupted measurement.

    Args:
        path: The file.
        resume: Whether to keep what is in it.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self.records: list[Record] = []
        if resume and path.exists():
            decoder = msgspec.json.Decoder(Record)
            self.records = [decoder.decode(line) for line in path.read_bytes().splitlines()]
        elif path.exists():
            path.unlink()
        self._path = path

    def add(self, record: Record) -> None:
        """Keep a record, in memory and on disk."""
        self.records.append(record)
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(record) + b"\n")

    def has_run(self, case: str, peer: str, number: int) -> bool:
        """Return whether that run is there; failed ones are not."""
        return any(
            isinstance(record, Run) and record.cost is not None
            and (record.case, record.peer, record.number) == (case, peer, number)
            for record in self.records
        )  # fmt: skip

    def spent(self, case: str, peer: str) -> float:
        """Return the seconds that all runs of a case took a peer."""
        return sum(
            record.cost.wall
            for record in self.records
            if isinstance(record, Run) and record.cost is not None
            and (record.case, record.peer) == (case, peer)
        )  # fmt: skip

    def has_limits(self) -> bool:
        """Return whether the limits of the machine are known."""
        return any(isinstance(record, Limit) for record in self.records)

    def has_memory(self, case: str) -> bool:
        """Return whether the memory of a case is known."""
        return any(isinstance(record, Memory) and record.case == case for record in self.records)

    def has_point(self, curve: str, peer: str, units: int) -> bool:
        """Return whether a point of a curve is there."""
        return any(
            isinstance(record, Point) and not record.failure
            and (record.curve, record.peer, record.units) == (curve, peer, units)
            for record in self.records
        )  # fmt: skip


def results_of(records: Iterable[Record]) -> Results:
    """Return what records say all together."""
    records = list(records)
    runs = [record for record in records if isinstance(record, Run)]
    done = {(run.case, run.peer, run.number) for run in runs if run.cost is not None}
    runs = [  # what failed and was made up for later is forgotten
        run for run in runs if run.cost is not None or (run.case, run.peer, run.number) not in done
    ]
    memory = [record for record in records if isinstance(record, Memory)]
    machines = [record for record in records if isinstance(record, Machine)]
    limits = {record.name: record for record in records if isinstance(record, Limit)}
    rows = [
        _row(case, [run for run in runs if run.case == case], memory)
        for case in sorted({run.case for run in runs}, key=list(TITLES).index)
    ]
    ratios = [row.buildkit.value for row in rows if row.buildkit]
    return Results(
        machine=_all_versions(machines),
        rows=rows,
        mean=math.exp(statistics.fmean(map(math.log, ratios))) if ratios else None,
        limits=list(limits.values()),
        points=[record for record in records if isinstance(record, Point)],
        runs=runs,
        memory=memory,
    )


def _all_versions(machines: Sequence[Machine]) -> Machine | None:
    """Return the last record with the builders of all: measuring may go on with others."""
    versions = {name: version for each in machines for name, version in each.versions.items()}
    return msgspec.structs.replace(machines[-1], versions=versions) if machines else None


def _row(case: str, runs: Sequence[Run], memory: Sequence[Memory]) -> Row:
    by_peer: dict[str, list[Run]] = {}
    for run in runs:
        by_peer.setdefault(run.peer, []).append(run)
    costs = {
        peer: {run.number: run.cost for run in each if run.cost is not None}
        for peer, each in by_peer.items()
    }
    sides = {peer: _side(list(each.values())) for peer, each in costs.items() if each}
    failures = {peer: each[-1].failure for peer, each in by_peer.items() if each[-1].failure}
    buildkits = [peer for peer in sides if peer.startswith("docker")]
    best = min(buildkits, key=lambda peer: sides[peer].wall, default="")
    above = [each.peak_mib - each.interpreter_mib for each in memory if each.case == case]
    return Row(
        case=case,
        sides=sides,
        failures=failures,
        buildkit=_ratio(best, sides, costs),
        buildah=_ratio("buildah", sides, costs),
        podman=_ratio("podman", sides, costs),
        wanted=WANTED.get(case, 0),
        above_mib=above[-1] if above else None,
    )


def _side(costs: Sequence[Cost]) -> Side:
    quiet = [cost for cost in costs if cost.others < DISTURBED]
    counted = quiet if 2 * len(quiet) >= len(costs) else list(costs)
    walls = [cost.wall for cost in counted]
    return Side(
        wall=statistics.median(walls),
        low=min(walls),
        high=max(walls),
        cpu=statistics.median(cost.cpu for cost in counted),
        peak_mib=max(cost.peak_mib for cost in costs),
        others=statistics.median(cost.others for cost in counted),
        runs=len(counted),
        of=len(costs),
    )


def _ratio(rival: str, sides: dict[str, Side], costs: dict[str, dict[int, Cost]]) -> Ratio | None:
    if rival not in sides or OURS not in sides:
        return None
    ours, theirs = costs[OURS], costs[rival]
    pairs = [ours[number].wall / theirs[number].wall for number in ours.keys() & theirs.keys()]
    value = sides[OURS].wall / sides[rival].wall
    return Ratio(rival, value, min([value, *pairs]), max([value, *pairs]))
