"""Which vertex may run when: the decisions of the solver, without doing anything.

In:  who needs whom, and what happened.
Out: instructions for the scheduler, in plan order.

Every interleaving is a sequence of ``handle`` calls, so all of them can be tested as tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from jettison.oci.digest import Digest


class Succeeded(msgspec.Struct, frozen=True):
    """A vertex was solved."""

    vertex: Digest


class Failed(msgspec.Struct, frozen=True):
    """A vertex ended without a result."""

    vertex: Digest


class Start(msgspec.Struct, frozen=True):
    """Run this vertex: all that it needs is solved."""

    vertex: Digest


class Cancel(msgspec.Struct, frozen=True):
    """Stop what runs; nothing more will be started."""


Occurrence = Succeeded | Failed
Instruction = Start | Cancel


class SolveState:
    """The state of one solve.

    Args:
        needs: What each vertex needs, in an order in which needs come first.
        solved: Vertices whose results are known before anything runs.
    """

    def __init__(
        self, needs: Mapping[Digest, Sequence[Digest]], solved: AbstractSet[Digest]
    ) -> None:
        self._missing = {
            vertex: {need for need in wanted if need not in solved}
            for vertex, wanted in needs.items()
            if vertex not in solved
        }
        self._users: dict[Digest, list[Digest]] = {}
        for vertex, missing in self._missing.items():
            for need in missing:
                self._users.setdefault(need, []).append(vertex)
        self._running: set[Digest] = set()
        self._stopping = False

    @property
    def finished(self) -> bool:
        """Whether nothing runs and nothing will be started."""
        return not self._running and (self._stopping or not self._missing)

    def begin(self) -> list[Instruction]:
        """Return what can start at once."""
        return self._start([vertex for vertex, missing in self._missing.items() if not missing])

    def handle(self, occurrence: Occurrence) -> list[Instruction]:
        """Take note of what happened; return what to do next."""
        match occurrence:
            case Succeeded(vertex=vertex):
                self._running.discard(vertex)
                return self._start(self._released(vertex))
            case Failed(vertex=vertex):
                self._running.discard(vertex)
                return self._stop()

    def _released(self, solved: Digest) -> list[Digest]:
        ready = []
        for user in self._users.pop(solved, ()):
            missing = self._missing.get(user)
            if missing is None:
                continue
            missing.discard(solved)
            if not missing:
                ready.append(user)
        return ready

    def _start(self, ready: list[Digest]) -> list[Instruction]:
        if self._stopping:
            return []
        for vertex in ready:
            del self._missing[vertex]
            self._running.add(vertex)
        return [Start(vertex) for vertex in ready]

    def _stop(self) -> list[Instruction]:
        if self._stopping:
            return []
        self._stopping = True
        return [Cancel()]
