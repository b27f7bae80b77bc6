"""The image of a solved plan, as each output wants it; what a build of several plans came to.

In:  a session, a ``Solution``.
Out: ``StoredImage``: with the times of its files, or with none later than SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from jettison.api.compile import this_platform
from jettison.api.output import PreparedOutput
from jettison.api.project import Built
from jettison.api.session import Session
from jettison.exporter.base import Exporter
from jettison.image.assemble import assemble
from jettison.image.manifest import Compression
from jettison.oci.digest import Digest
from jettison.oci.platform import closest
from jettison.plan.op import ImageOp
from jettison.solver.result import Solution, StackResult
from jettison.store.image import StoredImage
from jettison.store.layer import Stack


class PlatformBuild(msgspec.Struct, frozen=True):
    """What a build came to for one of its platforms.

    Args:
        built: The plan for it, and what solving the plans of all platforms says of this one.
        images: What is made of it.
    """

    built: Built
    images: BuiltImages


def main_last(builds: Sequence[PlatformBuild]) -> list[PlatformBuild]:
    """Return builds with the one last that a name stands for: for this machine, else the first."""
    here = this_platform()
    platforms = [each.built.compiled.plan.image.platform for each in builds]
    main = builds[closest(here, platforms) or 0]
    return [*(each for each in builds if each is not main), main]


class BuiltImages:
    """Both forms of an image; each is made when somebody wants it.

    Args:
        session: The open store.
        solution: The solved plan.
        outputs: Who will want it.
    """

    def __init__(
        self, session: Session, solution: Solution, outputs: Sequence[PreparedOutput]
    ) -> None:
        self._session = session
        self._solution = solution
        self._exporters = [output.exporter for output in outputs]
        self._epoch = solution.plan.source_date_epoch
        self._made: dict[bool, StoredImage] = {}

    @property
    def made(self) -> tuple[StoredImage, ...]:
        """Those that were made so far."""
        return tuple(self._made.values())

    def first(self) -> StoredImage:
        """Return the image that the first output wants.

        Raises:
            JettisonError: as ``wanted_by``.
        """
        return self.wanted_by(self._exporters[0] if self._exporters else None)

    def wanted_by(self, exporter: Exporter | None) -> StoredImage:
        """Return the image that an output wants: rewritten if there is an epoch, unless it refuses.

        Raises:
            StorageError: a layer is not here.
        """
        refused = exporter is not None and exporter.rewrites is False
        rewritten = self._epoch is not None and not refused
        if rewritten not in self._made:
            self._made[rewritten] = self._assemble(rewritten=rewritten)
        return self._made[rewritten]

    def _assemble(self, *, rewritten: bool) -> StoredImage:
        session, plan = self._session, self._solution.plan
        created: dict[Digest, int] = {}
        for step in plan.image.history:
            result = self._solution.results.get(step.vertex) if step.vertex else None
            if step.vertex is not None and isinstance(result, StackResult):
                created[step.vertex] = result.created_ns
        stack = self._solution.stack(plan.target)
        if rewritten:
            stack = self._rewritten(stack)
        elif any(session.store.layers.find(layer).diff_id is None for layer in stack):
            session.require_namespace()  # their files are read, whoever owns them
        return assemble(
            plan.image,
            stack,
            session.blobs,
            created_ns=time.time_ns(),
            step_created_ns=created,
            source_date_epoch=self._epoch,
        )

    def _rewritten(self, stack: Stack) -> Stack:
        from jettison.image.rewrite import rewrite_times  # with an epoch only

        session = self._session
        session.require_namespace()
        packs = (exporter.packs for exporter in self._exporters)
        wanted = next((each for each in packs if each is not None), Compression())
        base = self._base_layers()
        epoch = self._epoch or 0
        return rewrite_times(stack, base, epoch, session.blobs, session.cache.answers, wanted)

    def _base_layers(self) -> int:
        """Return how many layers of the image are those of the base image."""
        bases = {vertex.digest: vertex for vertex in self._solution.plan.vertices}
        digest = self._solution.plan.target
        while digest is not None:
            vertex = bases[digest]
            if isinstance(vertex.op, ImageOp):
                return len(self._solution.stack(digest))
            digest = vertex.base
        return 0
