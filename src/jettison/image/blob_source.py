"""What images are loaded from: an archive (``image.archive``) or a layout directory.

In:  descriptors.
Out: documents, blobs in the store.
"""

from __future__ import annotations

from typing import Protocol

from jettison.events import Progress
from jettison.image.layout import SCHEME, OciLayout
from jettison.image.remote import RemoteBlobs
from jettison.oci.manifest import Descriptor
from jettison.store.store import Store


class BlobSource(Protocol):
    """Reads the documents and fetches the blobs of an archive."""

    def document(self, descriptor: Descriptor) -> bytes:
        """Return a manifest, index or config, verified."""
        ...

    def fetch(self, descriptor: Descriptor) -> None:
        """Make the store have a blob."""
        ...


class LayoutBlobSource:
    """A layout directory.

    Args:
        store: Gets its blobs.
        path: It.
        report: Progress in bytes.
    """

    def __init__(self, store: Store, path: str, report: Progress) -> None:
        self._store = store
        self._layout = OciLayout(path)
        self._source = SCHEME + path
        self._report = report

    def document(self, descriptor: Descriptor) -> bytes:
        """Return a manifest, index or config, verified."""
        return self._layout.document(descriptor)

    def fetch(self, descriptor: Descriptor) -> None:
        """Copy a blob to the store."""
        RemoteBlobs(None).fetch(self._store, descriptor, self._source, report=self._report)
