"""What a root file system has, put into a ``Subject``.

In:  a ``Rootfs``, what is known of it beside its files.
Out: the ``Subject`` with distribution, components, and what could not be read.
"""

from __future__ import annotations

import msgspec

from jettison.analysis.os_release import os_release
from jettison.analysis.packages.base import PackageRecord, Reading
from jettison.analysis.packages.catalog import package_records
from jettison.analysis.packages.copyright import debian_licences
from jettison.analysis.rootfs import Rootfs
from jettison.linux.text import printable
from jettison.sbom.components import Origin, components
from jettison.sbom.licence import Licence, all_of
from jettison.sbom.model import Subject


def described(
    subject: Subject,
    root: Rootfs,
    *,
    reached: frozenset[str] | None = None,
    origin: Origin | None = None,
) -> Subject:
    """Return what is known of a root file system with what its files say.

    Args:
        subject: What is known.
        root: The files.
        reached: Paths that reached the image; None if that is not asked.
        origin: Tells where a package came from.
    """
    reading = Reading(root.files, reached or ())

    def licence_of(record: PackageRecord) -> Licence | None:
        if record.kind != "deb":
            return None
        return all_of(debian_licences(reading, record.name))

    distribution = root.fact(os_release)
    found = components(
        package_records(reading, root.programs),
        distribution,
        prefix=f"{subject.ref}-" if subject.kind == "stage" else "",
        licence_of=licence_of,
        reached=reached,
        origin=origin,
    )
    if not root.files.is_whole:
        reading.note("/", f"it has more than {len(root.files.entries)} files")
    return msgspec.structs.replace(
        subject,
        distribution=distribution,
        components=found,
        notes=tuple(sorted((printable(path), why) for path, why in reading.unread.items())),
    )
