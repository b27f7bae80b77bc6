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
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from jettison.errors import (
    DigestMismatchError,
    InvalidManifestError,
    RegistryError,
    SizeMismatchError,
)
from jettison.oci import mediatype
from jettison.oci.codec import MAX_DOCUMENT_BYTES, decode, encode
from jettison.oci.digest import Digest, parse_digest, sha256_digest, verify
from jettison.oci.manifest import Descriptor, Index
from jettison.oci.reference import Reference
from jettison.oci.url import Url, UrlError
from jettison.registry.blob import BlobPart, BlobStream
from jettison.registry.blob_request import request_blob, request_pieces
from jettison.registry.credentials import Credentials, CredentialStore
from jettison.registry.endpoint import Endpoint, RegistryHosts, pull_scope, registry_hosts
from jettison.registry.foreign import open_foreign
from jettison.registry.headers import next_link, parse_length
from jettison.registry.pieces import PieceBudget, Piecewise
from jettison.registry.ranges import read_range
from jettison.registry.session import RegistrySession
from jettison.registry.transport import Transport, discard
from jettison.settings import Settings

ACCEPT = ", ".join(sorted(mediatype.INDEXES | mediatype.MANIFESTS))
"""Media types of the manifests and indexes that are asked for."""
_BREAKS_OF_A_MIRROR = 2
_MAX_TAG_PAGES = 1000
_MAX_TAGS = 1 << 18
_MAX_REFERRER_PAGES = 100
_MAX_REFERRERS = 1 << 14

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
        chunk_bytes: Most that one request of an upload sends; 0 is all.
        piecewise: Which blobs come in several ranges at once.
    """

    def __init__(
        self,
        hosts: RegistryHosts,
        credentials: Callable[[str], Credentials | None],
        transport: Transport,
        chunk_bytes: int = 0,
        piecewise: Piecewise | None = None,
    ) -> None:
        self.hosts = hosts
        self._pieces = PieceBudget(piecewise or Piecewise())
        self.chunk_bytes = chunk_bytes
        self.used: dict[str, Credentials] = {}
        """Credentials that were looked up, by registry."""
        self._transport = transport
        self._credentials = credentials
        self.session = RegistrySession(transport, self.credentials, hosts.insecure)

    @classmethod
    def of_user(cls, settings: Settings, environ: Mapping[str, str]) -> RegistryClient:
        """Return the client of a user: settings, ``registries.conf``, docker's credentials."""
        hosts = registry_hosts(settings, environ)
        credentials = CredentialStore.of_user(environ).get
        return cls(hosts, credentials, Transport(environ), settings.upload_chunk_bytes)

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
            at = self.hosts.endpoints(reference, push=True)[0]
            return _twice(lambda: self._manifest_at(at, reference))
        return self._first(reference, lambda at: _twice(lambda: self._manifest_at(at, reference)))

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

        def read() -> bytes:
            with self.blob(reference, descriptor) as stream:
                data = b"".join(iter(lambda: stream.read(1 << 20), b""))
            verify(data, descriptor.digest)
            return data

        return _twice(read)

    def blob(self, reference: Reference, descriptor: Descriptor, *, start: int = 0) -> BlobStream:
        """Open a blob; connections that break are resumed where they broke.

        Args:
            reference: An image that has it.
            descriptor: Of it.
            start: Offset from which it is read.

        Raises:
            RegistryError: no endpoint has it.
        """

        def in_pieces(at: Endpoint, offset: int) -> BlobPart | None:
            fetch = partial(read_range, self.session, self.hosts, reference, descriptor)
            return request_pieces(self.session, at, descriptor, offset, fetch, self._pieces)

        def open_at(offset: int, failures: int) -> BlobPart | None:
            if not failures and self._pieces.take(descriptor, offset):
                try:
                    return self._first(reference, lambda at: in_pieces(at, offset))
                except RegistryError:
                    pass  # in one request it may work, or that says what is wrong
            # Who broke off several times is passed over: any endpoint has the same bytes.
            found = self._first(
                reference,
                lambda at: request_blob(self.session, at, descriptor, offset),
                after=failures // _BREAKS_OF_A_MIRROR,
            )
            if found is None and descriptor.urls:
                return open_foreign(self._transport, descriptor, offset, self.hosts.insecure)
            return found

        part = open_at(start, 0)
        if part is None:
            apart = ", and so does where its image says that it is" if descriptor.urls else ""
            raise RegistryError(
                f"registry `{reference.registry}` lacks blob `{descriptor.digest}`"
                f" of `{reference.repository}`{apart}",
                status=404,
            )
        return BlobStream(descriptor, open_at, part, start=start)

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

    def _first(
        self, reference: Reference, ask: Callable[[Endpoint], _T | None], after: int = 0
    ) -> _T | None:
        """Return the first answer of a reference's endpoints; a mirror's errors do not count.

        Args:
            reference: Names them.
            ask: What each is asked.
            after: So many mirrors are passed over.
        """
        endpoints = self.hosts.endpoints(reference)
        for mirror in endpoints[after:-1]:
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
            headers={"Accept": ACCEPT},
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
        read = self.session.read(
            endpoint,
            self.session.url(endpoint, f"{endpoint.repository}/manifests/{name}"),
            scopes=pull_scope(endpoint),
            accept=ACCEPT,
            missing={404},
            what=f"manifest `{name}`",
            kind="a manifest",
        )
        if read is None:
            return None
        headers, data = read
        digest = reference.digest or sha256_digest(data)
        verify(data, digest)
        said = headers.get("Docker-Content-Digest", "")
        if reference.digest is None and said.startswith("sha256:"):
            verify(data, parse_digest(said))
        return PulledManifest(Descriptor(_media_type(headers), digest, len(data)), data)

    def _referrers_at(self, endpoint: Endpoint, digest: Digest) -> bytes | None:
        """Return the index of all pages."""
        url = self.session.url(endpoint, f"{endpoint.repository}/referrers/{digest}")
        found: list[Descriptor] = []
        for _ in range(_MAX_REFERRER_PAGES):
            read = self.session.read(
                endpoint,
                url,
                scopes=pull_scope(endpoint),
                accept=mediatype.OCI_INDEX,
                missing={400, 404, 405},
                what="the list of referrers",
                kind="a list of referrers",
            )
            if read is None:
                return None
            headers, data = read
            following = next_link(headers.get("Link", ""))
            if not following and not found:
                return data
            found += decode(Index, data).manifests
            if len(found) > _MAX_REFERRERS:
                break
            if not following:
                return encode(Index(tuple(found), media_type=mediatype.OCI_INDEX))
            url = _next_page(endpoint, url, following)
        raise RegistryError(f"registry `{endpoint.registry}` lists referrers without end")

    def _iter_tags(self, endpoint: Endpoint) -> Iterator[str]:
        url = self.session.url(endpoint, f"{endpoint.repository}/tags/list?n=1000")
        for _ in range(_MAX_TAG_PAGES):
            read = self.session.read(
                endpoint,
                url,
                scopes=pull_scope(endpoint),
                what="the list of tags",
                kind="a list of tags",
            )
            headers, data = read or ({}, b"{}")
            following = next_link(headers.get("Link", ""))
            try:
                yield from msgspec.json.decode(data, type=_Tags).tags or ()
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise RegistryError("the list of tags is not valid JSON") from error
            if not following:
                return
            url = _next_page(endpoint, url, following)


def _next_page(endpoint: Endpoint, url: Url, following: str) -> Url:
    """Return where a list goes on.

    Raises:
        RegistryError: the registry names no place of its own.
    """
    try:
        return url.join(following)
    except UrlError as error:
        raise RegistryError(
            f"registry `{endpoint.registry}` names more of a list at a place that cannot be"
            f" asked: {error}"
        ) from None


def _twice(read: Callable[[], _T]) -> _T:
    """Read what has a digest; bytes that were damaged on their way are asked for once more.

    Raises:
        DigestMismatchError, SizeMismatchError: they are others again.
    """
    try:
        return read()
    except (DigestMismatchError, SizeMismatchError):
        return read()


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip()
