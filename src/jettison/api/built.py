"""The image of a solved plan, as each output wants it; what a build of several plans came to.

In:  a session, a ``Solution``.
Out: ``StoredImage``: its layers as the steps made them, or with other times, as one layer, with
     tables of contents.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from jettison.api.compile import this_platform
from jettison.api.output import PreparedOutput
from jettison.api.project import Built
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.exporter.base import Exporter, ImageWishes
from jettison.image.assemble import assemble
from jettison.image.form import AS_MADE, LayerForm
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
    """The forms of an image; each is made when somebody wants it.

    Args:
        session: The open store.
        solution: The solved plan.
        outputs: Who will want it.
        flags: What the request says of all of them: exact times, one layer.
    """

    def __init__(
        self,
        session: Session,
        solution: Solution,
        outputs: Sequence[PreparedOutput],
        flags: LayerForm = AS_MADE,
    ) -> None:
        self._session = session
        self._solution = solution
        self._exporters = [output.exporter for output in outputs]
        self._epoch = solution.plan.source_date_epoch
        self._flags = flags
        self._made: dict[tuple[LayerForm, int | None], StoredImage] = {}

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
        wishes = exporter.wishes if exporter is not None else ImageWishes()
        epoch = self._epoch if wishes.epoch is None else wishes.epoch
        form = form_of(wishes, epoch, self._flags)
        if (form, epoch) not in self._made:
            self._made[form, epoch] = self._assemble(form, epoch)
        return self._made[form, epoch]

    def _assemble(self, form: LayerForm, epoch: int | None) -> StoredImage:
        session, plan = self._session, self._solution.plan
        created: dict[Digest, int] = {}
        for step in plan.image.history:
            result = self._solution.results.get(step.vertex) if step.vertex else None
            if step.vertex is not None and isinstance(result, StackResult):
                created[step.vertex] = result.created_ns
        stack = self._solution.stack(plan.target)
        template = plan.image
        if form.changes:
            if form.squash:
                from jettison.image.squash import squashed_history  # seldom asked for

                own = len(stack) - self._base_layers()
                template = msgspec.structs.replace(
                    template, history=squashed_history(template.history, own)
                )
            stack = self._rewritten(stack, form)
        elif any(session.store.layers.find(layer).diff_id is None for layer in stack):
            session.require_namespace()  # their files are read, whoever owns them
        caches = self._session.caches
        return assemble(
            template,
            stack,
            session.blobs,
            created_ns=time.time_ns(),
            step_created_ns=created,
            source_date_epoch=epoch,
            cache=caches.inline(self._solution) if caches is not None and not form.changes else "",
        )

    def _rewritten(self, stack: Stack, form: LayerForm) -> Stack:
        from jettison.image.rewrite import rewrite_layers  # as above

        session = self._session
        session.require_namespace()
        packs = (exporter.packs for exporter in self._exporters)
        wanted = next((each for each in packs if each is not None), Compression())
        base = self._base_layers()
        return rewrite_layers(stack, base, form, session.blobs, session.cache.answers, wanted)

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


def layer_flags(request: BuildRequest) -> LayerForm:
    """Return what a request says of the layers of all outputs."""
    return LayerForm(exact=request.reproducible, squash=request.squash)


def form_of(wishes: ImageWishes, epoch: int | None, flags: LayerForm) -> LayerForm:
    """Return the form of the layers that an output gets.

    Args:
        wishes: The output's.
        epoch: That holds for it, in seconds.
        flags: What the request says of all outputs.
    """
    estargz = wishes.estargz
    return LayerForm(
        epoch=None if wishes.rewrite_times is False else epoch,
        exact=flags.exact and epoch is not None,
        squash=flags.squash,
        estargz=estargz is not None,
        level=None if estargz is None else estargz.level,
        given=estargz is not None and estargz.force,
    )


def rewrites_all(outputs: Sequence[PreparedOutput], epoch: int | None, flags: LayerForm) -> bool:
    """Tell whether no output gets the layers that steps make as they are.

    Args:
        outputs: Of the build.
        epoch: SOURCE_DATE_EPOCH of the build, in seconds.
        flags: What the request says of all of them.
    """
    wishes = [output.exporter.wishes for output in outputs] or [ImageWishes()]
    epochs = [epoch if each.epoch is None else each.epoch for each in wishes]
    forms = [form_of(each, then, flags) for each, then in zip(wishes, epochs, strict=True)]
    return all(form.changes for form in forms)
