"""Caches elsewhere, as one build uses them: what it looks up, what it sends, what it writes.

In:  ``--cache-from`` and ``--cache-to`` of a request.
Out: records and memo for the solver; layers and records in caches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jettison.api.compile import shown, this_platform
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.errors import JettisonError, UsageError
from jettison.events import Progress, Sink, Warned
from jettison.exporter.options import compression_of
from jettison.exporter.outputs import ImageForm
from jettison.image.manifest import Compression
from jettison.image.remote import RemoteBlobs
from jettison.oci.digest import Digest
from jettison.oci.platform import parse_platform
from jettison.oci.reference import parse_reference
from jettison.plan.op import ExecOp, MountType
from jettison.remote.backend import CacheBackend
from jettison.remote.inline import encode_inline
from jettison.remote.local import LocalCache
from jettison.remote.mounts import CacheMounts, mount_key
from jettison.remote.options import REFRESH_SECONDS, CacheExport
from jettison.remote.place import GHA, INLINE, LOCAL, REGISTRY, CachePlace
from jettison.remote.reader import CacheReader
from jettison.remote.record import MountRecord, Pack
from jettison.remote.registry import RegistryCache
from jettison.remote.shared import SharedMemo, SharedRecords
from jettison.remote.writer import CacheWriter, Layers, Made, inline_record
from jettison.solver.drivers import Memo, Records
from jettison.solver.result import Solution, StackResult
from jettison.store.layer import LayerId

_READ_SECONDS = 120.0
"""How long it may take to find out what is in a cache that is written."""
_NO_JOB = "this is no job of GitHub Actions that has ACTIONS_RESULTS_URL and ACTIONS_RUNTIME_TOKEN"


@contextmanager
def open_caches(
    session: Session, request: BuildRequest, sink: Sink, refused: set[LayerId]
) -> Iterator[None]:
    """Let a session have the caches of a request in the block; see ``Caches``."""
    caches = Caches(session, request, sink, refused)
    session.caches = caches
    try:
        yield
    finally:
        session.caches = None
        caches.close()


class Caches:
    """The caches of one build; close it.

    Args:
        session: The open store.
        request: Has the flags.
        sink: Gets warnings.
        refused: Layers that turned out to be lost or wrong.

    Raises:
        UsageError: a place cannot be used as it is asked.
        InvalidReferenceError: a reference is none.
    """

    def __init__(
        self,
        session: Session,
        request: BuildRequest,
        sink: Sink,
        refused: set[LayerId],
    ) -> None:
        self._session = session
        self._request = request
        self._sink = sink
        self._refused = refused
        self._is_inline = any(each.at.kind == INLINE for each in request.cache_to)
        readers: dict[CachePlace, CacheReader] = {}
        for each in request.cache_from:
            if request.offline and each.at.kind != LOCAL:
                self._warn(f"{each.at.title}: not read, since the build is offline")
                continue
            if self._is_elsewhere(each.at, "read"):
                continue
            backend = self._backend(each.at)
            written = any(each.at == other.at for other in request.cache_to)
            readers[each.at] = CacheReader(
                each.at.title,
                backend,
                seconds=each.seconds,
                warn=self._warn,
                tells_absence=not written,
            )
        self._writers = [self._writer(each, readers) for each in self._written()]
        found = tuple(readers.values())
        self.records: Records = SharedRecords(
            session.cache.records,
            session.store,
            session.layer_store,
            session.builds.origins,
            found,
            refused=refused,
            warn=self._warn,
        )
        self._mounts = CacheMounts(
            session.store,
            session.layer_store,
            RemoteBlobs(None if request.offline else session.registry, session.place),
            session.cache.answers,
            found,
            self._warn,
        )
        self._memo = SharedMemo(session.cache.selections, found)
        self.memo: Memo = self._memo

    @property
    def packs(self) -> Compression | None:
        """How layers are compressed for the caches that are written; None without one."""
        return next((writer.form for writer in self._writers), None)

    def layer_made(self, layer: LayerId, *, shipped: bool) -> None:
        """Send a layer to the caches that are to have it.

        Args:
            layer: It.
            shipped: Whether it is of the image.
        """
        for writer in self._writers:
            if shipped or writer.wanted.everything:
                writer.layer_made(layer)

    def restore_mount(self, mount: str, into: Path) -> bool:
        """Fill an empty directory with what a cache has of a mount; tell whether one has it."""
        return self._mounts.restore(mount, into)

    def inline(self, solution: Solution) -> str:
        """Return what the image itself is to hold of a cache; empty for nothing."""
        if not self._is_inline:
            return ""
        layers = self._layers
        found = (inline_record(each, layers) for each in self._made(solution, everything=False))
        records = {each.key: each for each in found if each is not None}
        return encode_inline(Pack(records, self._memo.seen))

    def write(self, solution: Solution) -> None:
        """Write what a build has found out.

        Raises:
            JettisonError: a cache cannot be written, and that is not to be ignored.
        """
        for writer in self._writers:
            made = self._made(solution, everything=writer.wanted.everything)
            ids = _mounts_of(solution) if writer.wanted.mounts else []
            title = f"exporting to {writer.wanted.at.title}"
            try:
                shown(self._sink, title, self._writing(writer, made, ids))
            except JettisonError as error:
                if not writer.wanted.ignore_error:
                    raise
                self._warn(f"{writer.wanted.at.title}: not written: {error.message}")

    def close(self) -> None:
        """End what still sends."""
        for writer in self._writers:
            writer.close()

    def _writing(
        self, writer: CacheWriter, made: Sequence[Made], ids: Sequence[str]
    ) -> Callable[[Progress], None]:
        def mounts() -> dict[bytes, MountRecord]:
            found: dict[bytes, MountRecord] = {}
            for each in ids:
                known = writer.reader.mount(mount_key(each))
                source = writer.reader.source
                added = self._mounts.added(each, source, known, writer.form, writer.put)
                if added is not None:
                    found[added.key] = added
            return found

        return lambda report: writer.finish(made, self._memo.seen, report, mounts)

    def _made(self, solution: Solution, *, everything: bool) -> list[Made]:
        plan = solution.plan
        wanted = plan.shipped()
        found = []
        for vertex in plan.vertices:
            result = solution.results.get(vertex.digest)
            if not isinstance(result, StackResult) or result.layer is None:
                continue
            if not (everything or vertex.digest in wanted):
                continue
            origins = self._session.builds.origins.find([result.origins] if result.origins else [])
            found.append(
                Made(
                    Digest(result.key),
                    result.layer,
                    vertex.name,
                    result.created_ns,
                    result.duration_ns,
                    next(iter(origins.items()), None),
                )
            )
        return found

    @property
    def _layers(self) -> Layers:
        session = self._session
        return Layers(session.store, session.layer_store, session.blobs)

    def _writer(
        self,
        wanted: CacheExport,
        readers: dict[CachePlace, CacheReader],
    ) -> CacheWriter:
        if self._request.offline and wanted.at.kind != LOCAL:
            raise UsageError(
                f"{wanted.at.title}: the network is not to be used", hint="drop `--offline`"
            )
        reader = readers.get(wanted.at)
        if reader is None:
            backend = self._backend(wanted.at, writes=True)
            reader = CacheReader(wanted.at.title, backend, seconds=_READ_SECONDS, warn=self._warn)
        # That of the image, whose layers need not be packed twice.
        outputs = self._request.outputs
        images = (compression_of(each) for each in outputs if isinstance(each, ImageForm))
        form = next(images, Compression())
        if wanted.compression:
            form = Compression(wanted.compression, wanted.level)
        return CacheWriter(wanted, reader.backend, reader, self._layers, self._refused, form)

    def _written(self) -> Iterator[CacheExport]:
        for each in self._request.cache_to:
            if each.at.kind != INLINE and not self._is_elsewhere(each.at, "written"):
                yield each

    def _is_elsewhere(self, at: CachePlace, done: str) -> bool:
        """Tell, also the user, that a cache is of a place that this process is not in."""
        if at.kind != GHA or not self._session.places().is_elsewhere(at):
            return False
        self._warn(f"{at.title}: not {done}: {_NO_JOB}")
        return True

    def _backend(self, at: CachePlace, *, writes: bool = False) -> CacheBackend:
        if at.kind == LOCAL:
            return LocalCache(at.place, at.tag)
        if at.kind != REGISTRY:
            wanted = (each for each in self._request.cache_to if each.at == at)
            refresh = next((each.refresh_seconds for each in wanted), REFRESH_SECONDS)
            return self._session.places().backend(at, refresh)
        reference = parse_reference(at.place)
        if writes and not reference.tag:
            raise UsageError(f"{at.title}: a digest cannot be written", hint="name a tag")
        platforms = [*map(parse_platform, self._request.platforms)] or [this_platform()]
        return RegistryCache(reference, self._session.registry, platforms)

    def _warn(self, text: str) -> None:
        self._sink(Warned(time.time_ns(), text))


def _mounts_of(solution: Solution) -> list[str]:
    """Return the ids of the cache mounts of steps that ran, sorted."""
    ran = set(solution.executed)
    steps = (each.op for each in solution.plan.vertices if each.digest in ran)
    mounts = (mount for op in steps if isinstance(op, ExecOp) for mount in op.mounts)
    return sorted({mount.id for mount in mounts if mount.type is MountType.CACHE})
