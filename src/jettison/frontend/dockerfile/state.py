"""What lowering knows while it runs: the vertices made so far, and the stage at hand.

In:  the request, the stage graph, configs of images.
Out: ``Build`` (one per compilation) and ``StageState`` (one per stage), which the modules that
lower single instructions change.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from jettison.errors import InternalError, Span
from jettison.frontend.base import (
    CompileRequest,
    GitContext,
    HttpContext,
    ImageConfigs,
    ImageContext,
    ImageRequest,
    LocalContext,
)
from jettison.frontend.dockerfile.config import ImageState
from jettison.frontend.dockerfile.contexts import ContextBase
from jettison.frontend.dockerfile.gitref import git_context
from jettison.frontend.dockerfile.names import StepNames
from jettison.frontend.dockerfile.scope import Scope
from jettison.frontend.dockerfile.stages import (
    ImageBase,
    Stage,
    StageGraph,
)
from jettison.frontend.dockerfile.words import expand
from jettison.oci.config import ImageConfig
from jettison.oci.digest import Digest
from jettison.oci.platform import Platform
from jettison.oci.redact import redacted
from jettison.plan.graph import StageStep
from jettison.plan.op import CopyOp, CopySource, HttpOp, ImageOp, LocalOp, Op
from jettison.plan.vertex import Vertex, vertex

BUILD_CONTEXT = "context"


class StageInput(msgspec.Struct, frozen=True):
    """Files that COPY or a mount reads; ``is_root`` tells a root file system from a context."""

    vertex: Vertex
    is_root: bool


class Build:
    """One compilation.

    Args:
        escape: The escape character of the file.
        global_values: The global scope.
    """

    def __init__(
        self,
        request: CompileRequest,
        graph: StageGraph,
        images: ImageConfigs,
        *,
        escape: str,
        global_values: Mapping[str, str],
    ) -> None:
        self.request = request
        self.graph = graph
        self.escape = escape
        self.global_values = global_values
        self.vertices: dict[Digest, Vertex] = {}
        self.steps: dict[int, list[StageStep]] = {}
        self.done: dict[int, StageState] = {}
        self._images = images

    def add(
        self,
        op: Op,
        *,
        name: str,
        base: Vertex | None = None,
        inputs: tuple[Vertex, ...] = (),
        stage: int = -1,
        span: Span | None = None,
        ignore_cache: bool = False,
        source: int = -1,
    ) -> Vertex:
        """Return the vertex of an op; an equal one that was made before is taken instead.

        It becomes a step of its stage; ``source`` is the stage that it copies from.
        """
        made = vertex(
            op,
            name=name,
            base=base,
            inputs=inputs,
            stage=stage,
            span=span,
            ignore_cache=ignore_cache,
        )
        if stage >= 0:
            step = StageStep(made.digest, name, span, source)
            self.steps.setdefault(stage, []).append(step)
        known = self.vertices.get(made.digest)
        if known is None or (ignore_cache and not known.ignore_cache):
            self.vertices[made.digest] = made
            return made
        return known

    def image_request(self, stage: Stage) -> ImageRequest | None:
        """Return the image that a stage begins with, None for scratch, contexts, other stages."""
        if stage.base is not None or stage.is_scratch:
            return None
        platform = stage.platform or self.request.platform
        match stage.origin:
            case ImageBase(reference=reference):
                return ImageRequest(reference, platform)
            case ContextBase(context=ImageContext(reference=reference)):
                return ImageRequest(reference, platform)
            case _:
                return None

    def image_config(self, stage: Stage) -> ImageConfig | None:
        """Return the config of the image that a stage begins with, if it is there already."""
        request = self.image_request(stage)
        return self._images.get(request) if request is not None else None

    def is_missing(self, stage: Stage) -> bool:
        """Tell whether a stage's image config is wanted first."""
        request = self.image_request(stage)
        return request is not None and request not in self._images

    def root(self, stage: Stage, name: str) -> Vertex | None:
        """Return the root file system that a stage without a base stage begins with.

        Args:
            stage: A stage whose image config is there.
            name: What an image's vertex is called.
        """
        request = self.image_request(stage)
        if request is not None:
            config = self._images[request]
            if not config.rootfs.diff_ids:
                return None
            op = ImageOp(request.reference, request.platform, config.rootfs.diff_ids)
            return self.add(op, name=name, stage=stage.index, span=stage.span)
        if not isinstance(stage.origin, ContextBase) or stage.is_scratch:
            return None
        files = self._context_files(stage.origin)
        if isinstance(files.op, HttpOp):
            file = CopySource(path=files.op.name, input=0)
            copy = CopyOp(sources=(file,), dest="/", unpack=True)
        else:
            copy = CopyOp(sources=(CopySource(path="/", input=0),), dest="/")
        return self.add(copy, name=name, inputs=(files,), stage=stage.index, span=stage.span)

    def input(self, stage: Stage) -> StageInput:
        """Return what COPY and mounts read of a stage or of something outside of the file."""
        origin = stage.origin
        if (
            isinstance(origin, ContextBase)
            and isinstance(origin.context, LocalContext | GitContext)
            and not stage.steps
        ):
            return StageInput(self._context_files(origin), is_root=False)
        if stage.index >= 0:
            root = self.done[stage.index].root
        else:
            root = self.root(stage, f"FROM {stage.base_name}")
        return StageInput(root if root is not None else self.empty(), is_root=True)

    def context(self) -> Vertex:
        """Return the vertex of the build context."""
        return self.add(LocalOp(BUILD_CONTEXT), name="[internal] load build context")

    def empty(self) -> Vertex:
        """Return a vertex without any files, for copies and mounts from scratch."""
        return self.add(ImageOp("scratch", self.request.platform, ()), name="FROM scratch")

    def _context_files(self, base: ContextBase) -> Vertex:
        name = f"[context {base.key}]"
        match base.context:
            case LocalContext():
                return self.add(LocalOp(base.key), name=f"{name} load from client")
            case GitContext(url=url):
                return self.add(git_context(url), name=f"{name} {redacted(url)}")
            case HttpContext(url=url):
                return self.add(HttpOp(url, name="context"), name=f"{name} {redacted(url)}")
            case ImageContext():
                raise InternalError("an image context has no files of its own")


class StageState:
    """A stage while it is lowered, and its result afterwards.

    Args:
        root: The root file system so far; None is empty.
        platform: What the stage's steps run on.
        ignore_cache: Whether its steps are not looked up.
    """

    __slots__ = (
        "_escape",
        "ignore_cache",
        "image",
        "names",
        "platform",
        "root",
        "scope",
        "stage",
    )

    def __init__(
        self,
        stage: Stage,
        *,
        root: Vertex | None,
        scope: Scope,
        image: ImageState,
        names: StepNames,
        platform: Platform,
        ignore_cache: bool,
        escape: str,
    ) -> None:
        self.stage = stage
        self.root = root
        self.scope = scope
        self.image = image
        self.names = names
        self.platform = platform
        self.ignore_cache = ignore_cache
        self._escape = escape

    def expand(self, text: str) -> str:
        """Expand raw text as one word.

        Raises:
            ExpansionError: see ``words.expand``.
        """
        return expand(text, self.scope.values, self._escape).text if text else text

    @property
    def cwd(self) -> str:
        """The working directory, absolute and clean."""
        return clean(self.image.config.working_dir)


@lru_cache(maxsize=1024)
def clean(*parts: str) -> str:
    """Join paths from the root on and resolve ``.`` and ``..`` as text.

    >>> clean("/a", "../b/./c/"), clean("")
    ('/b/c', '/')
    """
    return "/" + posixpath.normpath(posixpath.join("/", *parts)).lstrip("/")
