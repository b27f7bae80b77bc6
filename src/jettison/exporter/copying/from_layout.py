"""An OCI layout directory that images are copied from.

In:  a place.
Out: manifests, open blobs; what refers to an image, as the layout's index lists it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from jettison.errors import ImageNotFoundError, InvalidReferenceError
from jettison.exporter.copying.base import BlobFile
from jettison.exporter.copying.place import Place
from jettison.image.document import decode_document
from jettison.image.layout import OciLayout
from jettison.oci.codec import MAX_DOCUMENT_BYTES
from jettison.oci.digest import Digest
from jettison.oci.layout import REF_NAME
from jettison.oci.manifest import Descriptor
from jettison.oci.mediatype import INDEXES, MANIFESTS
from jettison.oci.reference import Reference
from jettison.registry.client import PulledManifest

_MOST_LOOKED_AT = 1024
"""Entries of an index of which the subject is read."""


class LayoutSource:
    """An image of a layout.

    Args:
        layout: Reads it.
        place: Which image of it.
    """

    def __init__(self, layout: OciLayout, place: Place) -> None:
        self._layout = layout
        self._place = place
        self._lock = threading.Lock()
        self._subjects: dict[Digest, list[PulledManifest]] | None = None

    def root(self) -> PulledManifest:
        """Return the manifest or index; see ``CopySource``."""
        descriptor = choose_entry(self._layout, self._place)
        return PulledManifest(descriptor, self.document(descriptor))

    def document(self, descriptor: Descriptor) -> bytes:
        """Return a manifest or an index, verified."""
        return self._layout.document(descriptor)

    def open(self, descriptor: Descriptor) -> BlobFile:
        """Open a blob."""
        return self._layout.open(descriptor.digest)

    def near(self, descriptor: Descriptor) -> Reference | None:
        """Return None: no registry is known to have it."""
        return None

    def referrers(self, digest: Digest) -> Sequence[PulledManifest]:
        """Return the entries of the index that refer to a manifest."""
        with self._lock:
            if self._subjects is None:
                self._subjects = _by_subject(self._layout)
        return self._subjects.get(digest, ())

    def tagged(self, tag: str) -> PulledManifest | None:
        """Return the entry of a name."""
        for each in self._layout.index().manifests:
            if each.annotations.get(REF_NAME) == tag:
                return PulledManifest(each, self.document(each))
        return None


def choose_entry(layout: OciLayout, place: Place) -> Descriptor:
    """Return the entry of a layout's index that a place names.

    Raises:
        ImageNotFoundError: there is none.
        InvalidReferenceError: there are several, and the place names none.
    """
    if place.digest is not None:
        return layout.by_digest(place.digest)
    entries = layout.index().manifests
    if place.entry is not None:
        if place.entry >= len(entries):
            raise ImageNotFoundError(f"`{place.path}` has {len(entries)} entries, counted from 0")
        return entries[place.entry]
    if place.name:
        return layout.named(place.name)
    images = [each for each in entries if not is_beside(each)] or list(entries)
    if len({each.digest for each in images}) == 1:
        return images[0]
    if not images:
        raise ImageNotFoundError(f"the layout `{place.path}` holds no image")
    names = sorted(each.annotations[REF_NAME] for each in images if REF_NAME in each.annotations)
    raise InvalidReferenceError(
        f"`{place.path}` holds {len(images)} images",
        hint=f"choose one: {', '.join(f'{place.text}:{name}' for name in names[:5])}"
        if names
        else f"choose one by its position: {place.text}:@0",
    )


def is_beside(entry: Descriptor) -> bool:
    """Tell whether an entry of a layout's index is no image but refers to one."""
    name = entry.annotations.get(REF_NAME, "")
    return bool(entry.artifact_type) or name.startswith(("sha256-", "sha512-"))


def _by_subject(layout: OciLayout) -> dict[Digest, list[PulledManifest]]:
    """Return the manifests of a layout's index that refer to others, by what they refer to.

    Raises:
        ContentError: one is damaged.
    """
    found: dict[Digest, list[PulledManifest]] = {}
    for each in layout.index().manifests[:_MOST_LOOKED_AT]:
        known = each.media_type in MANIFESTS | INDEXES and layout.has(each.digest)
        if not known or each.size > MAX_DOCUMENT_BYTES:
            continue
        data = layout.document(each)
        subject = decode_document(data, each.media_type).subject
        if subject is not None:
            found.setdefault(subject.digest, []).append(PulledManifest(each, data))
    return found
