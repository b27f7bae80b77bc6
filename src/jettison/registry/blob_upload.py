"""One blob on its way into a repository: in one request or in chunks, across what breaks.

In:  a session, a descriptor, a file that can be opened again.
Out: a blob that the registry confirmed.

In one request (POST, PUT) unless chunks are asked for (POST, PATCH for each, PUT), or the body is
too large for the registry or a proxy before it (413). A registry that knows no chunks gets the
blob in one request. An upload that breaks is asked how far it is, and goes on there; where that is
not known it is begun anew.

Source: OCI distribution-spec 1.1, "Pushing blobs".
Security: the registry checks the digest; credentials go to its own origin only (``session``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import BinaryIO
from urllib.parse import quote

import msgspec

from jettison.concurrency import INTERRUPTS
from jettison.errors import AuthenticationError, RegistryError, RegistryUnavailableError
from jettison.events import Progress
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.oci.url import Url, UrlError
from jettison.registry.auth import Scopes
from jettison.registry.endpoint import Endpoint
from jettison.registry.headers import parse_length, range_end
from jettison.registry.session import RegistrySession
from jettison.registry.transport import MAX_WAIT_SECONDS, Body, discard, pause

_ATTEMPTS = 4
_PAUSE_SECONDS = 0.2
_OCTETS = "application/octet-stream"
_CHUNK_BYTES = 16 << 20
_LEAST_CHUNK_BYTES = 256 << 10
_TOO_LARGE = 413
_NO_CHUNKS = frozenset({400, 404, 405, 411, 415, 501})
"""What registries answer to the first PATCH that know none."""
_LOST = frozenset({400, 404, 409, 410, 416})
"""The upload is gone, or what arrived is damaged: worth another attempt, not more."""
_PASSING = frozenset({408, 425, 429})


class Repository(msgspec.Struct, frozen=True):
    """Where a blob goes, and how requests there are made."""

    session: RegistrySession
    endpoint: Endpoint
    scopes: Scopes

    def url(self, path: str) -> Url:
        """Return the URL of a path of the repository."""
        return self.session.url(self.endpoint, f"{self.endpoint.repository}/{path}")

    def has_blob(self, digest: Digest) -> bool:
        """Tell whether the repository has a blob.

        Raises:
            RegistryError: the registry does not say.
        """
        response = self.session.request(
            self.endpoint,
            "HEAD",
            self.url(f"blobs/{digest}"),
            scopes=self.scopes,
            expected={200, 404},
        )
        discard(response)
        return response.status == 200

    def begin(self) -> Url:
        """Begin an upload; return where it goes on.

        Raises:
            RegistryError: the registry refuses, or names no place.
        """
        return self.begun(self.url("blobs/uploads/"), {202})[1]

    def begun(self, url: Url, expected: set[int], scopes: Scopes = ()) -> tuple[int, Url]:
        """Send the POST that begins an upload; return its status and where the upload goes on.

        Raises:
            RegistryError: the registry refuses, or names no place.
        """
        response = self.session.request(
            self.endpoint, "POST", url, scopes=scopes or self.scopes, body=b"", expected=expected
        )
        discard(response)
        if response.status == 201:
            return 201, url
        location = response.headers.get("Location", "")
        if not location:
            raise RegistryError(f"registry `{self.endpoint.registry}` names no upload location")
        return response.status, self.joined(location)

    def joined(self, location: str) -> Url:
        """Return where the registry wants an upload.

        Raises:
            RegistryError: that is no place.
        """
        try:
            return self.url("blobs/uploads/").join(location)
        except UrlError as error:
            raise RegistryError(
                f"registry `{self.endpoint.registry}` names an upload location that cannot be"
                f" used: {error}"
            ) from None


class BlobUpload:
    """Sends one blob.

    Args:
        repository: Where to.
        descriptor: Digest and size.
        open_blob: Opens its bytes; called once for each request.
        report: Called with the bytes sent, under the digest.
        chunk_bytes: Most that one request sends; 0 is all.

    Concurrency: for one thread.
    """

    def __init__(
        self,
        repository: Repository,
        descriptor: Descriptor,
        open_blob: Callable[[], BinaryIO],
        report: Progress,
        chunk_bytes: int,
    ) -> None:
        self._repository = repository
        self._descriptor = descriptor
        self._open = open_blob
        self._report = report
        self._chunk_bytes = chunk_bytes
        self._chunks_work = False
        self._no_chunks = False
        self._completing = False
        self._place: Url | None = None
        self._offset = 0
        self._failures = 0
        self._lost = False
        self._interrupts = INTERRUPTS.count

    def send(self, place: Url | None = None) -> None:
        """Send the blob.

        Args:
            place: Where an upload was begun already.

        Raises:
            RegistryError: the registry refuses, or cannot be reached.
        """
        self._place = place
        while True:
            try:
                # The answer to the last request may be what got lost.
                if self._completing and self._repository.has_blob(self._descriptor.digest):
                    return
                self._place = self._place or self._repository.begin()
                self._transfer(self._place)
            except AuthenticationError:
                raise
            except RegistryError as error:
                self._recover(error)
            else:
                return

    def _transfer(self, place: Url) -> None:
        size = self._descriptor.size
        if self._chunk_bytes == 0 and self._offset == 0:
            self._complete(place, self._body(0, size))
            return
        while self._offset < size:
            place = self._place = self._send_chunk(place)
            self._failures = 0
        self._complete(place, b"")

    def _send_chunk(self, place: Url) -> Url:
        """Send the next chunk; return where the one after it goes."""
        count = min(
            self._chunk_bytes or self._descriptor.size, self._descriptor.size - self._offset
        )
        last = self._offset + count - 1
        response = self._repository.session.request(
            self._repository.endpoint,
            "PATCH",
            place,
            scopes=self._repository.scopes,
            headers={"Content-Type": _OCTETS, "Content-Range": f"{self._offset}-{last}"},
            body=self._body(self._offset, count),
            expected={201, 202, 204},
            attempts=1,
        )
        discard(response)
        self._chunks_work = True
        least = parse_length(response.headers.get("OCI-Chunk-Min-Length", "")) or 0
        if 0 < self._chunk_bytes < least:
            self._chunk_bytes = least
        arrived = range_end(response.headers.get("Range", ""))
        # Registries may keep less than they were sent.
        fits = arrived is not None and self._offset <= arrived <= last
        self._offset = (arrived if fits and arrived is not None else last) + 1
        location = response.headers.get("Location", "")
        return self._repository.joined(location) if location else place

    def _complete(self, place: Url, body: bytes | Body) -> None:
        self._completing = True
        # One attempt: whether it can be sent once more, the registry says.
        response = self._repository.session.request(
            self._repository.endpoint,
            "PUT",
            place.with_query(f"digest={quote(self._descriptor.digest, safe='')}"),
            scopes=self._repository.scopes,
            headers={"Content-Type": _OCTETS},
            body=body,
            expected={201, 204},
            attempts=1,
        )
        discard(response)

    def _recover(self, error: RegistryError) -> None:
        """Find out where to go on after an error, and wait; raise it when there is no going on."""
        if INTERRUPTS.count != self._interrupts:
            raise error
        if self._smaller(error.status) or self._in_one(error.status):
            self._begin_anew()
            return
        lost = error.status in _LOST and not self._lost
        passing = isinstance(error, RegistryUnavailableError) or error.status in _PASSING
        self._failures += 1
        if not (lost or passing) or self._failures >= _ATTEMPTS:
            raise error
        if error.wait_seconds > MAX_WAIT_SECONDS:
            raise error
        seconds = _PAUSE_SECONDS * 2 ** (self._failures - 1)
        pause(max(seconds, error.wait_seconds), self._interrupts)
        if lost:
            self._lost = True
            self._begin_anew()
        else:
            self._ask_how_far()

    def _smaller(self, status: int) -> bool:
        """Send less in one request where that was too large; tell whether there is less."""
        sent = min(self._chunk_bytes or 4 * _CHUNK_BYTES, self._descriptor.size)
        if status != _TOO_LARGE or self._no_chunks or sent <= _LEAST_CHUNK_BYTES:
            return False
        self._chunk_bytes = max(sent // 4, _LEAST_CHUNK_BYTES)
        return True

    def _in_one(self, status: int) -> bool:
        """Send all in one request where chunks are not known; tell whether that is so."""
        if self._chunk_bytes == 0 or self._chunks_work or status not in _NO_CHUNKS:
            return False
        self._chunk_bytes, self._no_chunks = 0, True
        return True

    def _begin_anew(self) -> None:
        self._place, self._offset = None, 0

    def _ask_how_far(self) -> None:
        """Ask the registry what it has of the upload, and where it goes on."""
        place = self._place
        self._begin_anew()
        if place is None:
            return
        with contextlib.suppress(RegistryError):
            response = self._repository.session.request(
                self._repository.endpoint,
                "GET",
                place,
                scopes=self._repository.scopes,
                expected=range(200, 500),
                attempts=1,
            )
            discard(response)
            end = range_end(response.headers.get("Range", ""))
            # `0-0` is also what some say of an upload without a byte.
            if response.status in {200, 204} and end and end < self._descriptor.size:
                location = response.headers.get("Location", "")
                self._place = self._repository.joined(location) if location else place
                self._offset = end + 1

    def _body(self, offset: int, count: int) -> Body:
        def opened() -> BinaryIO:
            file = self._open()
            file.seek(offset)
            return _Reported(file, self._descriptor, self._report, offset, count)  # type: ignore[return-value]

        return Body(opened, count)


class _Reported:
    """A part of a file that tells how far the file was read."""

    def __init__(
        self, file: BinaryIO, descriptor: Descriptor, report: Progress, offset: int, count: int
    ) -> None:
        self._file = file
        self._descriptor = descriptor
        self._report = report
        self._at = offset
        self._end = offset + count

    def read(self, size: int = -1) -> bytes:
        left = self._end - self._at
        data = self._file.read(left if size < 0 else min(size, left))
        self._at += len(data)
        self._report(self._descriptor.digest, self._at, self._descriptor.size)
        return data

    def close(self) -> None:
        self._file.close()
