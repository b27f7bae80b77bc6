"""Uploads to a repository: blobs (found, mounted or sent) and manifests.

In:  descriptors and files that can be opened again; manifests' bytes.
Out: content that the registry confirmed.

Source: OCI distribution-spec 1.1, "Push".
Concurrency: safe for threads.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from typing import BinaryIO
from urllib.parse import quote

import msgspec

from jettison.errors import AuthenticationError, RegistryError, RegistryUnavailableError
from jettison.events import Progress, no_progress
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import Reference
from jettison.oci.url import Url, UrlError
from jettison.registry.client import RegistryClient
from jettison.registry.transport import Body, discard

_ATTEMPTS = 4
_PAUSE_SECONDS = 0.2


class Uploaded(enum.Enum):
    """How a blob got into the repository."""

    EXISTED = "existed"
    MOUNTED = "mounted"
    SENT = "sent"


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
        self._session = client.session
        endpoint = client.hosts.endpoints(target, push=True)[0]
        if insecure and not endpoint.insecure:
            endpoint = msgspec.structs.replace(endpoint, insecure=True)
        self._endpoint = endpoint
        self._target = target

    def has_blob(self, digest: Digest) -> bool:
        """Tell whether the repository has a blob."""
        response = self._session.request(
            self._endpoint,
            "HEAD",
            self._url(f"blobs/{digest}"),
            scopes=self._scopes(),
            expected={200, 404},
        )
        discard(response)
        return response.status == 200

    def mount(self, digest: Digest, source: Reference) -> bool:
        """Take a blob over from another repository of the same registry, if it allows that."""
        if source.registry != self._target.registry:
            return False
        if source.repository == self._target.repository:
            return self.has_blob(digest)
        query = f"mount={quote(digest, safe='')}&from={quote(source.repository, safe='')}"
        try:
            response = self._session.request(
                self._endpoint,
                "POST",
                self._url(f"blobs/uploads/?{query}"),
                scopes=self._scopes(source.repository),
                body=b"",
                expected={201, 202},
            )
        except AuthenticationError:
            # Who may push here need not be allowed to read there.
            return False
        discard(response)
        if response.status == 202:
            self._cancel(response.headers.get("Location", ""))
        return response.status == 201

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
            open_blob: Opens its bytes; called once per attempt.
            mount_from: Where the same registry may have it already.
            report: Called with the bytes sent, under the digest.

        Raises:
            RegistryError: the registry refuses, or cannot be reached.
        """
        if self.has_blob(descriptor.digest):
            return Uploaded.EXISTED
        if mount_from is not None and self.mount(descriptor.digest, mount_from):
            return Uploaded.MOUNTED
        body = Body(
            lambda: _Reported(open_blob(), descriptor, report),  # type: ignore[arg-type,return-value]
            descriptor.size,
        )
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._send(descriptor, body)
            except RegistryUnavailableError:
                if attempt == _ATTEMPTS:
                    raise
                time.sleep(_PAUSE_SECONDS * 2 ** (attempt - 1))
            else:
                return Uploaded.SENT
        raise RegistryError(f"blob `{descriptor.digest}` was not sent")

    def manifest(self, name: str, media_type: str, data: bytes) -> bool:
        """Put a manifest or an index under a tag or its digest.

        Returns whether the registry has noted its subject, and lists it among the referrers.

        Raises:
            RegistryError: the registry refuses, or cannot be reached.
        """
        response = self._session.request(
            self._endpoint,
            "PUT",
            self._url(f"manifests/{name}"),
            scopes=self._scopes(),
            headers={"Content-Type": media_type},
            body=data,
            expected={200, 201, 202},
        )
        discard(response)
        return "OCI-Subject" in response.headers

    def delete(self, digest: Digest) -> bool:
        """Delete a manifest with its tags; tell whether it is gone, or a registry deletes nothing.

        Raises:
            RegistryUnavailableError: the registry cannot be reached.
        """
        response = self._session.request(
            self._endpoint,
            "DELETE",
            self._url(f"manifests/{digest}"),
            scopes=(f"repository:{self._endpoint.repository}:delete,pull,push",),
            expected={200, 202, 204, 400, 401, 403, 404, 405},
        )
        discard(response)
        return response.status in {200, 202, 204, 404}

    def _send(self, descriptor: Descriptor, body: Body) -> None:
        started = self._session.request(
            self._endpoint,
            "POST",
            self._url("blobs/uploads/"),
            scopes=self._scopes(),
            body=b"",
            expected={202},
        )
        location = started.headers.get("Location", "")
        discard(started)
        if not location:
            raise RegistryError(f"registry `{self._endpoint.registry}` names no upload location")
        url = self._joined(location).with_query(f"digest={quote(descriptor.digest, safe='')}")
        # One attempt: a half-sent upload is begun anew, at a new location.
        response = self._session.request(
            self._endpoint,
            "PUT",
            url,
            scopes=self._scopes(),
            headers={"Content-Type": "application/octet-stream"},
            body=body,
            expected={201, 204},
            attempts=1,
        )
        discard(response)

    def _cancel(self, location: str) -> None:
        """End an upload that a refused mount began; registries would collect it anyway."""
        if not location:
            return
        try:
            response = self._session.request(
                self._endpoint,
                "DELETE",
                self._joined(location),
                scopes=self._scopes(),
                expected=range(200, 600),
                attempts=1,
            )
        except RegistryError:
            return
        discard(response)

    def _joined(self, location: str) -> Url:
        """Return where the registry wants an upload."""
        try:
            return self._url("blobs/uploads/").join(location)
        except UrlError as error:
            raise RegistryError(
                f"registry `{self._endpoint.registry}` names an upload location that cannot be"
                f" used: {error}"
            ) from None

    def _url(self, path: str) -> Url:
        return self._session.url(self._endpoint, f"{self._endpoint.repository}/{path}")

    def _scopes(self, source: str = "") -> tuple[str, ...]:
        own = f"repository:{self._endpoint.repository}:pull,push"
        return (own, f"repository:{source}:pull") if source else (own,)


class _Reported:
    """A file that tells how far it was read."""

    def __init__(self, file: BinaryIO, descriptor: Descriptor, report: Progress) -> None:
        self._file = file
        self._descriptor = descriptor
        self._report = report
        self._sent = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._sent += len(data)
        self._report(self._descriptor.digest, self._sent, self._descriptor.size)
        return data

    def close(self) -> None:
        self._file.close()
