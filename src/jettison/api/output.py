"""Where a built image goes: names in the store, archives, directories, registries.

In:  a ``BuildRequest``; then the built image.
Out: the digest of the manifest that was written or pushed, if there was one.

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
from jettison.exporter.base import Exporter, ExportResult, ExportServices
from jettison.exporter.catalog import make_exporter
from jettison.exporter.outputs import (
    CacheOnlyOutput,
    DockerOutput,
    ImageOutput,
    OutputRequest,
    RegistryOutput,
    kind_of,
)
from jettison.image.attestation import AttestationsOf, no_attestations
from jettison.image.names import tag_reference
from jettison.oci.digest import Digest
from jettison.oci.reference import Reference
from jettison.store.image import StoredImage


class PreparedOutput(msgspec.Struct, frozen=True):
    """An exporter and what it is called while it works."""

    title: str
    exporter: Exporter


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
    wanted = list(request.outputs)
    if (names or not wanted) and not any(isinstance(each, ImageOutput) for each in wanted):
        wanted.insert(0, ImageOutput())
    if request.push and not any(isinstance(each, RegistryOutput) for each in wanted):
        wanted.append(RegistryOutput())
    if request.part_of:
        from jettison.api.parts import by_digest

        wanted = [by_digest(each) for each in wanted]
    for_docker = any(isinstance(each, DockerOutput) for each in wanted)
    if for_docker and len(wanted_platforms(request)) > 1:
        raise UsageError(
            "docker's archives hold the image of one platform each",
            hint="use `type=oci`, which docker loads into a containerd image store",
        )
    return [done for each in wanted if (done := _prepare(made, each, names)) is not None]


def reads_layers(request: BuildRequest) -> bool:
    """Tell whether an output, or what goes with it, needs the bytes of layers."""
    return (
        request.push or request.attest.sbom is not None or any(map(_reads_layers, request.outputs))
    )


def _reads_layers(output: OutputRequest) -> bool:
    if isinstance(output, ImageOutput):
        return output.push
    return not isinstance(output, CacheOnlyOutput)


def write_outputs(
    outputs: list[PreparedOutput],
    images_for: Callable[[Exporter], Sequence[StoredImage]],
    sink: Sink,
    exported: Callable[[ExportResult], None] | None = None,
) -> Digest | None:
    """Write the images to all outputs; return the digest of the last manifest or index.

    Args:
        outputs: They.
        images_for: Returns the images that an output wants, one for each platform.
        sink: Gets events about progress.
        exported: Called with what each output came to.

    Raises:
        ExportError, RegistryError, StorageError: an output cannot be written.
    """
    digest = None
    for output in outputs:
        exporting = _exporting(output.exporter, images_for(output.exporter))
        result = shown(sink, output.title, exporting)
        if exported is not None:
            exported(result)
        if result.warning:
            sink(Warned(time.time_ns(), result.warning))
        if result.manifest is not None:
            digest = result.manifest.digest
    return digest


def _exporting(
    exporter: Exporter, images: Sequence[StoredImage]
) -> Callable[[Progress], ExportResult]:
    return lambda report: exporter.export(images, report)


def _prepare(
    made: ExportServices, wanted: OutputRequest, names: tuple[Reference, ...]
) -> PreparedOutput | None:
    exporter = make_exporter(wanted, made, names=names)
    return None if exporter is None else PreparedOutput(_title(wanted, names), exporter)


def _title(wanted: OutputRequest, names: tuple[Reference, ...]) -> str:
    match wanted:
        case ImageOutput():
            return "exporting to image"
        case RegistryOutput():
            return f"pushing {', '.join(name.familiar for name in names)}"
        case CacheOnlyOutput():
            return ""
        case _:
            return f"exporting to {kind_of(wanted)} {wanted.dest}"
