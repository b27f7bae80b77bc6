"""RUN as the solver sees it: the key at once, the process only when no record has that key.

What runs processes and reads mounts is ``solver.ops.execute``; a cached build does not load it.
"""

from __future__ import annotations

from jettison.cache.key import CacheKey
from jettison.plan.op import ExecOp
from jettison.plan.vertex import Vertex
from jettison.snapshot.base import LayerInfo
from jettison.solver.ops.base import Executor, Inputs, run_key
from jettison.solver.runtime import Runtime


class RunExecutor:
    """Solves one RUN."""

    def __init__(self, op: ExecOp, vertex: Vertex, inputs: Inputs, runtime: Runtime) -> None:
        self._op = op
        self._vertex = vertex
        self._inputs = inputs
        self._runtime = runtime
        self._running: Executor | None = None

    def key(self, *, fetch: bool) -> CacheKey | None:
        """Return the key: the op, the base, and what the mounts select."""
        if all(mount.input is None for mount in self._op.mounts):
            allowed = self._runtime.options.secrets_in_layers
            return run_key(self._op, self._inputs.base, (), secrets_in_layers=allowed)
        return self._process().key(fetch=fetch)

    def execute(self) -> LayerInfo:
        """Run the process and commit what it changed.

        Raises:
            ExecError: it ended with another exit code than 0.
        """
        return self._process().execute()

    def _process(self) -> Executor:
        if self._running is None:
            from jettison.solver.ops.execute import ExecExecutor  # noqa: PLC0415 - see above

            self._running = ExecExecutor(self._op, self._vertex, self._inputs, self._runtime)
        return self._running
