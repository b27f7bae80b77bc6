"""From a request to a plan: opens the context, compiles, resolves base images on request.

In:  a ``BuildRequest`` and a session.
Out: ``Compiled``: the plan and what it was made from.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.errors import JettisonError, UsageError
from jettison.events import Outcome, Sink, VertexEnded, VertexProgress, VertexStarted, Warned
from jettison.frontend.base import (
    CompileRequest,
    GitContext,
    HttpContext,
    ImageContext,
    ImageRequest,
    LocalContext,
    NamedContext,
    NeedImages,
)
from jettison.located import located
from jettison.oci.config import ImageConfig
from jettison.oci.platform import Platform, normalise, parse_platform
from jettison.oci.reference import parse_reference
from jettison.plan.graph import Plan
from jettison.plan.op import Network
from jettison.source.context import (
    MAIN,
    BuildContext,
    DirectorySource,
    DownloadSource,
    ImageSource,
    RepositorySource,
    open_context,
)
from jettison.source.location import locate
from jettison.store.store import Store

T = TypeVar("T")
_EPOCH = "SOURCE_DATE_EPOCH"
_NETWORKS = {"": Network.DEFAULT, "default": Network.DEFAULT}


class Compiled(msgspec.Struct, frozen=True):
    """A plan with what it was made from: the question, and the configs of base images."""

    plan: Plan
    asked: CompileRequest
    configs: Mapping[ImageRequest, ImageConfig]


def compile_request(
    session: Session, request: BuildRequest, context: BuildContext, sink: Sink
) -> list[Compiled]:
    """Compile a request: a plan for each platform, in the order of the flags.

    Raises:
        JettisonError: the Dockerfile, a flag or a base image is wrong; ``source`` is set for
            errors that have a place.
    """
    from jettison.frontend.dockerfile.dialect import note_on

    first = compile_arguments(session, request, context)
    note = note_on(first.text, first.build_args)
    if note:
        sink(Warned(time.time_ns(), note))
    others = [
        msgspec.structs.replace(first, platform=each) for each in wanted_platforms(request)[1:]
    ]
    known: dict[ImageRequest, ImageConfig] = {}
    with excerpts_from(context):
        return [_compile(session, request, asked, known, sink) for asked in (first, *others)]


def _compile(
    session: Session,
    request: BuildRequest,
    asked: CompileRequest,
    known: dict[ImageRequest, ImageConfig],
    sink: Sink,
) -> Compiled:
    """Compile for one platform; ``known`` are configs of all, to which new ones are added."""
    from jettison.frontend.dockerfile.compile import compile as compile_dockerfile

    configs: dict[ImageRequest, ImageConfig] = {}
    while True:
        answer = compile_dockerfile(asked, configs)
        if not isinstance(answer, NeedImages):
            return Compiled(answer, asked, configs)
        for need, span in zip(answer.requests, answer.spans, strict=True):
            if need not in known:
                place = f"{need.platform} " if asked.several_platforms else ""
                with located(span), _suggesting_stages(asked, need):
                    known[need] = _resolve(session, request, need, place, sink)
            configs[need] = known[need]


def wanted_platforms(request: BuildRequest) -> list[Platform]:
    """Return the platforms that an image is wanted for, each once; this machine's if none is named.

    Raises:
        UsageError: one is none.
    """
    return list(dict.fromkeys(map(parse_platform, request.platforms))) or [this_platform()]


def compile_arguments(
    session: Session, request: BuildRequest, context: BuildContext
) -> CompileRequest:
    """Return what the frontend is asked for the first platform.

    Raises:
        UsageError: a flag's value is wrong.
        SourceError: the time of a named context is wanted, and it cannot be fetched.
    """
    platforms = wanted_platforms(request)
    build_args = _build_args(request, session.environ)
    asked = CompileRequest(
        text=context.dockerfile,
        filename=context.filename,
        target=request.target,
        build_args=build_args,
        platform=platforms[0],
        build_platform=this_platform(),
        contexts=named_contexts(context),
        labels=request.labels,
        network=network_mode(request.network),
        no_cache=request.no_cache,
        no_cache_stages=request.no_cache_stages,
        extra_hosts=request.extra_hosts,
        ulimits=request.ulimits,
        shm_bytes=request.shm_bytes,
        allow=request.allow | ({"network.host"} if request.network == "host" else set()),
        several_platforms=len(platforms) > 1,
        implicit_platform=not request.platforms,
        default_epoch=0 if request.reproducible else None,
    )
    times = _source_times(asked, context, session.store)
    return msgspec.structs.replace(asked, source_times=times) if times else asked


def named_contexts(context: BuildContext) -> dict[str, NamedContext]:
    """Return the frontend's view of the named contexts."""
    found: dict[str, NamedContext] = {}
    for name, value in context.named.items():
        match value:
            case DirectorySource():
                found[name] = LocalContext()
            case ImageSource(reference=reference):
                found[name] = ImageContext(reference)
            case RepositorySource(url=url):
                found[name] = GitContext(url)
            case DownloadSource(url=url):
                found[name] = HttpContext(url)
    return found


def _source_times(asked: CompileRequest, context: BuildContext, store: Store) -> dict[str, int]:
    """Return the time of the build context, and of what is asked for by another name."""
    from jettison.frontend.dockerfile.epoch import named_source

    times = {} if context.time is None else {MAIN: context.time}
    name, url = named_source(asked)
    source = context.named.get(name)
    if url:
        kind = RepositorySource if locate(url).kind == "git" else DownloadSource
        source = kind(url)
    if source is not None and name != MAIN:
        from jettison.source.times import time_of_source

        found = time_of_source(source, store, context.access)
        if found is not None:
            times[name] = found
    return times


def network_mode(text: str) -> Network:
    """Return the network mode that ``--network`` names.

    Raises:
        UsageError: it is none.
    """
    if text in _NETWORKS:
        return _NETWORKS[text]
    try:
        return Network(text)
    except ValueError:
        raise UsageError(
            f'invalid network mode "{text}"', hint="use default, host or none"
        ) from None


def this_platform() -> Platform:
    """Return the platform of this machine."""
    return normalise("linux", os.uname().machine)


class excerpts_from:  # noqa: N801 - used as a block: with excerpts_from(context)
    """Adds the Dockerfile to errors that have a span, so that their message shows an excerpt."""

    def __init__(self, context: BuildContext) -> None:
        self._context = context

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, JettisonError) and error.span is not None and error.source is None:
            text = self._context.dockerfile.decode(errors="replace")
            error.source = (self._context.filename, text)
            if not error.span.column:
                from jettison.frontend.dockerfile.span import with_columns

                error.span = with_columns(text, error.span, error.message)


def shown(sink: Sink, name: str, work: Callable[[Callable[[str, int, int], None]], T]) -> T:
    """Do work that is no vertex and show it as one.

    Args:
        sink: Gets the events.
        name: What it is called, such as ``[internal] load metadata for …``; its id, too.
        work: Gets a function to report progress with.
    """

    def report(item: str, current: int, total: int) -> None:
        sink(VertexProgress(time.time_ns(), name, item, current, total))

    sink(VertexStarted(time.time_ns(), name, name))
    try:
        value = work(report)
    except KeyboardInterrupt:
        sink(VertexEnded(time.time_ns(), name, name, Outcome.CANCELED))
        raise
    except BaseException as error:
        text = str(error) or type(error).__name__
        sink(VertexEnded(time.time_ns(), name, name, Outcome.FAILED, text))
        raise
    sink(VertexEnded(time.time_ns(), name, name, Outcome.DONE))
    return value


@contextmanager
def _suggesting_stages(asked: CompileRequest, need: ImageRequest) -> Iterator[None]:
    """Let errors about an image that is called almost like a stage say so."""
    try:
        yield
    except JettisonError as error:
        from jettison.frontend.dockerfile.parser import parse
        from jettison.frontend.dockerfile.syntax import From
        from jettison.frontend.dockerfile.text import near_name
        from jettison.lint.bases import OFFICIAL

        dockerfile = parse(asked.text, filename=asked.filename)
        stages = [each.stage_name for each in dockerfile.instructions if isinstance(each, From)]
        name = parse_reference(need.reference).familiar.partition(":")[0]
        near = near_name(name, stages) if name not in OFFICIAL else ""
        if near:
            error.message = (
                f"there is no stage `{name}` (did you mean stage `{near}`?), and {error.message}"
            )
            error.args = (error.message,)
            otherwise = f"; otherwise {error.hint}" if error.hint else ""
            error.hint = f"write `{near}`{otherwise}"
        raise


def _resolve(
    session: Session, request: BuildRequest, need: ImageRequest, place: str, sink: Sink
) -> ImageConfig:
    def work(_report: Callable[[str, int, int], None]) -> ImageConfig:
        resolved = session.resolver(offline=request.offline).resolve(
            need.reference, need.platform, pull=request.pull
        )
        return resolved.config

    return shown(sink, f"[{place}internal] load metadata for {need.reference}", work)


def _build_args(request: BuildRequest, environ: Mapping[str, str]) -> Mapping[str, str]:
    args = dict(request.build_args)
    epoch = environ.get(_EPOCH)
    if epoch and _EPOCH not in args:
        args[_EPOCH] = epoch
    return args


__all__ = [
    "Compiled",
    "compile_arguments",
    "compile_request",
    "excerpts_from",
    "named_contexts",
    "network_mode",
    "open_context",
    "shown",
    "this_platform",
    "wanted_platforms",
]
