"""RUN as the solver sees it: its key, and its layer when no record has that key.

What makes mounts and runs processes is ``solver.ops.execute``; a cached build does not load it.
"""

from __future__ import annotations

from jettison.cache.key import CacheKey, exec_key
from jettison.oci.digest import Digest
from jettison.plan.op import ExecOp
from jettison.plan.vertex import Vertex
from jettison.snapshot.base import LayerInfo
from jettison.solver.ops.base import Inputs, sees_secrets
from jettison.solver.ops.bind_sources import BindSource, bind_source
from jettison.solver.runtime import Runtime


class RunExecutor:
    """Solves one RUN."""

    def __init__(self, op: ExecOp, vertex: Vertex, inputs: Inputs, runtime: Runtime) -> None:
        self._op = op
        self._vertex = vertex
        self._inputs = inputs
        self._runtime = runtime
        self._report = runtime.reporter(vertex)
        self._files: dict[int, BindSource] = {}
        self._key: CacheKey | None = None

    def key(self, *, fetch: bool) -> CacheKey | None:
        """Return the key: the op, the base, and what the mounts select."""
        digests: list[Digest] = []
        for index, mount in enumerate(self._op.mounts):
            if mount.input is None:
                continue
            result = self._inputs.results[mount.input]
            files = self._files.get(index)
            if files is None:
                files = bind_source(mount, result, self._runtime, self._report, fetch=fetch)
            if files is None:
                return None
            self._files[index] = files
            digests.append(files.digest)
        base = self._runtime.stacks.contents(self._inputs.base)
        options = self._runtime.drivers.options
        sees = bool(options.passwords) or sees_secrets(self._op)
        unchecked = options.secrets_in_layers and sees
        preimages: dict[bytes, bytes] = {}
        for files in self._files.values():
            preimages |= files.preimages
        self._key = exec_key(
            self._op, base, tuple(digests), unchecked=unchecked, preimages=preimages
        )
        return self._key

    def origins_name(self, _key: CacheKey) -> str:
        """Return nothing: what it makes is its own."""
        return ""

    def origins(self) -> bytes | None:
        """Return None, as above."""
        return None

    def execute(self) -> LayerInfo:
        """Run the process and commit what it changed.

        Raises:
            ExecError: it ended with another exit code than 0.
        """
        from jettison.solver.ops.execute import Execution  # see above

        reads_name = ""
        if self._runtime.drivers.options.trace_inputs and self._key is not None:
            from jettison.provenance.reads import reads_name as name_of  # traced builds only

            reads_name = name_of(self._key.digest)
        base = self._inputs.base
        return Execution(self._op, self._vertex, base, self._files, self._runtime, reads_name).run()
