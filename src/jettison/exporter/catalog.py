"""All kinds of outputs by their names.

In:  ``type``, ``dest`` and attributes of one ``--output``.
Out: an ``Exporter``, its attributes checked before anything is built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jettison.errors import UsageError
from jettison.exporter.base import Exporter, ExportServices
from jettison.oci.reference import Reference

TYPES = ("image", "registry", "oci", "docker", "local", "tar", "cacheonly")


def make_exporter(
    kind: str,
    dest: str,
    attributes: Mapping[str, str],
    services: ExportServices,
    *,
    names: Sequence[Reference] = (),
) -> Exporter | None:
    """Return the exporter of an output; None for ``cacheonly``.

    Args:
        kind: ``type``.
        dest: Path, ``-``, or empty.
        attributes: The others, as written.
        services: What exporters work with.
        names: References of ``-t``, for outputs without ``name=``.

    Raises:
        UsageError: the type or an attribute is unknown or wrong.
    """
    # Modules are loaded when they are wanted: most builds have one output.
    if kind in {"oci", "docker"}:
        from jettison.exporter.oci import ArchiveExporter

        return ArchiveExporter(kind, dest, attributes, services, names=names)
    if kind in {"local", "tar"}:
        from jettison.exporter.rootfs import RootfsExporter

        return RootfsExporter(kind, dest, attributes, services)
    if kind == "registry":
        from jettison.exporter.registry import RegistryExporter

        return RegistryExporter(kind, names, attributes, services)
    if kind == "image":
        from jettison.exporter.image import StoreExporter

        return StoreExporter(names, attributes, services)
    if kind == "cacheonly":
        return None
    raise UsageError(f"unknown output type `{kind}`", hint=f"use one of {', '.join(TYPES)}")
