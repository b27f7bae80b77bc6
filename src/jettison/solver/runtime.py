"""Everything that solving needs from outside, as protocols; ``api`` constructs the drivers."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from jettison.cache.key import CacheKey, Contents, stack_digest
from jettison.cache.record import Record
from jettison.concurrency import Limiter, Once, Workers
from jettison.errors import JettisonError
from jettison.events import Event, Progress, Sink, VertexLog, VertexProgress
from jettison.fs.lock import FileLock
from jettison.fs.tree import Tree
from jettison.oci.digest import Digest
from jettison.plan.op import GitOp, HttpOp
from jettison.plan.vertex import Vertex
from jettison.sandbox.base import Sandbox
from jettison.sandbox.spec import ContainerLimits, Mount
from jettison.snapshot.base import ALL_TELL, ActiveSnapshot, Change, LayerInfo, LayerStore
from jettison.snapshot.stack import StackTree
from jettison.solver.cancellation import Cancellation
from jettison.solver.masking import MaskingSink
from jettison.store.layer import LayerId, Stack, content_name, is_image_layer

if TYPE_CHECKING:
    from jettison.container.cdi.registry import HostDevice
    from jettison.sandbox.base import Sandbox


class LayerFiles(Protocol):
    """Knows layers of images, and makes layers be here as files."""

    def named(self, diff_id: Digest) -> LayerId:
        """Return the name of an image's layer."""
        ...

    def content(self, layer: LayerId) -> str:
        """Return by what a layer enters the keys of steps on it."""
        ...

    def available(self, layer: LayerId) -> bool:
        """Tell whether a layer is here in any form or can be pulled."""
        ...

    def materialise(self, layers: Stack, report: Progress) -> list[Path]:
        """Return the layers' directories; fetch and unpack what is missing."""
        ...


class Committer(Protocol):
    """Commits what vertices made, and may pack it meanwhile."""

    def __call__(
        self,
        vertex: Digest,
        active: ActiveSnapshot,
        change: Change,
        *,
        cancelled: Callable[[], bool],
    ) -> LayerInfo:
        """Commit the change of a vertex; arguments as ``LayerStore.commit``.

        Once ``cancelled`` says so, nothing more is done than committing.
        """
        ...


class Records(Protocol):
    """The cache."""

    def find(self, key: Digest) -> Record | None:
        """Return the record of a key."""
        ...

    def latest(self, vertex: str) -> LayerId | None:
        """Return the layer that the last run of a vertex's definition made, whatever its key."""
        ...

    def made_by(self, vertex: str, content: Digest) -> list[LayerId]:
        """Return the layers of a content that runs of a vertex's definition made, first first."""
        ...

    def keep(self, key: CacheKey, record: Record) -> None:
        """Keep a record, in place of an earlier one of the key."""
        ...


class Memo(Protocol):
    """Answers to questions about stacks, which never change."""

    def find(self, stack: Digest, selector: Digest) -> Digest | None:
        """Return the kept answer."""
        ...

    def keep(self, stack: Digest, selector: Digest, answer: Digest) -> None:
        """Keep an answer."""
        ...


class Sources(Protocol):
    """Files that are no images."""

    def local(self, context: str) -> Tree:
        """Return the tree of the build context or a named one."""
        ...

    def http(self, op: HttpOp, report: Progress) -> Tree:
        """Download one file; return a tree that holds it under its name."""
        ...

    def git(self, op: GitOp, report: Progress) -> Tree:
        """Check out a commit; return its tree."""
        ...


class ExecOptions(msgspec.Struct, frozen=True):
    """What RUN steps get that no key, layer or config knows.

    Args:
        env: Proxies and the like, ``NAME=value``; the step's own variables win.
        forced_env: Variables that win over the step's own, such as the place of the CA bundle.
        mounts: The CA bundle and the like.
        secrets: Values by id.
        passwords: Those of proxies, by where they are from: every RUN can see them.
        unset_secrets: Variables that are not set, by the ids of secrets that are empty therefore.
        secrets_in_layers: Whether a layer may hold a secret or a password.
        ssh: Agent sockets by id.
        limits: Resource limits of each step.
        failed: Directory that keeps the root file systems of steps that fail, if one does.
        timeout_seconds: How long a step may run; 0 is no limit.
        log_bytes: How much of a step's output is shown; 0 is everything.
        hosts: Makes ``/etc/hosts`` from a hostname and extra hosts.
        resolv_conf: Bytes of ``/etc/resolv.conf``.
        cache_mounts: Directory that holds cache mounts.
        discard: Takes a cache mount away; who uses it goes on with what it has.
    """

    cache_mounts: Path
    discard: Callable[[Path], None]
    hosts: Callable[[str, tuple[str, ...]], bytes]
    resolv_conf: Callable[[], bytes]
    env: tuple[str, ...] = ()
    forced_env: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    secrets: Mapping[str, bytes] = {}
    passwords: Mapping[str, bytes] = {}
    unset_secrets: Mapping[str, str] = {}
    secrets_in_layers: bool = False
    ssh: Mapping[str, Path] = {}
    limits: ContainerLimits = ContainerLimits()
    devices: Mapping[str, tuple[HostDevice, ...]] = {}
    failed: Path | None = None
    timeout_seconds: float = 0
    log_bytes: int = 0


class Drivers(msgspec.Struct, frozen=True):
    """What ``api`` constructs for a solve.

    Args:
        sandbox: Finds the driver of RUN steps; called at most once, and only when one is needed.
        lock: Returns the lock of a name, shared with other processes.
        commit: Commits layers; None lets the layer store do it.
    """

    layer_store: LayerStore
    layers: LayerFiles
    records: Records
    memo: Memo
    sources: Sources
    sandbox: Callable[[], Sandbox]
    options: ExecOptions
    lock: Callable[[str], FileLock]
    commit: Committer | None = None


class Runtime:
    """The drivers of one solve and the small things that all ops share.

    Args:
        drivers: Who does the work.
        sink: Gets the events.
        jobs: RUN steps at the same time.
    """

    def __init__(self, drivers: Drivers, *, sink: Sink, jobs: int) -> None:
        self.layer_store = drivers.layer_store
        self.layers = drivers.layers
        self.records = drivers.records
        self.memo = drivers.memo
        self.sources = drivers.sources
        self.options = drivers.options
        self.lock = drivers.lock
        options = drivers.options
        self.sink = MaskingSink(sink, [*options.secrets.values(), *options.passwords.values()])
        self.workers: Workers[Digest, None] = Workers()
        self.execs = Limiter(jobs)
        self.cancellation = Cancellation()
        self.renewed: Once[str, None] = Once()
        self._commit = drivers.commit
        self._sandbox = drivers.sandbox
        self._sandboxes: Once[str, Sandbox] = Once()
        self._trees: Once[Stack, StackTree] = Once()
        self._contents: dict[LayerId, str] = {}
        self._clocks: dict[LayerId, int] = {}
        self.lease: Callable[[Iterable[LayerId]], None] = lambda _layers: None

    def sandbox(self) -> Sandbox:
        """Return the driver that RUN steps use."""
        return self._sandboxes.get("", self._sandbox)

    @contextlib.contextmanager
    def warming(self) -> Iterator[None]:
        """Start what the first RUN step waits for while other steps run in the block.

        What fails here fails again in the step, and is reported there.
        """

        def warm() -> None:
            with contextlib.suppress(JettisonError, OSError):
                self.sandbox().warm()

        thread = threading.Thread(target=warm, name="warm", daemon=True)
        with contextlib.suppress(RuntimeError):  # the system gives no thread: nothing is lost
            thread.start()
        try:
            yield
        finally:
            if thread.ident is not None:
                thread.join()

    def tree(self, stack: Stack, report: Progress) -> StackTree:
        """Return the files of a root file system, fetching layers that are not here."""

        def make() -> StackTree:
            below = self._trees.known(stack[:-1])
            directories = self.layers.materialise(stack, report)
            return StackTree(
                directories,
                self.layer_store.ownership,
                below=below,
                clocks=[*map(self._clock_ns, stack)],
            )

        return self._trees.get(stack, make)

    def commit(
        self,
        vertex: Vertex,
        active: ActiveSnapshot,
        change: Change,
    ) -> LayerInfo:
        """Make what a vertex changed a layer; see ``LayerStore.commit``."""
        if self._commit is None:
            info = self.layer_store.commit(active, change)
        else:
            info = self._commit(
                vertex.digest, active, change, cancelled=lambda: self.cancellation.cancelled
            )
        self._clocks[info.id] = info.clock_ns
        return info

    def find_previous(self, vertex: Vertex, content: Digest) -> LayerInfo | None:
        """Return the layer that an earlier run of a vertex made, if it had this content.

        It is here as files, and held.
        """
        for layer in self.records.made_by(vertex.digest, content):
            self.lease((layer,))
            info = self.layer_store.info(layer)
            if info is not None:
                return info
        return None

    def know(self, layer: LayerId, content: str) -> None:
        """Take note of what a layer holds, so that nobody has to look it up."""
        if content:
            self._contents[layer] = content_name(content)

    def contents(self, stack: Stack) -> Contents:
        """Return what the layers of a root file system hold, as keys know it."""
        known = self._contents
        for layer in stack:
            if layer not in known:
                known[layer] = self.layers.content(layer)
        return tuple([known[layer] for layer in stack])

    def stack_digest(self, stack: Stack) -> Digest:
        """Return the content digest of a root file system."""
        return stack_digest(self.contents(stack))

    def clock_ns(self, stack: Stack) -> int:
        """Return from when on times in a root file system say only when a step ran."""
        return min(map(self._clock_ns, stack), default=ALL_TELL)

    def _clock_ns(self, layer: LayerId) -> int:
        clock_ns = self._clocks.get(layer)
        if clock_ns is None:
            info = None if is_image_layer(layer) else self.layer_store.info(layer)
            clock_ns = info.clock_ns if info is not None else ALL_TELL
            self._clocks[layer] = clock_ns
        return clock_ns

    def is_here(self, stack: Stack) -> bool:
        """Tell whether all layers of a stack are here as files."""
        return all(self.layer_store.info(layer) is not None for layer in stack)

    def emit(self, event: Event) -> None:
        """Tell what happens."""
        self.sink(event)

    def reporter(self, vertex: Vertex) -> Progress:
        """Return a function that reports counts as progress of a vertex.

        It raises ``CancelledError`` when the build was stopped, and so ends what takes long.
        """

        def report(item: str, current: int, total: int) -> None:
            self.cancellation.check()
            self.sink(VertexProgress(time.time_ns(), vertex.digest, item, current, total))

        return report

    def log(self, vertex: Vertex, stream: int, data: bytes) -> None:
        """Pass on output of a vertex."""
        self.sink(VertexLog(time.time_ns(), vertex.digest, stream, data))
