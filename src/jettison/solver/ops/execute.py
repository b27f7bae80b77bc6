"""RUN: a process in a sandbox on the base; what it changes is the layer.

In:  an ``ExecOp``, its base and what its mounts select.
Out: the committed layer.

Security: secrets, proxies and the CA bundle reach the process only; keys, layers and logs never
see them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Self

import msgspec

from jettison.copier.passwd import UserIds, resolve_user
from jettison.errors import ExecError
from jettison.fs.walk import walk
from jettison.plan.op import ExecOp
from jettison.plan.vertex import Vertex
from jettison.sandbox.spec import Root, RootKind, SandboxSpec
from jettison.snapshot.base import ActiveSnapshot, Change, LayerInfo
from jettison.snapshot.unchanged import leave_out_unchanged
from jettison.solver.ops.base import making, sees_secrets
from jettison.solver.ops.bind_sources import BindSource
from jettison.solver.ops.mounts import Mounted, mount_all
from jettison.solver.ops.output import StepOutput
from jettison.solver.ops.spec import step_spec
from jettison.solver.result import StackResult
from jettison.solver.root_layers import RootLayers
from jettison.solver.runtime import Runtime

if TYPE_CHECKING:
    from jettison.sandbox.base import Opened

_TICK_NS = 10**9
"""By how much a file system's clock may be behind ours."""


class Execution:
    """One process of one RUN.

    Args:
        op: What runs.
        vertex: Whose step it is.
        base: The root file system it runs on.
        files: What mounts with an input select, by index of the mount.
        runtime: The drivers.
        reads_name: Under which is kept what copied files it opens, if that is to be noted.
    """

    def __init__(
        self,
        op: ExecOp,
        vertex: Vertex,
        base: RootLayers,
        files: Mapping[int, BindSource],
        runtime: Runtime,
        reads_name: str = "",
    ) -> None:
        self._reads_name = reads_name
        self._opened: Opened | None = None
        self._op = op
        self._vertex = vertex
        self._base = base
        self._files = files
        self._runtime = runtime
        self._report = runtime.reporter(vertex)
        self._lacked_pids = self._out_of_memory = False
        self._directories: tuple[str, ...] = ()

    def run(self) -> LayerInfo:
        """Run the process and commit what it changed.

        Raises:
            ExecError: it ended with another exit code than 0.
        """
        runtime = self._runtime
        ownership = runtime.drivers.ownership
        with runtime.waiting(self._vertex):  # images are not the step's: it may be another's turn
            lowers = runtime.drivers.layers.materialise(self._base.layers, self._report)
        user = resolve_user(self._op.user, runtime.stacks.tree(self._base, self._report))
        with making(runtime.drivers.layer_store, self._base.layers) as active:
            with ExitStack() as stack:
                mounted = mount_all(
                    self._op.mounts,
                    self._files,
                    self._vertex,
                    runtime,
                    self._report,
                    stack,
                    active.path,
                )
                self._make_cwd(user, active)
                root = Root(RootKind.OVERLAY, active.upper, active.work, tuple(lowers))
                spec = step_spec(self._op, runtime.drivers.options, root, user, mounted)
                if self._reads_name:
                    spec = self._watching(spec)
                with runtime.waiting(self._vertex):
                    stack.enter_context(runtime.execs)
                runtime.cancellation.check()
                began_ns = time.time_ns() - _TICK_NS
                exit_code, tail = self._process(spec)
            runtime.cancellation.check()
            if exit_code:
                kept = self._keep_failed(exit_code, user, active, mounted)
                raise self._failure(exit_code, tail, kept=kept)
            self._refuse_leaks(active)
            if (user.uid or user.gid) and ownership.is_recorded:
                self._own_new_files(user, active)
            below = runtime.stacks.tree(self._base, self._report)
            leave_out_unchanged(active.upper, ownership, below, began_ns)
            if self._reads_name:
                self._keep_reads()
            change = Change(
                below=below,
                clock_ns=self._clock_ns(began_ns),
                previous=partial(runtime.find_previous, self._vertex),
            )
            return runtime.commit(self._vertex, active, change)

    def _watching(self, spec: SandboxSpec) -> SandboxSpec:
        from jettison.solver.ops.traced import MOST_DIRECTORIES, copied_directories

        tree = self._runtime.stacks.tree(self._base, self._report)
        self._directories = copied_directories(self._vertex, self._runtime, tree)
        return msgspec.structs.replace(spec, watched=self._directories[:MOST_DIRECTORIES])

    def _keep_reads(self) -> None:
        from jettison.solver.ops.traced import keep_reads  # traced builds only

        keep_reads(self._vertex, self._runtime, self._reads_name, self._directories, self._opened)

    def _clock_ns(self, began_ns: int) -> int:
        """Return from when on times say only when a step ran: this one, or one below.

        Programs copy files with their times; those of contexts say nothing at all.
        """
        roots = [self._base]
        for mounted in self._files.values():
            if isinstance(mounted.result, StackResult):
                roots.append(mounted.result.root)
            else:
                return 0
        return min(began_ns, *map(self._runtime.stacks.clock_ns, roots))

    def _keep_failed(
        self, exit_code: int, user: UserIds, active: ActiveSnapshot, mounted: Mounted
    ) -> bool:
        """Keep what the step has changed, for `debug shell`; return whether it is kept."""
        options, vertex = self._runtime.drivers.options, self._vertex
        if options.failed is None:
            return False
        from jettison.solver.failed import FailedStep, keep  # failures only

        step = FailedStep(
            vertex.digest,
            vertex.name,
            exit_code,
            self._op,
            self._base.layers,
            user,
            mounted.harmless,
        )
        return keep(options.failed, step, active, {**options.secrets, **options.passwords})

    def _refuse_leaks(self, active: ActiveSnapshot) -> None:
        options = self._runtime.drivers.options
        seen = {**options.passwords, **(options.secrets if sees_secrets(self._op) else {})}
        if seen and not options.secrets_in_layers:
            from jettison.solver.leaks import refuse_leaks

            refuse_leaks(active.upper, seen)

    def _own_new_files(self, user: UserIds, active: ActiveSnapshot) -> None:
        """Note that what the process has made is its user's, where there is one user only."""
        tree = self._runtime.stacks.tree(self._base, self._report)
        ownership = self._runtime.drivers.ownership
        for path, found in walk(active.upper):
            place = f"{active.upper}/{path}"
            st = ownership.effective_stat(found, place)
            if (st.st_uid, st.st_gid) == (0, 0) and tree.lstat(f"/{path}") is None:
                ownership.chown(place, (user.uid, user.gid))

    def _make_cwd(self, user: UserIds, active: ActiveSnapshot) -> None:
        # An image's WorkingDir need not exist in its files; runtimes make it for the process.
        tree = self._runtime.stacks.tree(self._base, self._report)
        there = tree.lstat(self._op.cwd)
        if there is not None and there.is_dir:
            return
        from jettison.copier.mkdir import make_directories  # seldom needed

        ownership = self._runtime.drivers.ownership
        make_directories(self._op.cwd, tree, active.upper, ownership, uid=user.uid, gid=user.gid)

    def _process(self, spec: SandboxSpec) -> tuple[int, bytes]:
        from jettison.sandbox.base import Streams

        runtime = self._runtime
        output = StepOutput(runtime, self._vertex)
        stdin = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            streams = Streams(stdin, output.stdout, output.stderr)
            running = runtime.sandbox().start(spec, streams)
            with runtime.cancellation.stopping(running.kill):
                output.start(running.kill)
                with _Deadline(runtime.drivers.options.timeout_seconds, running.kill) as deadline:
                    code = running.wait()
                self._lacked_pids = running.lacked_pids
                self._out_of_memory = running.out_of_memory
                self._opened = running.opened
                tail = output.finish()
        finally:
            os.close(stdin)
            output.close()
        if deadline.passed:
            runtime.cancellation.check()
            raise ExecError(
                f"process `{' '.join(self._op.argv)}` was killed:"
                f" it ran for more than {runtime.drivers.options.timeout_seconds:g} seconds",
                exit_code=code,
                log_tail=tail.decode(errors="replace"),
                hint="give steps more time with `--step-timeout`",
            )
        return code, tail

    def _failure(self, exit_code: int, tail: bytes, *, kept: bool) -> ExecError:
        command = " ".join(self._op.argv)
        return ExecError(
            f"process `{command}` did not complete successfully: exit code: {exit_code}",
            exit_code=exit_code,
            log_tail=tail.decode(errors="replace"),
            lacked_pids=self._lacked_pids,
            out_of_memory=self._out_of_memory,
            kept=kept,
        )


class _Deadline:
    """Kills what runs in the block when its time is up; 0 is no limit."""

    def __init__(self, seconds: float, kill: Callable[[], None]) -> None:
        self._kill = kill
        self._timer = threading.Timer(seconds, self._expire) if seconds > 0 else None
        self.passed = False

    def __enter__(self) -> Self:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _expire(self) -> None:
        self.passed = True
        self._kill()
