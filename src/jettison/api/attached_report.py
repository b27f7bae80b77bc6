"""Reports beside images in registries.

In:  a report, or the name of an image in a registry.
Out: an OCI referrer that holds it; the report that an image has there.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jettison.api.session import Session
from jettison.errors import ImageNotFoundError, InvalidManifestError
from jettison.image.referrers import attach, attached
from jettison.oci.codec import MAX_DOCUMENT_BYTES
from jettison.oci.digest import Digest
from jettison.oci.reference import parse_reference
from jettison.report.model import Report

REPORT_TYPE = "application/vnd.jettison.report.v1+json"


def attach_report(session: Session, report: Report, tags: Sequence[str], manifest: Digest) -> None:
    """Put the report of an image beside it, in each repository that it was pushed to.

    Args:
        session: The store.
        report: It.
        tags: Names that were pushed.
        manifest: Digest of the manifest or index that they name.

    Raises:
        RegistryError: a registry refuses.
    """
    client = session.registry()
    data = msgspec.json.encode(report)
    if len(data) > MAX_DOCUMENT_BYTES:  # a Dockerfile may have any size
        data = msgspec.json.encode(msgspec.structs.replace(report, dockerfile=None, tree=None))
    for name in dict.fromkeys(parse_reference(tag).name for tag in tags):
        place = msgspec.structs.replace(parse_reference(name), tag="", digest=manifest)
        subject = client.resolve(place)
        if subject is None:
            raise ImageNotFoundError(f"`{place}` is gone, so that it gets no report")
        attach(client, place, subject, REPORT_TYPE, data)


def registry_report(session: Session, name: str) -> Report:
    """Return the report that an image has in its registry.

    Args:
        session: The store.
        name: The image with its registry.

    Raises:
        ImageNotFoundError: there is no such image, or it has no report.
        InvalidManifestError: what is there is no report.
        RegistryError: the registry cannot be asked.
    """
    reference = parse_reference(name)
    client = session.registry()
    subject = client.resolve(reference)
    if subject is None:
        raise ImageNotFoundError(
            f"no image `{name}` here or in its registry", hint="check the name and the tag"
        )
    data = attached(client, reference, subject.digest, REPORT_TYPE)
    if data is None:
        raise ImageNotFoundError(
            f"`{name}` has no report in its registry",
            hint=f"build it with `--push --report=attach`, or `jettison pull {name}` and ask again",
        )
    try:
        return msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidManifestError(f"what `{name}` has as its report is none: {error}") from error
