"""What solving needs from outside, as protocols; ``api`` constructs the drivers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from jettison.cache.key import CacheKey
from jettison.cache.record import Record
from jettison.events import Progress
from jettison.fs.ownership import Ownership
from jettison.fs.tree import Tree
from jettison.oci.digest import Digest
from jettison.plan.op import GitOp, HttpOp, ImageOp
from jettison.sandbox.base import Sandbox
from jettison.sandbox.spec import ContainerLimits, Mount, Security
from jettison.snapshot.base import ActiveSnapshot, Change, LayerInfo, LayerStore
from jettison.store.layer import LayerId, Stack

if TYPE_CHECKING:
    from jettison.container.cdi.registry import HostDevice


class PreparedTree(Tree, Protocol):
    """A tree whose files are read faster if it is known beforehand which.

    ``by_table`` tells whether answers must not be kept under the names of layers.
    """

    @property
    def by_table(self) -> bool:
        """Whether something was answered by what nobody proved to be in a layer's tar."""
        ...

    def prepare(self, paths: Iterable[str], *, digests_only: bool = False) -> None:
        """Have the bytes of files here, or only what their digests need."""
        ...


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

    def browse(
        self,
        layers: Stack,
        clocks: Sequence[int],
        report: Progress,
        *,
        wanted: Sequence[str] | None,
        base: ImageOp | None,
    ) -> PreparedTree:
        """Return the files of a root file system without unpacking it.

        Args:
            layers: Base first.
            clocks: Of each, from when on times say only when it was made.
            report: Called with bytes that are fetched.
            wanted: What will probably be read; None asks only what is where.
            base: The image that the first of them are all layers of.
        """
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

    def expected_ns(self, vertex: str, name: str) -> int:
        """Return how long the last run of a step took, 0 if nobody knows."""
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


class Origins(Protocol):
    """Where the files of COPY's layers came from (``provenance.origin``)."""

    def keep(self, name: str, origins: bytes) -> None:
        """Keep the origins of one COPY in their stored form."""
        ...


class Kept(msgspec.Struct, frozen=True):
    """What is found again, and kept for the next time."""

    records: Records
    memo: Memo
    origins: Origins


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
        security: What each step may do other than usual.
        failed: Directory that keeps the root file systems of steps that fail, if one does.
        timeout_seconds: How long a step may run; 0 is no limit.
        log_bytes: How much of a step's output is shown; 0 is everything.
        trace_inputs: Whether to note which copied files steps open.
        hosts: Makes ``/etc/hosts`` from a hostname and extra hosts.
        resolv_conf: Bytes of ``/etc/resolv.conf``.
        cache_mounts: Directory that holds cache mounts.
        discard: Takes a cache mount away; who uses it goes on with what it has.
        restore_mount: Fills the empty directory of a cache mount, by its id, with what another
            machine has left; returns whether there is something.
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
    security: Security = Security()
    devices: Mapping[str, tuple[HostDevice, ...]] = {}
    failed: Path | None = None
    timeout_seconds: float = 0
    log_bytes: int = 0
    trace_inputs: bool = False
    restore_mount: Callable[[str, Path], bool] | None = None


class Drivers(msgspec.Struct, frozen=True):
    """What ``api`` constructs for a solve.

    Args:
        sandbox: Finds the driver of RUN steps; called at most once, and only when one is needed.
        commit: Commits layers; None lets the layer store do it.
    """

    layer_store: LayerStore
    layers: LayerFiles
    kept: Kept
    sources: Sources
    sandbox: Callable[[], Sandbox]
    options: ExecOptions
    commit: Committer | None = None

    @property
    def ownership(self) -> Ownership:
        """How owners are kept in layers."""
        return self.layer_store.ownership
