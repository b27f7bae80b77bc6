"""``export``: the files of a container or an image as one tar archive.

In:  a session, the name of a container, or of an image.
Out: the archive.

Of a container those files that it has in its root file system: what is mounted in it, such as
volumes, ``/proc`` and ``/sys``, is no part of it. It may run; then the archive is of no single
instant, as docker's is not.
"""

from __future__ import annotations

import sys

from jettison.api.cp import container_root
from jettison.api.image_files import opened_image
from jettison.api.output import services
from jettison.api.session import Session
from jettison.container.state.catalog import Catalog, Container, is_running
from jettison.errors import ContainerError, ImageNotFoundError
from jettison.events import Progress, no_progress
from jettison.exporter.destination import open_file, require_place
from jettison.exporter.outputs import TarOutput
from jettison.exporter.rootfs import RootfsExporter
from jettison.exporter.rootfs_tar import END, TarWriter
from jettison.image.layout import SCHEME
from jettison.image.names import find_image
from jettison.linux.files import is_overlay
from jettison.oci.reference import names_registry
from jettison.snapshot.stack import StackTree


def export(
    session: Session,
    name: str,
    output: str,
    platform: str = "",
    report: Progress = no_progress,
) -> None:
    """Write the files of a container, else of an image, as a tar archive.

    Args:
        session: The store.
        name: Of a container, or beginning of its ID; of an image of the store; with its registry,
            or as ``oci-layout://PATH``, also of one elsewhere.
        output: Path, or ``-`` for standard output.
        platform: Of an image for several; no container is meant then.
        report: Called with bytes that are fetched and files that are written.

    Raises:
        NamespaceRequired: files of all owners must be read, and the process may not do that.
        ContainerError: there is neither such a container nor such an image, or a running one's
            files cannot be seen from outside.
        ImageNotFoundError, PlatformNotFoundError, RegistryError, ContentError: see ``image_files``.
        ExportError: the archive cannot be written.
    """
    require_place(output)
    container = None if platform or name.startswith(SCHEME) else _container(session, name)
    if container is not None:
        _export_container(session, container, output, report)
        return
    session.require_namespace()
    with opened_image(session, name, platform) as image:
        exporter = RootfsExporter(TarOutput(output), services(session))
        exporter.export((image,), report)


def _container(session: Session, name: str) -> Container | None:
    """Return the container of a name; None where an image is meant.

    Raises:
        ContainerError: it is neither, or the beginning of several IDs.
    """
    catalog = Catalog(session.store)
    try:
        return catalog.find(name)
    except ContainerError:
        if len([each for each in catalog.all() if each.record.id.startswith(name)]) > 1:
            raise
    try:
        find_image(session.store, name)
    except ImageNotFoundError as error:
        if not names_registry(name):
            raise ContainerError(
                f"no such container: `{name}`, and no image of that name in the local store",
                hint=f"`jettison ps -a` lists containers; {error.hint}",
            ) from error
    return None


def _export_container(
    session: Session, container: Container, output: str, report: Progress
) -> None:
    record = container.record
    session.require_namespace(record.isolation)
    runs = is_running(container.state())
    if runs:
        _require_overlay(session, record.id, record.name)
    directories = session.blobs.materialise(record.layers, report)
    tree = StackTree([*directories, container.directory.upper], session.ownership)
    with open_file(output, getattr(sys.stdout, "buffer", None)) as sink:
        TarWriter(sink, "", None, report).write(tree, changes=runs)
        sink.write(END)


def _require_overlay(session: Session, container: str, name: str) -> None:
    """See that what a running container changes is where it is read.

    Raises:
        ContainerError: its changes are collected when it has ended.
    """
    with container_root(session, container) as root:
        if not is_overlay(root):
            raise ContainerError(
                f"`{name}` runs, and its root is no overlay of the kernel's: what it has changed"
                " is known when it has ended",
                hint=f"stop it first: `jettison stop {name}`",
            )
