"""``report``: what is known of an image's build, put together once and kept by image.

In:  a session, an image.
Out: a ``Report``: that of a build, or of what the store knows later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from jettison import __version__
from jettison.api.session import Session
from jettison.errors import ImageNotFoundError, InvalidReferenceError
from jettison.image.names import find_image, tag_reference
from jettison.oci.digest import sha256_digest
from jettison.oci.reference import names_registry
from jettison.report.model import Report
from jettison.store.image import StoredImage

if TYPE_CHECKING:
    from jettison.api.roots import Roots

_VERSION = f"report-{__version__}-2\0".encode()


def image_report(
    session: Session,
    image: StoredImage,
    *,
    read: bool = True,
    details: bool = False,
    open_roots: Callable[[], Roots] | None = None,
) -> Report:
    """Return the report of an image, as if its build had found everything in the cache.

    Args:
        session: The store.
        image: It.
        read: Whether layers that are not here as files are made so, for what needs them.
        details: Whether it has the image's files and sums of them, which brief ones do not show.
        open_roots: Returns the root file systems of the build, for whoever needs them; those that
            are here are enough.

    Raises:
        NamespaceRequired: files must be read, and the process may not do that as it is.
        ContentError, SourceError, StorageError: a layer cannot be had.
    """
    question = sha256_digest(_VERSION + f"{image.id} {session.builds.digest(image.id)}".encode())
    kept = session.cache.answers.find(question)
    report = None
    if kept is not None:
        try:
            report = msgspec.msgpack.decode(kept, type=Report)
        except msgspec.DecodeError:
            report = None  # an older version's
    lacks_files = report is None or (read and report.surface is None)
    if report is None or lacks_files or (details and report.tree is None):
        from jettison.api.make_report import make_report  # once an image
        from jettison.api.roots import Roots

        roots = open_roots() if open_roots is not None else Roots(session, image, read=read)
        if read and not roots.read:
            roots = Roots(session, image, read=True)
        report = make_report(session, image, roots, details=details)
        session.cache.answers.keep(question, msgspec.msgpack.encode(report))
    return with_blobs(session, image, report)


def named_report(session: Session, name: str, *, details: bool = False) -> Report:
    """Return the report of an image by the name or ID that a user writes, under that name.

    A name with its registry that is not in the store is looked for there.

    Args:
        session: The store.
        name: It.
        details: See ``image_report``.

    Raises:
        ImageNotFoundError, InvalidReferenceError: there is no such image.
        RegistryError, InvalidManifestError: see ``registry_report``.
        NamespaceRequired, ContentError, SourceError, StorageError: see ``image_report``.
    """
    from jettison.api.image_checks import image_findings
    from jettison.api.roots import Roots
    from jettison.report.assembly.findings import reported_findings

    try:
        image = find_image(session.store, name)
    except ImageNotFoundError:
        if not names_registry(name):
            raise
        from jettison.api.attached_report import registry_report

        return registry_report(session, name)
    roots = Roots(session, image, read=True)
    report = image_report(session, image, details=details, open_roots=lambda: roots)
    findings = image_findings(session, image, open_roots=lambda: roots) or ()
    report = msgspec.structs.replace(report, findings=reported_findings(findings))
    tags = session.store.images.tags_of(image.id)
    ref = next((_familiar(tag) for tag in tags if _is_named(tag, name)), report.image.ref)
    return msgspec.structs.replace(report, image=msgspec.structs.replace(report.image, ref=ref))


def _is_named(tag: str, name: str) -> bool:
    try:
        return str(tag_reference(name)) == tag
    except InvalidReferenceError:
        return False  # an ID


def with_blobs(session: Session, image: StoredImage, report: Report) -> Report:
    """Return a report with what changes when an image is named, packed or pushed."""
    layers = tuple(
        msgspec.structs.replace(
            layer, compressed=session.store.layers.find(each.layer).blob_bytes or None
        )
        for layer, each in zip(report.image.layers, image.layers, strict=False)
    )
    sizes = [each.compressed for each in layers]
    new = [each.compressed for each in layers if not each.base]
    tags = session.store.images.tags_of(image.id)
    changed = msgspec.structs.replace(
        report.image,
        ref=report.image.ref or (_familiar(tags[0]) if tags else ""),
        digest=image.manifest.digest if image.manifest is not None else report.image.digest,
        layers=layers or report.image.layers,
        compressed=None if None in sizes else sum(filter(None, sizes)),
        pull_new=None if None in new else sum(filter(None, new)),
    )
    return msgspec.structs.replace(report, image=changed)


def _familiar(tag: str) -> str:
    from jettison.oci.reference import parse_reference

    return parse_reference(tag).familiar
