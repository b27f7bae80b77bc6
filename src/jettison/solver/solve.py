"""Solves a plan: what is in the cache is taken, the rest runs.

In:  a ``Plan`` and a ``Runtime``.
Out: a ``Solution`` with the result of every vertex.

First everything that can be found without fetching or running is looked up, in one thread. When
that answers the whole plan, no thread, no sandbox and no layer was needed. Else the rest is
scheduled; each of these vertices is looked up again once its inputs are solved, since a step
that ran with an equal result leaves what follows cached.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress

from jettison.cache.key import CacheKey
from jettison.cache.record import Record
from jettison.errors import ExecError, JettisonError
from jettison.events import Outcome, VertexEnded, VertexStarted
from jettison.fs.lock import FileLock
from jettison.fs.os_errors import storage_errors
from jettison.located import located
from jettison.oci.digest import Digest, encoded
from jettison.plan.graph import Plan
from jettison.plan.op import CopyOp, ExecOp, GitOp, HttpOp, ImageOp, LocalOp, MkdirOp
from jettison.plan.vertex import Vertex
from jettison.solver.cancellation import CancelledError
from jettison.solver.ops.base import Executor, Inputs, inputs_of
from jettison.solver.result import Result, Solution, StackResult, TreeResult
from jettison.solver.runtime import Runtime
from jettison.store.layer import LayerId


def _ignore(_vertex: Digest, _layer: LayerId) -> None:
    return


def _lease_nothing(_layers: Iterable[LayerId]) -> None:
    return


class Solver:
    """One solve of one plan.

    Args:
        plan: What to solve.
        runtime: With what.
        before_running: Called once before anything runs or is fetched.
        lock: Returns the lock of a name, shared with other processes.
        lease: Keeps layers from being removed by other processes, from now on.
        layer_made: Called with each vertex that ran, with its layer, by the thread that ran it.
    """

    def __init__(
        self,
        plan: Plan,
        runtime: Runtime,
        *,
        before_running: Callable[[], None],
        lock: Callable[[str], FileLock],
        lease: Callable[[Iterable[LayerId]], None] = _lease_nothing,
        layer_made: Callable[[Digest, LayerId], None] = _ignore,
    ) -> None:
        self._plan = plan
        self._runtime = runtime
        self._before_running = before_running
        self._lock = lock
        self._lease = runtime.lease = lease
        runtime.copies_below = self._copies_below
        self._layer_made = layer_made
        self._vertices = {vertex.digest: vertex for vertex in plan.vertices}
        self._results: dict[Digest, Result] = {}
        self._executors: dict[Digest, Executor] = {}
        self._executed: list[Digest] = []
        self._cached: list[Digest] = []
        self._failed: list[Digest] = []
        self._keys: dict[Digest, CacheKey] = {}

    def solve(self) -> Solution:
        """Solve the plan.

        Raises:
            JettisonError: the first error of a vertex; its span is the instruction's.
            KeyboardInterrupt: the user stopped the build; nothing runs any more.
        """
        self._look_up_all()
        if len(self._results) < len(self._vertices):
            from jettison.solver import scheduler  # when something must run

            self._before_running()
            self._lease(self._found())
            self._expect_whole()
            try:
                with self._runtime.warming() if self._runs_processes() else nullcontext():
                    scheduler.run(
                        {digest: vertex.needs for digest, vertex in self._vertices.items()},
                        self._results.keys(),
                        self._solve_one,
                        self._runtime.cancellation,
                        self._runtime.workers,
                    )
            except JettisonError as error:
                self._runtime.sink.mask_error(error)
                raise
        return self.solution()

    def solution(self) -> Solution:
        """Return what there is: after ``solve`` everything, after an error of it the rest."""
        return Solution(
            plan=self._plan,
            results=self._results,
            executed=tuple(self._executed),
            cached=tuple(self._cached),
            failed=tuple(self._failed),
            keys=self._keys,
        )

    def origins(self, digest: Digest) -> bytes | None:
        """Return where the files of a solved COPY came from, found anew; None if that cannot be.

        Args:
            digest: Of the vertex.
        """
        vertex = self._vertices[digest]
        with suppress(JettisonError, OSError):
            return self._executor(vertex).origins()
        return None

    def _copies_below(self, digest: Digest) -> list[LayerId]:
        """Return the layers of copies in the root file system of a vertex, topmost first."""
        found: list[LayerId] = []
        vertex = self._vertices[digest]
        while vertex.base is not None:
            vertex = self._vertices[vertex.base]
            result = self._results.get(vertex.digest)
            if isinstance(vertex.op, CopyOp) and isinstance(result, StackResult) and result.layer:
                found.append(result.layer)
        return found

    def _runs_processes(self) -> bool:
        """Tell whether a RUN is left, which may still turn out to be cached."""
        left = self._vertices.keys() - self._results.keys()
        return any(isinstance(self._vertices[digest].op, ExecOp) for digest in left)

    def _expect_whole(self) -> None:
        """Tell which images are unpacked anyway: those that a RUN is mounted on, or mounts."""
        left = [self._vertices[digest] for digest in self._vertices if digest not in self._results]
        for vertex in left:
            if not isinstance(vertex.op, ExecOp):
                continue
            for need in vertex.needs:
                below: Digest | None = need
                while below is not None and below not in self._results:
                    below = self._vertices[below].base
                result = self._results.get(below) if below is not None else None
                if isinstance(result, StackResult):
                    self._runtime.stacks.expect_whole(result.stack)

    def _look_up_all(self) -> None:
        for vertex in self._plan.vertices:
            if not all(need in self._results for need in vertex.needs):
                continue
            with located(vertex.span):
                self._look_up(vertex)

    def _look_up(self, vertex: Vertex) -> None:
        match vertex.op:
            case ImageOp(diff_ids=diff_ids) as op:
                layers = tuple(self._runtime.drivers.layers.named(diff_id) for diff_id in diff_ids)
                self._results[vertex.digest] = StackResult(layers, diff_ids=diff_ids)
                self._runtime.stacks.note_image(layers, op)
            case LocalOp(context=context):
                self._results[vertex.digest] = TreeResult(
                    self._runtime.drivers.sources.local(context)
                )
            case HttpOp() | GitOp():
                pass
            case ExecOp() | CopyOp() | MkdirOp():
                if vertex.ignore_cache:
                    return
                key = self._executor(vertex).key(fetch=False)
                if key is not None:
                    self._keys[vertex.digest] = key
                    self._take_cached(vertex, key)

    def _solve_one(self, digest: Digest) -> None:
        vertex = self._vertices[digest]
        try:
            with located(vertex.span), storage_errors("the store"):
                self._run(vertex)
        except CancelledError:
            self._ended(vertex, Outcome.CANCELED)
            raise
        except Exception as error:
            self._failed.append(vertex.digest)
            if isinstance(error, ExecError):
                self._explain(error, vertex)
            self._ended(vertex, Outcome.FAILED, error)
            raise

    def _explain(self, error: ExecError, vertex: Vertex) -> None:
        from jettison.solver.explain import explain  # failures only

        first: Vertex | None = vertex
        while first is not None and not isinstance(first.op, ImageOp):
            first = self._vertices[first.base] if first.base is not None else None
        image = first.op if first is not None and isinstance(first.op, ImageOp) else None
        context = next(
            (each.digest for each in self._plan.vertices if each.op == LocalOp("context")), None
        )
        tree = self._results.get(context) if context is not None else None
        explain(
            error,
            vertex,
            self._runtime,
            base=inputs_of(vertex, self._results).base,
            image=image,
            context=tree.tree if isinstance(tree, TreeResult) else None,
        )

    def _run(self, vertex: Vertex) -> None:
        self._runtime.cancellation.check()
        self._started(vertex)
        if isinstance(vertex.op, HttpOp | GitOp):
            self._results[vertex.digest] = self._fetch(vertex.op, vertex)
            self._ended(vertex, Outcome.DONE)
            return
        executor = self._executor(vertex)
        key = executor.key(fetch=True)
        if key is None:
            raise AssertionError(f"no key of {vertex.name}")
        self._keys[vertex.digest] = key
        if not vertex.ignore_cache and self._take_cached(vertex, key, lease=True):
            return
        lock = self._lock(f"key-{encoded(key.digest)}")
        self._runtime.take(lock, vertex)
        try:
            # Whoever held the lock may have made it since it was looked up.
            if not vertex.ignore_cache and self._take_cached(vertex, key, lease=True):
                return
            self._execute(vertex, executor, key)
        finally:
            lock.release(remove=True)

    def _execute(self, vertex: Vertex, executor: Executor, key: CacheKey) -> None:
        began_ns = time.monotonic_ns() - self._runtime.waited_ns(vertex)
        info = executor.execute()
        duration_ns = time.monotonic_ns() - self._runtime.waited_ns(vertex) - began_ns
        layer, created_ns = info.id, time.time_ns()
        self._runtime.stacks.note_content(layer, info.content)
        record = Record(layer, created_ns, vertex.digest, vertex.name, info.content, duration_ns)
        self._runtime.drivers.kept.records.keep(key, record)
        self._put(vertex, record, key, cached=False)
        self._executed.append(vertex.digest)
        self._layer_made(vertex.digest, layer)
        self._ended(vertex, Outcome.DONE)

    def _fetch(self, op: HttpOp | GitOp, vertex: Vertex) -> TreeResult:
        report = self._runtime.reporter(vertex)
        if isinstance(op, HttpOp):
            return TreeResult(self._runtime.drivers.sources.http(op, report), immutable=True)
        return TreeResult(self._runtime.drivers.sources.git(op, report), immutable=True)

    def _take_cached(self, vertex: Vertex, key: CacheKey, *, lease: bool = False) -> bool:
        """Take the record of a key, if there is one and its layer can be had.

        Args:
            vertex: What is looked for.
            key: Its key.
            lease: Keep the layer from being removed, before asking whether it can be had; what is
                found before anything runs is held all at once.
        """
        record = self._runtime.drivers.kept.records.find(key.digest)
        if record is None:
            return False
        if lease:
            self._lease((record.layer,))
        if not self._runtime.drivers.layers.available(record.layer):
            return False
        self._runtime.stacks.note_content(record.layer, record.content)
        self._put(vertex, record, key, cached=True)
        self._cached.append(vertex.digest)
        self._ended(vertex, Outcome.CACHED)
        return True

    def _found(self) -> list[LayerId]:
        stacks = (r.stack for r in self._results.values() if isinstance(r, StackResult))
        return list({layer for stack in stacks for layer in stack})

    def _put(self, vertex: Vertex, record: Record, key: CacheKey, *, cached: bool) -> None:
        base = inputs_of(vertex, self._results).base
        executor = self._executors.pop(vertex.digest, None)
        self._results[vertex.digest] = StackResult(
            (*base.layers, record.layer),
            record.layer,
            record.created_ns,
            cached,
            record.duration_ns,
            key.digest,
            executor.origins_name(key) if executor is not None else "",
            base.diff_ids,
        )

    def _executor(self, vertex: Vertex) -> Executor:
        executor = self._executors.get(vertex.digest)
        if executor is None:
            inputs = inputs_of(vertex, self._results)
            executor = make_executor(vertex, inputs, self._runtime)
            self._executors[vertex.digest] = executor
        return executor

    def _started(self, vertex: Vertex) -> None:
        expected_ns = self._runtime.drivers.kept.records.expected_ns(vertex.digest, vertex.name)
        now = time.time_ns()
        self._runtime.emit(VertexStarted(now, vertex.digest, vertex.name, expected_ns))

    def _ended(self, vertex: Vertex, outcome: Outcome, error: Exception | None = None) -> None:
        text = str(error) if error is not None else ""
        cause = error.cause if isinstance(error, JettisonError) else None
        result = self._results.get(vertex.digest)
        self._runtime.emit(
            VertexEnded(
                time.time_ns(),
                vertex.digest,
                vertex.name,
                outcome,
                text,
                cause,
                result.duration_ns if isinstance(result, StackResult) else 0,
            )
        )


def make_executor(vertex: Vertex, inputs: Inputs, runtime: Runtime) -> Executor:
    """Return the executor of a vertex's op; modules are imported when first needed."""
    match vertex.op:
        case ExecOp() as op:
            from jettison.solver.ops.run import RunExecutor

            return RunExecutor(op, vertex, inputs, runtime)
        case CopyOp() as op:
            from jettison.solver.ops.copy import CopyExecutor

            return CopyExecutor(op, vertex, inputs, runtime)
        case MkdirOp() as op:
            from jettison.solver.ops.mkdir import MkdirExecutor

            return MkdirExecutor(op, vertex, inputs, runtime)
        case _:
            raise AssertionError(f"{vertex.name} makes no layer")
