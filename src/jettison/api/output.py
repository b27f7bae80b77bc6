"""Where a built image goes: names in the store, archives, directories, registries.

In:  a ``BuildRequest``; then the built image.
Out: what was written: the descriptor of the last manifest, if there was one, and names.

Attributes of all outputs are checked before anything is built.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

import msgspec

from jettison.api.compile import shown, this_platform, wanted_platforms
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.errors import UsageError
from jettison.events import Progress, Sink, Warned
from jettison.exporter.base import Exporter, ExportResult, ExportServices, PushTarget
from jettison.exporter.catalog import make_exporter
from jettison.exporter.outputs import (
    CacheOnlyOutput,
    DockerOutput,
    EngineOutput,
    ImageForm,
    ImageOutput,
    LocalOutput,
    OutputRequest,
    RegistryOutput,
    kind_of,
)
from jettison.image.attestation import AttestationsOf, no_attestations
from jettison.image.names import tag_reference
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import Reference
from jettison.store.image import StoredImage

_FIRST_PORTABLE_LEVEL = 4
"""Of gzip: levels below are igzip's, which chooses code by the processor."""

_PORTABLE_LEVEL = 6
"""Of gzip, unless one is asked for: zlib's default."""


class Written(msgspec.Struct, frozen=True):
    """What all outputs of a build came to.

    Args:
        manifest: Of the image, or the index of several, as the last output that has one made it.
        names: Normalised references, in the order of the outputs, each once.
    """

    manifest: Descriptor | None = None
    names: tuple[str, ...] = ()

    @property
    def digest(self) -> Digest | None:
        """The manifest's digest."""
        return None if self.manifest is None else self.manifest.digest


class PreparedOutput(msgspec.Struct, frozen=True):
    """An exporter, what it is called while it works, and the repositories that it pushes to."""

    title: str
    exporter: Exporter
    targets: tuple[PushTarget, ...] = ()


def services(
    session: Session, *, offline: bool = False, attestations: AttestationsOf = no_attestations
) -> ExportServices:
    """Return what exporters work with."""
    return ExportServices(
        store=session.store,
        blobs=session.blobs,
        client=None if offline else session.registry,
        stdout=getattr(sys.stdout, "buffer", None),  # a notebook's takes text only
        attestations=attestations,
        platform=this_platform(),
    )


def prepare_outputs(
    session: Session, request: BuildRequest, attestations: AttestationsOf = no_attestations
) -> list[PreparedOutput]:
    """Return the outputs of a request, in the order written; names in the store come first.

    Raises:
        UsageError: a type or an attribute is wrong.
        InvalidReferenceError: a tag is no name.
    """
    names = tuple(tag_reference(tag) for tag in request.tags)
    made = services(session, offline=request.offline, attestations=attestations)
    wanted = list(map(_portable, request.outputs) if request.reproducible else request.outputs)
    if request.push and not any(isinstance(each, RegistryOutput) for each in wanted):
        wanted = _pushed(wanted)
    loads = any(isinstance(each, EngineOutput) for each in wanted)
    if (names or loads or not wanted) and not any(isinstance(each, ImageOutput) for each in wanted):
        wanted.insert(0, _kept_as(wanted))
    if request.part_of:
        from jettison.api.parts import by_digest

        wanted = [by_digest(each) for each in wanted]
    for_docker = any(isinstance(each, DockerOutput) for each in wanted)
    if for_docker and len(wanted_platforms(request)) > 1:
        raise UsageError(
            "docker's archives hold the image of one platform each",
            hint="use `type=oci`, which docker loads into a containerd image store",
        )
    for each in wanted:
        _check(session, request, each)
    made_ready = (_prepare(session, made, each, names) for each in wanted)
    return [each for each in made_ready if each is not None]


def _pushed(wanted: Sequence[OutputRequest]) -> list[OutputRequest]:
    """Return outputs of which one pushes: an image that is kept does, as with docker."""
    if any(isinstance(each, ImageOutput) for each in wanted):
        return [
            msgspec.structs.replace(each, push=True) if isinstance(each, ImageOutput) else each
            for each in wanted
        ]
    return [*wanted, RegistryOutput()]


def _kept_as(wanted: Sequence[OutputRequest]) -> ImageOutput:
    """Return the output that keeps in the store what the first other one makes an image of."""
    first = next((each for each in wanted if isinstance(each, ImageForm)), None)
    if first is None:
        return ImageOutput()
    return ImageOutput(
        names=first.names if isinstance(first, EngineOutput) else (),
        compression=first.compression,
        compression_level=first.compression_level,
        force_compression=first.force_compression,
        rewrite_timestamp=first.rewrite_timestamp,
        source_date_epoch=first.source_date_epoch,
    )


def _portable(output: OutputRequest) -> OutputRequest:
    """Return an output whose bytes do not depend on the processor.

    Raises:
        UsageError: it asks for a level at which they do.
    """
    if not isinstance(output, ImageForm) or output.compression != "gzip":
        return output
    level = output.compression_level
    if level is not None and 0 < level < _FIRST_PORTABLE_LEVEL:
        raise UsageError(
            f"the bytes of gzip at `compression-level={level}` depend on the processor",
            hint=f"with --reproducible use {_FIRST_PORTABLE_LEVEL} to 9, or another compression",
        )
    return msgspec.structs.replace(
        output, compression_level=_PORTABLE_LEVEL if level is None else level
    )


def _check(session: Session, request: BuildRequest, output: OutputRequest) -> None:
    """See that an output can be written, and that what it may destroy is meant.

    Raises:
        UsageError: it cannot, or that is not granted.
    """
    if isinstance(output, LocalOutput) and output.mode == "delete":
        from jettison.api.mirror import require_mirror  # seldom asked for

        require_mirror(request, output, session.store.root)
    if isinstance(output, ImageOutput) and output.annotations and not output.push:
        raise UsageError(
            "annotations are of manifests, and an image of the store has none",
            hint="add push=true, or use type=oci,dest=FILE",
        )


def reads_layers(request: BuildRequest) -> bool:
    """Tell whether an output, or what goes with it, needs the bytes of layers."""
    return (
        request.push or request.attest.sbom is not None or any(map(_reads_layers, request.outputs))
    )


def _reads_layers(output: OutputRequest) -> bool:
    if isinstance(output, ImageOutput):
        return output.push or output.unpack
    return not isinstance(output, CacheOnlyOutput)


def write_outputs(
    outputs: list[PreparedOutput],
    images_for: Callable[[Exporter], Sequence[StoredImage]],
    sink: Sink,
    exported: Callable[[ExportResult], None] | None = None,
) -> Written:
    """Write the images to all outputs; return what was written.

    Args:
        outputs: They.
        images_for: Returns the images that an output wants, one for each platform.
        sink: Gets events about progress.
        exported: Called with what each output came to.

    Raises:
        ExportError, RegistryError, StorageError: an output cannot be written.
    """
    manifest = None
    names: dict[str, None] = {}
    for output in outputs:
        exporting = _exporting(output.exporter, images_for(output.exporter))
        result = shown(sink, output.title, exporting)
        if exported is not None:
            exported(result)
        if result.warning:
            sink(Warned(time.time_ns(), result.warning))
        names.update(dict.fromkeys(result.names))
        if result.manifest is not None:
            manifest = result.manifest
    return Written(manifest, tuple(names))


def _exporting(
    exporter: Exporter, images: Sequence[StoredImage]
) -> Callable[[Progress], ExportResult]:
    return lambda report: exporter.export(images, report)


def _prepare(
    session: Session, made: ExportServices, wanted: OutputRequest, names: tuple[Reference, ...]
) -> PreparedOutput | None:
    if isinstance(wanted, EngineOutput):
        from jettison.api.engine_exporter import EngineExporter  # few have an engine

        loader = EngineExporter(wanted, names, made, session.environ)
        return PreparedOutput(loader.title, loader) if loader.title else None
    exporter = make_exporter(wanted, made, names=names)
    if exporter is None:
        return None
    targets: tuple[PushTarget, ...] = ()
    if isinstance(wanted, RegistryOutput) or (isinstance(wanted, ImageOutput) and wanted.push):
        given = tuple(map(tag_reference, wanted.names)) or names
        targets = tuple(PushTarget(name, wanted.insecure) for name in given)
    return PreparedOutput(_title(wanted, names), exporter, targets)


def _title(wanted: OutputRequest, names: tuple[Reference, ...]) -> str:
    match wanted:
        case ImageOutput():
            return "exporting to image"
        case RegistryOutput():
            return f"pushing {', '.join(name.familiar for name in names)}"
        case CacheOnlyOutput() | EngineOutput():
            return ""
        case _:
            return f"exporting to {kind_of(wanted)} {wanted.dest}"
