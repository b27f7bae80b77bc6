"""A registry that images are copied from.

In:  a client, a reference.
Out: manifests, blobs that are opened when an upload or a file reads them, referrers.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jettison.errors import ImageNotFoundError
from jettison.exporter.copying.base import BlobFile
from jettison.image.referrers import all_referrers
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import Reference
from jettison.registry.client import PulledManifest, RegistryClient
from jettison.registry.download import Download


class RegistrySource:
    """An image of a registry.

    Args:
        client: Talks to it.
        reference: The image.
    """

    def __init__(self, client: RegistryClient, reference: Reference) -> None:
        self._client = client
        self._reference = reference

    def root(self) -> PulledManifest:
        """Return the manifest or index; see ``CopySource``."""
        found = self._client.manifest(self._reference)
        if found is None:
            raise ImageNotFoundError(
                f"`{self._reference.familiar}` is not in its registry",
                hint="check the name with `jettison manifest inspect`",
            )
        return found

    def document(self, descriptor: Descriptor) -> bytes:
        """Return a manifest or an index, verified."""
        place = self._at(descriptor.digest)
        found = self._client.manifest(place)
        if found is None:
            raise ImageNotFoundError(
                f"the registry lacks `{place.familiar}`, which an index names",
                hint="copy one platform with `--platform`",
            )
        return found.data

    def open(self, descriptor: Descriptor) -> BlobFile:
        """Open a blob; nothing is asked before it is read."""
        return Download(lambda start: self._client.blob(self._reference, descriptor, start=start))

    def near(self, descriptor: Descriptor) -> Reference | None:
        """Return the repository."""
        return self._reference

    def referrers(self, digest: Digest) -> Sequence[PulledManifest]:
        """Return the artifacts that refer to a manifest; those that are gone are passed over."""
        found = []
        for each in all_referrers(self._client, self._reference, digest):
            pulled = self._client.manifest(self._at(each.digest))
            if pulled is not None:
                found.append(pulled)
        return found

    def tagged(self, tag: str) -> PulledManifest | None:
        """Return what another tag of the repository names."""
        return self._client.manifest(msgspec.structs.replace(self._reference, tag=tag, digest=None))

    def _at(self, digest: Digest) -> Reference:
        return msgspec.structs.replace(self._reference, tag="", digest=digest)
