"""A client of registries: manifests, blobs and tags out of them, credentials checked.

In:  references, descriptors.
Out: verified manifests, streams of blobs, tag names.

Mirrors are asked in order, the registry itself last. Uploads are in ``registry.upload``.

Source: OCI distribution-spec 1.1.
Security: manifests are bounded and their digest is checked here; a blob's bytes are checked by
who writes them (``BlobWriter``), its length is bounded here.
Concurrency: safe for threads.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from jettison.errors import (
    DigestMismatchError,
    InvalidManifestError,
    RegistryError,
)
from jettison.oci import mediatype
from jettison.oci.codec import MAX_DOCUMENT_BYTES
from jettison.oci.digest import Digest, parse_digest, sha256_digest, verify
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import Reference
from jettison.oci.url import UrlError
from jettison.registry.blob import BlobPart, BlobStream
from jettison.registry.credentials import Credentials, CredentialStore
from jettison.registry.endpoint import Endpoint, RegistryHosts, registry_hosts
from jettison.registry.error import refuse_page
from jettison.registry.headers import next_link, parse_length
from jettison.registry.session import RegistrySession
from jettison.registry.transport import Transport, discard, read_bounded
from jettison.settings import Settings

_ACCEPT = ", ".join(sorted(mediatype.INDEXES | mediatype.MANIFESTS))
_MAX_TAG_PAGES = 1000
_MAX_TAGS = 1 << 18

_T = TypeVar("_T")


class PulledManifest(msgspec.Struct, frozen=True):
    """A manifest or index: its descriptor and its bytes, which have that digest."""

    descriptor: Descriptor
    data: bytes


class _Tags(msgspec.Struct):
    tags: list[str] | None = None


class RegistryClient:
    """All registries that one command talks to.

    Args:
        hosts: Mirrors, rewrites, insecure registries.
        credentials: Finds the credentials of a registry.
        transport: Sends requests; closed with the client.
    """

    def __init__(
        self,
        hosts: RegistryHosts,
        credentials: Callable[[str], Credentials | None],
        transport: Transport,
    ) -> None:
        self.hosts = hosts
        self.used: dict[str, Credentials] = {}
        """Credentials that were looked up, by registry."""
        self._transport = transport
        self._credentials = credentials
        self.session = RegistrySession(transport, self.credentials, hosts.insecure)

    @classmethod
    def of_user(cls, settings: Settings, environ: Mapping[str, str]) -> RegistryClient:
        """Return the client of a user: settings, ``registries.conf``, docker's credentials."""
        hosts = registry_hosts(settings, environ)
        return cls(hosts, CredentialStore.of_user(environ).get, Transport(environ))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def credentials(self, registry: str) -> Credentials | None:
        """Return the credentials for a registry, or None.

        Raises:
            UsageError, AuthenticationError: they cannot be read.
        """
        found = self._credentials(registry)
        if found is not None:
            self.used[registry] = found
        return found

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def resolve(self, reference: Reference) -> Descriptor | None:
        """Return the descriptor of what a reference names, or None when there is nothing.

        Raises:
            RegistryError: no endpoint answers.
        """
        return self._first(reference, lambda at: self._resolve_at(at, reference))

    def manifest(self, reference: Reference, *, own: bool = False) -> PulledManifest | None:
        """Return the manifest or index that a reference names, or None when there is nothing.

        Args:
            reference: It.
            own: Ask the registry itself and no mirror, for what was pushed just now.

        Raises:
            RegistryError: no endpoint answers.
            DigestMismatchError: the bytes are not what the reference's digest says.
        """
        if own:
            return self._manifest_at(self.hosts.endpoints(reference, push=True)[0], reference)
        return self._first(reference, lambda at: self._manifest_at(at, reference))

    def document(
        self, reference: Reference, descriptor: Descriptor, *, limit: int = MAX_DOCUMENT_BYTES
    ) -> bytes:
        """Return a small blob (an image config) of at most so many bytes, verified.

        Raises:
            InvalidManifestError: it is larger than documents may be.
            DigestMismatchError: its bytes are others.
            RegistryError: it cannot be had.
        """
        if descriptor.size > limit:
            raise InvalidManifestError(f"document `{descriptor.digest}` is too large")
        with self.blob(reference, descriptor) as stream:
            data = b"".join(iter(lambda: stream.read(1 << 20), b""))
        verify(data, descriptor.digest)
        return data

    def blob(self, reference: Reference, descriptor: Descriptor) -> BlobStream:
        """Open a blob; connections that break are resumed where they broke.

        Raises:
            RegistryError: no endpoint has it.
        """
        stream = self._first(reference, lambda at: self._blob_at(at, descriptor))
        if stream is None:
            raise RegistryError(
                f"registry `{reference.registry}` lacks blob `{descriptor.digest}`"
                f" of `{reference.repository}`",
                status=404,
            )
        return stream

    def tags(self, reference: Reference) -> list[str]:
        """Return the tags of a repository as the registry orders them.

        Raises:
            RegistryError: it cannot be asked, or has no such repository.
        """
        endpoint = self.hosts.endpoints(reference, push=True)[0]
        found = list(itertools.islice(self._iter_tags(endpoint), _MAX_TAGS + 1))
        if len(found) > _MAX_TAGS:
            raise RegistryError(
                f"registry `{endpoint.registry}` lists more than {_MAX_TAGS} tags"
                f" of `{endpoint.repository}`"
            )
        return found

    def referrers(self, reference: Reference, digest: Digest) -> bytes | None:
        """Return the index of what refers to a manifest, None of a registry that lists nothing.

        Raises:
            RegistryError: no endpoint answers.
        """
        return self._first(reference, lambda at: self._referrers_at(at, digest))

    def check(self, registry: str, credentials: Credentials) -> None:
        """Try credentials (``jettison login``).

        Raises:
            AuthenticationError: the registry does not take them.
            RegistryError: it cannot be asked.
        """
        session = RegistrySession(self._transport, lambda _: credentials, self.hosts.insecure)
        endpoint = self.hosts.endpoint(registry)
        response = session.request(endpoint, "GET", session.url(endpoint, ""), expected={200})
        discard(response)

    def _first(self, reference: Reference, ask: Callable[[Endpoint], _T | None]) -> _T | None:
        """Return the first answer of a reference's endpoints; a mirror's errors do not count."""
        endpoints = self.hosts.endpoints(reference)
        for mirror in endpoints[:-1]:
            try:
                found = ask(mirror)
            except (RegistryError, DigestMismatchError, InvalidManifestError):
                continue
            if found is not None:
                return found
        return ask(endpoints[-1])

    def _resolve_at(self, endpoint: Endpoint, reference: Reference) -> Descriptor | None:
        name = reference.digest or reference.tag
        response = self.session.request(
            endpoint,
            "HEAD",
            self.session.url(endpoint, f"{endpoint.repository}/manifests/{name}"),
            scopes=pull_scope(endpoint),
            headers={"Accept": _ACCEPT},
            expected={200, 404},
        )
        discard(response)
        if response.status == 404:
            return None
        digest = response.headers.get("Docker-Content-Digest", "")
        size = parse_length(response.headers.get("Content-Length", ""))
        if not digest or size is None or (reference.digest or digest) != digest:
            # Optional headers: an answer without them, or one that lies, is asked in full.
            pulled = self._manifest_at(endpoint, reference)
            return pulled.descriptor if pulled is not None else None
        return Descriptor(_media_type(response.headers), parse_digest(digest), size)

    def _manifest_at(self, endpoint: Endpoint, reference: Reference) -> PulledManifest | None:
        name = reference.digest or reference.tag
        response = self.session.request(
            endpoint,
            "GET",
            self.session.url(endpoint, f"{endpoint.repository}/manifests/{name}"),
            scopes=pull_scope(endpoint),
            headers={"Accept": _ACCEPT},
            expected={200, 404},
        )
        if response.status == 404:
            discard(response)
            return None
        data = read_bounded(response, MAX_DOCUMENT_BYTES, what=f"manifest `{name}`")
        refuse_page(data, response.headers, endpoint.registry, "a manifest")
        digest = reference.digest or sha256_digest(data)
        verify(data, digest)
        return PulledManifest(Descriptor(_media_type(response.headers), digest, len(data)), data)

    def _referrers_at(self, endpoint: Endpoint, digest: Digest) -> bytes | None:
        response = self.session.request(
            endpoint,
            "GET",
            self.session.url(endpoint, f"{endpoint.repository}/referrers/{digest}"),
            scopes=pull_scope(endpoint),
            headers={"Accept": mediatype.OCI_INDEX},
            expected={200, 400, 404, 405},
        )
        if response.status != 200:
            discard(response)
            return None
        data = read_bounded(response, MAX_DOCUMENT_BYTES, what="the list of referrers")
        refuse_page(data, response.headers, endpoint.registry, "a list of referrers")
        return data

    def _blob_at(self, endpoint: Endpoint, descriptor: Descriptor) -> BlobStream | None:
        url = self.session.url(endpoint, f"{endpoint.repository}/blobs/{descriptor.digest}")

        def open_at(offset: int) -> BlobPart | None:
            headers = {"Range": f"bytes={offset}-"} if offset else {}
            response = self.session.request(
                endpoint,
                "GET",
                url,
                scopes=pull_scope(endpoint),
                headers=headers,
                expected={200, 206, 404},
            )
            if response.status == 404:
                discard(response)
                return None
            starts = offset if response.status == 206 else 0
            return BlobPart(response, starts)

        part = open_at(0)
        return BlobStream(descriptor, open_at, part) if part is not None else None

    def _iter_tags(self, endpoint: Endpoint) -> Iterator[str]:
        url = self.session.url(endpoint, f"{endpoint.repository}/tags/list?n=1000")
        for _ in range(_MAX_TAG_PAGES):
            response = self.session.request(
                endpoint,
                "GET",
                url,
                scopes=pull_scope(endpoint),
                expected={200},
            )
            following = next_link(response.headers.get("Link", ""))
            data = read_bounded(response, MAX_DOCUMENT_BYTES, what="the list of tags")
            refuse_page(data, response.headers, endpoint.registry, "a list of tags")
            try:
                yield from msgspec.json.decode(data, type=_Tags).tags or ()
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise RegistryError("the list of tags is not valid JSON") from error
            if not following:
                return
            try:
                url = url.join(following)
            except UrlError as error:
                raise RegistryError(
                    f"registry `{endpoint.registry}` names more tags at a place that cannot be"
                    f" asked: {error}"
                ) from None


def pull_scope(endpoint: Endpoint) -> tuple[str, ...]:
    """Return the scopes of reading a repository."""
    return (f"repository:{endpoint.repository}:pull",)


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip()
