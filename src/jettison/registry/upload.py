"""Pushing to a repository: blobs (found, mounted or sent) and manifests.

In:  descriptors and files that can be opened again; manifests' bytes.
Out: content that the registry confirmed.

Source: OCI distribution-spec 1.1, "Push".
Concurrency: safe for threads.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import BinaryIO
from urllib.parse import quote

import msgspec

from jettison.errors import DigestMismatchError, RegistryError, RegistryUnavailableError
from jettison.events import Progress, no_progress
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import Reference
from jettison.oci.url import Url
from jettison.registry.blob_upload import BlobUpload, Repository
from jettison.registry.client import ACCEPT, RegistryClient
from jettison.registry.transport import discard

_PUTS = 2
"""Of a manifest that was damaged on its way."""


class Uploaded(enum.Enum):
    """How a blob got into the repository."""

    EXISTED = "existed"
    MOUNTED = "mounted"
    SENT = "sent"


class BegunUpload:
    """A blob that a repository lacks: it is sent, or given up.

    Args:
        uploader: Whose repository it is.
        descriptor: Digest and size.
        place: Where a mount that was not done began an upload instead.
    """

    def __init__(self, uploader: Uploader, descriptor: Descriptor, place: Url | None) -> None:
        self._uploader = uploader
        self._descriptor = descriptor
        self._place = place

    def send(self, open_blob: Callable[[], BinaryIO], report: Progress = no_progress) -> None:
        """Send the blob; see ``Uploader.blob``.

        Raises:
            RegistryError: the registry refuses, or cannot be reached.
        """
        self._uploader.send(self._descriptor, open_blob, report, self._place)

    def cancel(self) -> None:
        """Let the registry know that nothing comes."""
        if self._place is not None:
            self._uploader.cancel(self._place)


class Uploader:
    """Pushes to one repository.

    Args:
        client: Talks to the registry.
        target: Registry and repository; tag and digest do not matter.
        insecure: Do without TLS checks, whatever the settings say.
    """

    def __init__(
        self, client: RegistryClient, target: Reference, *, insecure: bool = False
    ) -> None:
        self._hosts = client.hosts
        endpoint = client.hosts.endpoints(target, push=True)[0]
        if insecure and not endpoint.insecure:
            endpoint = msgspec.structs.replace(endpoint, insecure=True)
        scopes = (f"repository:{endpoint.repository}:pull,push",)
        self._repository = Repository(client.session, endpoint, scopes)
        self._chunk_bytes = client.chunk_bytes

    def has_blob(self, digest: Digest) -> bool:
        """Tell whether the repository has a blob."""
        return self._repository.has_blob(digest)

    def mount(self, digest: Digest, source: Reference) -> bool:
        """Take a blob over from another repository of the same registry, if it allows that."""
        mounted, begun = self._mount(digest, source)
        if begun is not None:
            self.cancel(begun)
        return mounted

    def _mount(self, digest: Digest, source: Reference) -> tuple[bool, Url | None]:
        """Mount a blob; return whether that was done, and the upload that was begun instead."""
        at, near = self._repository, self._hosts.endpoints(source, push=True)[0]
        if (near.host, near.registry) != (at.endpoint.host, at.endpoint.registry):
            return False, None
        if near.repository == at.endpoint.repository:
            return self.has_blob(digest), None
        query = f"mount={quote(digest, safe='')}&from={quote(near.repository, safe='')}"
        scopes = (*at.scopes, f"repository:{near.repository}:pull")
        try:
            status, place = at.begun(at.url(f"blobs/uploads/?{query}"), {201, 202}, scopes)
        except RegistryUnavailableError:
            raise
        except RegistryError:
            # Who may push here need not be allowed to read there; some know no mounts at all.
            return False, None
        return (True, None) if status == 201 else (False, place)

    def blob(
        self,
        descriptor: Descriptor,
        open_blob: Callable[[], BinaryIO],
        *,
        mount_from: Reference | None = None,
        report: Progress = no_progress,
    ) -> Uploaded:
        """Make the repository have a blob.

        Args:
            descriptor: Digest and size.
            open_blob: Opens its bytes; called once for each request.
            mount_from: Where the same registry may have it already.
            report: Called with the bytes sent, under the digest.

        Raises:
            RegistryError: the registry refuses, or cannot be reached.
        """
        found = self.find(descriptor, mount_from)
        if isinstance(found, Uploaded):
            return found
        found.send(open_blob, report)
        return Uploaded.SENT

    def find(
        self, descriptor: Descriptor, mount_from: Reference | None = None
    ) -> Uploaded | BegunUpload:
        """Find or mount a blob; return how, or what sends it.

        Args:
            descriptor: Digest and size.
            mount_from: Where the same registry may have it already.

        Raises:
            RegistryError: the registry does not say, or cannot be reached.
        """
        if self.has_blob(descriptor.digest):
            return Uploaded.EXISTED
        place: Url | None = None
        if mount_from is not None:
            mounted, place = self._mount(descriptor.digest, mount_from)
            if mounted:
                return Uploaded.MOUNTED
        return BegunUpload(self, descriptor, place)

    def send(
        self,
        descriptor: Descriptor,
        open_blob: Callable[[], BinaryIO],
        report: Progress,
        place: Url | None,
    ) -> None:
        """Send a blob that the repository lacks, to where an upload was begun or to a new one."""
        BlobUpload(self._repository, descriptor, open_blob, report, self._chunk_bytes).send(place)

    def has_manifest(self, digest: Digest) -> bool:
        """Tell whether the repository has a manifest or an index of this digest.

        Raises:
            RegistryError: the registry does not say.
        """
        at = self._repository
        response = at.session.request(
            at.endpoint,
            "HEAD",
            at.url(f"manifests/{digest}"),
            scopes=at.scopes,
            headers={"Accept": ACCEPT},
            expected={200, 404},
        )
        discard(response)
        return response.status == 200

    def manifest(self, name: str, media_type: str, data: bytes) -> bool:
        """Put a manifest or an index under a tag or its digest.

        Returns whether the registry has noted its subject, and lists it among the referrers.

        Raises:
            RegistryError: the registry refuses, or cannot be reached.
            DigestMismatchError: it says to have kept something else.
        """
        at = self._repository
        for _ in range(_PUTS):
            response = at.session.request(
                at.endpoint,
                "PUT",
                at.url(f"manifests/{name}"),
                scopes=at.scopes,
                headers={"Content-Type": media_type},
                body=data,
                expected={200, 201, 202},
            )
            discard(response)
            kept = response.headers.get("Docker-Content-Digest", "")
            if not kept.startswith("sha256:") or kept == sha256_digest(data):
                return "OCI-Subject" in response.headers
        raise DigestMismatchError(
            f"registry `{at.endpoint.registry}` keeps other bytes of manifest `{name}` than were"
            " sent",
            hint="a proxy changes content; push by another way",
        )

    def delete(self, digest: Digest) -> bool:
        """Delete a manifest with its tags; tell whether it is gone, or a registry deletes nothing.

        Raises:
            RegistryUnavailableError: the registry cannot be reached.
        """
        at = self._repository
        response = at.session.request(
            at.endpoint,
            "DELETE",
            at.url(f"manifests/{digest}"),
            scopes=(f"repository:{at.endpoint.repository}:delete,pull,push",),
            expected={200, 202, 204, 400, 401, 403, 404, 405},
        )
        discard(response)
        return response.status in {200, 202, 204, 404}

    def cancel(self, place: Url) -> None:
        """End an upload that a refused mount began; registries would collect it anyway."""
        at = self._repository
        try:
            response = at.session.request(
                at.endpoint,
                "DELETE",
                place,
                scopes=at.scopes,
                expected=range(200, 600),
                attempts=1,
            )
        except RegistryError:
            return
        discard(response)
