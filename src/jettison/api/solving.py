"""The solver of a build, and what it works with: sandbox, devices, packing while layers are made.

In:  a session, a request, a plan, the files that it reads.
Out: a ``Solver``; a ``BackgroundPacker``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from jettison.api.built import layer_flags, rewrites_all
from jettison.api.output import PreparedOutput
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.api.sources import ContextSources
from jettison.concurrency import processors
from jettison.events import Sink, Warned
from jettison.image.background import BackgroundPacker, BlobSender
from jettison.image.manifest import Compression
from jettison.oci.digest import Digest
from jettison.oci.redact import redacted
from jettison.oci.reference import names_registry
from jettison.plan.graph import Plan
from jettison.plan.op import ExecOp, ImageOp
from jettison.solver.drivers import Committer, Drivers, ExecOptions, Kept
from jettison.solver.runtime import Runtime
from jettison.solver.solve import Solver
from jettison.store.layer import LayerId

if TYPE_CHECKING:
    from jettison.container.cdi.registry import HostDevice
    from jettison.sandbox.base import Sandbox
    from jettison.snapshot.base import ActiveSnapshot, Change, LayerInfo


def make_solver(
    session: Session,
    request: BuildRequest,
    sources: ContextSources,
    plan: Plan,
    sink: Sink,
    packer: BackgroundPacker,
    keeping: ExitStack,
    before_running: Callable[[], None],
) -> Solver:
    """Return the solver of a plan, with all drivers that it needs.

    Args:
        session: The store.
        request: What was asked for.
        sources: Where contexts come from.
        plan: What is to be solved.
        sink: Gets events.
        packer: Packs layers that the image will consist of.
        keeping: Ends what lives as long as the build.
        before_running: Called once before anything runs or is fetched.
    """
    caches = session.caches
    drivers = Drivers(
        layer_store=session.layer_store,
        layers=session.blobs,
        kept=Kept(
            session.cache.records if caches is None else caches.records,
            session.cache.selections if caches is None else caches.memo,
            session.builds.origins,
        ),
        sources=sources,
        sandbox=lambda: _sandbox(session, plan, sink),
        options=_exec_options(session, request, plan, keeping, sink),
        commit=_committer(session, plan, packer),
    )
    jobs = session.settings.jobs or max(4, processors())
    name = redacted(request.tags[0] if request.tags else request.context)
    called = f"the build of `{name}` (process {os.getpid()})"
    runtime = Runtime(drivers, sink=sink, jobs=jobs, name=called)
    shipped = plan.shipped()

    def layer_made(vertex: Digest, layer: LayerId) -> None:
        if vertex in shipped and not packer.idle:
            packer.add(layer)
        if caches is not None:
            caches.layer_made(layer, shipped=vertex in shipped)

    # Layers that are found stay until they are leased, or until the whole build has ended.
    using = session.store.using()
    using.acquire(shared=True)
    keeping.callback(using.release)

    def lease(layers: Iterable[LayerId]) -> None:
        session.store.lease(layers)
        using.release()

    return Solver(
        plan,
        runtime,
        before_running=before_running,
        lock=session.store.lock,
        lease=lease,
        layer_made=layer_made,
    )


def _sandbox(session: Session, plan: Plan, sink: Sink) -> Sandbox:
    """Return the driver for RUN steps; say what it lacks, if it is not one that isolates fully."""
    from jettison.linux import binfmt
    from jettison.sandbox.select import limitations  # a cached build runs nothing

    images = [each.op for each in plan.vertices if isinstance(each.op, ImageOp)]
    binfmt.register(tuple(dict.fromkeys(each.platform.architecture for each in images)))
    sandbox = session.sandbox()
    lacking = limitations(sandbox)
    if lacking:
        sink(Warned(time.time_ns(), lacking))
    return sandbox


def background_packer(
    session: Session,
    request: BuildRequest,
    outputs: Sequence[PreparedOutput],
    plan: Plan,
    early: Callable[[], BlobSender | None],
) -> BackgroundPacker:
    """Return what packs layers while others are made: decide how.

    What is packed as the first output wants it goes to ``early``, which is asked for then.

    As the first output wants that writes blobs. Without one, layers that are made anyway are packed
    as a cache is to have them; or as ``push`` would, where a tag that names a registry makes one
    likely, which costs a fraction of what it saves. With a tag such as ``app`` only diff IDs are
    computed. Layers that become others in every image are packed then.
    """
    if rewrites_all(outputs, plan.source_date_epoch, layer_flags(request)):
        return BackgroundPacker(session.blobs, None, idle=True)
    wanted = (output.exporter.packs for output in outputs)
    compression = next((each for each in wanted if each is not None), None)
    if compression is None:
        compression = session.caches.packs if session.caches is not None else None
        if compression is None and any(names_registry(tag) for tag in request.tags):
            compression = Compression()
        if compression is not None:
            return BackgroundPacker(session.blobs, compression, needed=False)
    return BackgroundPacker(session.blobs, compression, sender=early())


def _committer(session: Session, plan: Plan, packer: BackgroundPacker) -> Committer:
    """Return what commits layers: the image's last one is packed meanwhile."""

    def commit(
        vertex: Digest,
        active: ActiveSnapshot,
        change: Change,
        *,
        cancelled: Callable[[], bool],
    ) -> LayerInfo:
        if vertex in plan.targets and not packer.idle:
            return packer.commit(active, change, cancelled=cancelled)
        return session.layer_store.commit(active, change)

    return commit


def _devices(
    session: Session, request: BuildRequest, plan: Plan, sink: Sink
) -> Mapping[str, tuple[HostDevice, ...]]:
    """Return what steps get for the devices that they ask for."""
    asked = any(isinstance(each.op, ExecOp) and each.op.devices for each in plan.vertices)
    if not asked and not any(each.startswith("device") for each in request.allow):
        return {}
    from jettison.api.devices import devices_of  # seldom asked for

    def warn(text: str) -> None:
        sink(Warned(time.time_ns(), text))

    return devices_of(plan, request.allow, warn, session.settings.cdi_dirs)


def _exec_options(
    session: Session, request: BuildRequest, plan: Plan, resources: ExitStack, sink: Sink
) -> ExecOptions:
    from jettison.api.execution import exec_options

    devices = _devices(session, request, plan, sink)
    options = exec_options(session, request, plan.proxy_env, resources, devices)
    for name, variable in options.unset_secrets.items():
        text = f"secret `{name}` is empty: the variable `{variable}` is not set"
        sink(Warned(time.time_ns(), text))
    return options
