"""A solver whose threads run one at a time, in an order that the test chooses.

Everything is real but three things: the processes of RUN steps are written out in Python, threads
hand over to each other wherever they may wait (``Director.pause``), and at any of these points
the test may strike: a full disk, an interrupt by the user, a bug.
"""

from __future__ import annotations

import errno
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jettison.api.session import Session
from jettison.concurrency import Finished, Workers
from jettison.events import Event
from jettison.fs.file_tree import FileTree
from jettison.fs.lock import FileLock
from jettison.oci.config import ContainerConfig
from jettison.oci.digest import Digest
from jettison.oci.platform import parse_platform
from jettison.plan.graph import ImageTemplate, Plan, order
from jettison.plan.vertex import Vertex
from jettison.sandbox.base import Streams
from jettison.sandbox.spec import SandboxSpec
from jettison.settings import Settings
from jettison.solver.drivers import Drivers, ExecOptions, Kept
from jettison.solver.result import Solution, StackResult
from jettison.solver.runtime import Runtime
from jettison.solver.solve import Solver

PATIENCE_SECONDS = 60
MOST_STEPS = 5000


class StruckError(Exception):
    """An error that nobody expects, such as a bug would raise."""


class Turn:
    """A thread that waits until it is let go on."""

    def __init__(self, key: Digest) -> None:
        self.key = key
        self.go = threading.Semaphore(0)


class Handing:
    """The queue of results: whoever puts one in gives the turn back."""

    def __init__(self, back: threading.Semaphore) -> None:
        self._back = back
        self.results: deque[Finished[Digest, None]] = deque()

    def put(self, result: Finished[Digest, None]) -> None:
        self.results.append(result)
        self._back.release()

    def get(self, timeout: float) -> Finished[Digest, None]:
        return self.results.popleft()


class Director(Workers[Digest, None]):
    """Workers of which one runs at a time.

    Args:
        order: The n-th number says which of those that may go on does so in step n; behind the
            end they take turns.
        strikes: What happens in step n: ``disk`` (no space is left), ``bug`` or ``interrupt``.
    """

    def __init__(self, order: Sequence[int] = (), strikes: Mapping[int, str] = {}) -> None:
        super().__init__()
        self._order = order
        self._strikes = strikes
        self._back = threading.Semaphore(0)
        self._handing = Handing(self._back)
        self._results = self._handing  # type: ignore[assignment]
        self._turns: list[Turn] = []
        self._mine = threading.local()
        self._strike = ""
        self.steps = 0
        self.struck: set[str] = set()

    def start(self, key: Digest, job: Callable[[], None]) -> None:
        self._count(at_most="interrupt")
        turn = Turn(key)
        self._turns.append(turn)

        def in_turn() -> None:
            turn.go.acquire()
            self._mine.turn = turn
            job()

        super().start(key, in_turn)

    def next(self) -> Finished[Digest, None]:
        while not self._handing.results:
            self._count()
            self._step()
        return super().next()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is AssertionError:
            return  # threads that cannot be stopped are not waited for
        while self._turns:
            self._count("nothing")
            self._step()
        super().__exit__(kind, *rest)

    def pause(self) -> None:
        """Let others run; called where a thread may have to wait, outside any lock of threads."""
        turn = getattr(self._mine, "turn", None)
        if turn is None:
            return  # not one of ours: what is looked up before anything runs
        self._back.release()
        turn.go.acquire()
        strike, self._strike = self._strike, ""
        if strike == "disk":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if strike == "bug":
            raise StruckError

    def _count(self, at_most: str = "") -> None:
        """Begin a step; an interrupt comes to the thread of the scheduler."""
        strike = self._strikes.get(self.steps, "")
        self.steps += 1
        assert self.steps < MOST_STEPS, "the solve does not end"
        if strike and at_most in {"", strike}:
            self.struck.add(strike)
            if strike == "interrupt":
                raise KeyboardInterrupt
            self._strike = strike

    def _step(self) -> None:
        number = self.steps - 1
        choice = self._order[number] if number < len(self._order) else number
        turn = self._turns.pop(choice % len(self._turns))
        ended = len(self._handing.results)
        turn.go.release()
        assert self._back.acquire(timeout=PATIENCE_SECONDS), "a thread waits where it must not"
        if len(self._handing.results) == ended:
            self._turns.append(turn)


class TurnLock(FileLock):
    """A lock between processes whose waiting is a turn of the director."""

    def __init__(self, path: Path, director: Director) -> None:
        super().__init__(path)
        self._director = director

    def acquire(
        self,
        *,
        shared: bool = False,
        wait: bool = True,
        on_wait: Callable[[], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> bool:
        while not super().acquire(shared=shared, wait=False):
            if not wait or (stop is not None and stop()):
                return False
            self._director.pause()
        return True


class TurnLimiter:
    """A limit whose waiting is a turn of the director."""

    def __init__(self, limit: int, director: Director) -> None:
        self._free = limit
        self._director = director

    def __enter__(self) -> None:
        while not self._free:
            self._director.pause()
        self._free -= 1

    def __exit__(self, *_: object) -> None:
        self._free += 1


class Pausing:
    """A driver that pauses before and after some of its calls."""

    def __init__(self, driver: object, director: Director, *names: str) -> None:
        self._driver = driver
        self._director = director
        self._names = names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._driver, name)
        if name not in self._names:
            return found

        def call(*args: object, **options: object) -> object:
            self._director.pause()
            result = found(*args, **options)
            if name != "prepare":  # nobody would know of what it made
                self._director.pause()
            return result

        return call


class Process:
    """The process of a RUN: ``write <content> <file> <anything>`` or ``fail``."""

    lacked_pids = False
    out_of_memory = False

    opened = None
    """What it opened: nobody watches."""

    def __init__(self, programs: Programs, spec: SandboxSpec) -> None:
        self._programs = programs
        self._spec = spec
        self._killed = False

    def wait(self) -> int:
        director = self._programs.director
        try:
            for _ in range(2):
                director.pause()
                if self._killed:
                    return 137
            verb, content, name, _ = self._spec.argv
            if verb == "fail":
                return 3
            below = [path for path in self._spec.root.lowers if (path / name).exists()]
            before = (below[-1] / name).read_text() if below else ""
            (self._spec.root.upper / name).write_text(before + content)
            self._programs.ended.append(self._spec)
            return 0
        finally:
            self._programs.running -= 1

    def kill(self) -> None:
        self._killed = True

    def signal(self, number: int) -> None:
        raise AssertionError


class Programs:
    """A sandbox of such processes."""

    name = "programs"
    moves_directories = False

    def __init__(self, director: Director) -> None:
        self.director = director
        self.running = 0
        self.most = 0
        self.ended: list[SandboxSpec] = []

    def start(self, spec: SandboxSpec, streams: Streams) -> Process:
        self.director.pause()
        os.write(streams.stdout, b"started\n")
        self.running += 1
        self.most = max(self.most, self.running)
        return Process(self, spec)

    def warm(self) -> None: ...

    def close(self) -> None: ...


class Downloads:
    """Sources that have one file for every URL."""

    def __init__(self, directory: Path, director: Director) -> None:
        self._directory = directory
        self._director = director

    def http(self, op: Any, report: Callable[[str, int, int], None]) -> FileTree:
        self._director.pause()
        report(op.url, 1, 2)
        self._director.pause()
        path = self._directory / op.name
        path.write_text(op.url)
        digest = bytes.fromhex(op.checksum.partition(":")[2])
        return FileTree(op.name, os.fspath(path), digest, mode=0o644, mtime_ns=0)


class Stage:
    """One directory with a store, and solves in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "store"
        self.events: list[Event] = []
        self.director = Director()
        self.programs = Programs(self.director)
        self.layers_made: list[Digest] = []
        self.contents: dict[Digest, tuple[str, ...]] = {}

    def solve(
        self,
        plan: Plan,
        order: Sequence[int] = (),
        strikes: Mapping[int, str] = {},
        *,
        jobs: int = 64,
    ) -> Solution:
        """Solve a plan in a session of its own, with a new director."""
        self.events = []
        self.layers_made = []
        self.director = director = Director(order, strikes)
        self.programs = Programs(director)
        with Session.open(Settings(root=str(self.root)), {}) as session:
            try:
                solution = Solver(
                    plan,
                    self._runtime(session, jobs),
                    before_running=lambda: None,
                    lock=lambda name: TurnLock(session.store.lock(name).path, director),
                    lease=session.store.lease,
                    layer_made=lambda vertex, _layer: self.layers_made.append(vertex),
                ).solve()
                find = session.store.layers.find
                self.contents = {
                    digest: tuple(find(layer).content for layer in result.stack)
                    for digest, result in solution.results.items()
                    if isinstance(result, StackResult)
                }
                return solution
            finally:
                self.left = sorted(
                    str(path.relative_to(self.root))
                    for path in (self.root / "tmp").glob("**/*")
                    if path.suffix != ".owner" and path.parent != self.root / "tmp"
                )
                self.locks = sorted(path.name for path in (self.root / "tmp").glob("key-*"))

    def _runtime(self, session: Session, jobs: int) -> Runtime:
        director = self.director
        drivers = Drivers(
            layer_store=Pausing(session.layer_store, director, "prepare", "commit"),
            layers=session.blobs,
            kept=Kept(
                Pausing(session.cache.records, director, "find", "keep"),
                session.cache.selections,
                session.builds.origins,
            ),
            sources=Downloads(self.directory, director),  # type: ignore[arg-type]
            sandbox=lambda: self.programs,
            options=ExecOptions(
                cache_mounts=session.store.cache_mounts,
                discard=session.store.trash,
                hosts=lambda _name, _more: b"",
                resolv_conf=lambda: b"",
            ),
        )
        runtime = Runtime(drivers, sink=self.events.append, jobs=jobs)
        runtime.workers = director
        runtime.execs = TurnLimiter(jobs, director)  # type: ignore[assignment]
        return runtime


def plan_of(vertices: Sequence[Vertex]) -> Plan:
    """Return the plan that needs all of some vertices."""
    known = {vertex.digest: vertex for vertex in vertices}
    platform = parse_platform("linux/amd64")
    template = ImageTemplate(platform=platform, config=ContainerConfig(), history=())
    return Plan(tuple(order(vertices, known)), vertices[-1].digest if vertices else None, template)
