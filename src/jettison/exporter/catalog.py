"""The exporter of each kind of output.

In:  an output; names of the build.
Out: an ``Exporter``.
"""

from __future__ import annotations

from collections.abc import Sequence

from jettison.exporter.base import Exporter, ExportServices
from jettison.exporter.outputs import (
    CacheOnlyOutput,
    DockerOutput,
    EngineOutput,
    ImageOutput,
    LocalOutput,
    OciOutput,
    OutputRequest,
    RegistryOutput,
    TarOutput,
)
from jettison.oci.reference import Reference


def make_exporter(
    output: OutputRequest, services: ExportServices, *, names: Sequence[Reference] = ()
) -> Exporter | None:
    """Return the exporter of an output; None for one that writes nothing here.

    Args:
        output: What is wanted.
        services: What exporters work with.
        names: References of ``-t``, for outputs without names.

    Raises:
        UsageError: there is no name to push to.
        ExportError: there is no directory for its file.
    """
    # Modules are loaded when they are wanted: most builds have one output.
    match output:
        case ImageOutput():
            from jettison.exporter.image import StoreExporter

            return StoreExporter(output, names, services)
        case RegistryOutput():
            from jettison.exporter.registry import RegistryExporter

            return RegistryExporter(output, names, services)
        case OciOutput() | DockerOutput():
            from jettison.exporter.oci import ArchiveExporter

            return ArchiveExporter(output, names, services)
        case LocalOutput() | TarOutput():
            from jettison.exporter.rootfs import RootfsExporter

            return RootfsExporter(output, services)
        case CacheOnlyOutput() | EngineOutput():
            return None  # engines are ``api.engine_exporter``'s, which knows both rooms
