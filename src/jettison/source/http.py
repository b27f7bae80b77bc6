"""Files from URLs: ADD of a URL, contexts and Dockerfiles that are URLs.

In:  a URL, maybe a checksum.
Out: ``HttpFile``: the bytes as a blob of the store, and what the server said of their time.

What ends too early is begun anew, some times. What was downloaded is kept: the server is asked
whether it is still so (ETag, Last-Modified), and a file with a checksum that the store holds is
not asked for at all. User and password of a URL are sent as basic authentication, and appear in
no message.

Security: answers are hostile. Sizes are bounded, redirects never lead from https to http, and
bytes with another checksum never become visible.
"""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING

import msgspec

from jettison.concurrency import INTERRUPTS
from jettison.errors import ContextError, DigestMismatchError, RegistryError
from jettison.events import Progress
from jettison.fs.file_tree import FileTree
from jettison.fs.tree import Tree
from jettison.oci.digest import Digest, encoded
from jettison.oci.redact import redacted
from jettison.oci.url import Url, UrlError, split_user
from jettison.registry.headers import parse_http_date, parse_length
from jettison.registry.transport import Transport, discard
from jettison.source.access import Access
from jettison.source.git_access import basic, secret_header
from jettison.store.database import Database
from jettison.store.store import Store

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

MAX_FILE_BYTES = 64 << 30
_CHUNK_BYTES = 1 << 18
_FILE_MODE = 0o600
_ATTEMPTS = 4
_PAUSE_SECONDS = 0.3
_MAX_VALIDATOR = 1024


class HttpFile(msgspec.Struct, frozen=True):
    """A download: its blob, and nanoseconds since the epoch of Last-Modified (0 without)."""

    digest: Digest
    mtime_ns: int = 0

    def tree(self, store: Store, name: str) -> Tree:
        """Return it as a tree that holds one file, mode 0600."""
        return FileTree(
            name,
            os.fspath(store.blobs.path(self.digest)),
            bytes.fromhex(encoded(self.digest)),
            mode=_FILE_MODE,
            mtime_ns=self.mtime_ns,
        )


class _Known(msgspec.Struct, frozen=True):
    """What the store remembers of a URL."""

    digest: Digest
    mtime_ns: int
    etag: str
    modified: str


class _BrokenOffError(ContextError):
    """A download ended too early: it is worth another attempt."""


class HttpSource:
    """Downloads into a store; thread-safe.

    Args:
        store: Where blobs and validators are kept.
        access: How servers are reached.
        transport: Connections; None makes some with the proxies of ``access``.
    """

    def __init__(self, store: Store, access: Access, transport: Transport | None = None) -> None:
        self._secrets = access.secrets
        self._store = store
        self._own = transport is None
        self._transport = transport if transport is not None else Transport(access.environ)
        self._offline = access.offline

    def close(self) -> None:
        """Close connections that were made here."""
        if self._own:
            self._transport.close()

    def fetch(self, url: str, *, checksum: str = "", report: Progress | None = None) -> HttpFile:
        """Download a URL, unless the store has what it would be.

        Args:
            url: ``http`` or ``https``.
            checksum: ``sha256:…``, ``sha384:…`` or ``sha512:…``; empty is any content.
            report: Called with how far it is, in bytes.

        Raises:
            ContextError: the server refuses, or the file is too large.
            DigestMismatchError: the content is another.
            RegistryUnavailableError: the server cannot be reached.
        """
        known = _find(self._store.database, url)
        if known is not None and not self._store.blobs.has(known.digest):
            known = None
        if known is not None and (known.digest == checksum or self._offline):
            _check(url, checksum, self._hash(known.digest, checksum))
            return HttpFile(known.digest, known.mtime_ns)
        if self._offline:
            raise ContextError(
                f"`{redacted(url)}` was never downloaded", hint="build without `--offline`"
            )
        before = INTERRUPTS.count
        for attempt in range(1, _ATTEMPTS):
            try:
                return self._download(url, checksum, known, report)
            except _BrokenOffError:
                if INTERRUPTS.count != before:
                    raise
            time.sleep(_PAUSE_SECONDS * 2 ** (attempt - 1))
        return self._download(url, checksum, known, report)

    def _download(
        self, url: str, checksum: str, known: _Known | None, report: Progress | None
    ) -> HttpFile:
        response = self._ask(url, known)
        if response.status == 304 and known is not None:
            discard(response)
            _check(url, checksum, self._hash(known.digest, checksum))
            return HttpFile(known.digest, known.mtime_ns)
        if response.status != 200:
            status = response.status
            discard(response)
            raise ContextError(
                f"invalid response status {status} of `{redacted(url)}`",
                hint="check the URL" if status < 500 else "try again later",
            )
        return self._keep(url, checksum, response, report)

    def _ask(self, url: str, known: _Known | None) -> BaseHTTPResponse:
        headers: dict[str, str] = {}
        if known is not None and known.etag:
            headers["If-None-Match"] = known.etag
        elif known is not None and known.modified:
            headers["If-Modified-Since"] = known.modified
        plain, authorization = _without_credentials(url)
        authorization = authorization or self._of_secrets(plain)
        if authorization:
            headers["Authorization"] = authorization
        try:
            return self._transport.send("GET", plain, headers=headers)
        except RegistryError as error:
            error.hint = error.hint or "check the URL and the network"
            raise

    def _of_secrets(self, url: Url) -> str:
        """Return the authorisation that a secret of the build gives, as BuildKit names them."""
        given = secret_header(
            url, "HTTP_AUTH_HEADER", "HTTP_AUTH_TOKEN", self._secrets, separator="_"
        )
        if given is None:
            return ""
        name, value = given
        return f"Bearer {value}" if name.startswith("HTTP_AUTH_TOKEN") else value

    def _keep(
        self, url: str, checksum: str, response: BaseHTTPResponse, report: Progress | None
    ) -> HttpFile:
        from urllib3 import exceptions  # loaded already

        algorithm = checksum.partition(":")[0]
        hasher = hashlib.new(algorithm) if algorithm else None
        total = parse_length(response.headers.get("Content-Length", "")) or 0
        done = 0
        try:
            with self._store.blobs.writer() as writer:
                while chunk := response.read(_CHUNK_BYTES, decode_content=False):
                    done += len(chunk)
                    if done > MAX_FILE_BYTES:
                        raise ContextError(
                            f"`{redacted(url)}` is larger than {MAX_FILE_BYTES >> 30} GiB"
                        )
                    writer.write(chunk)
                    if hasher is not None:
                        hasher.update(chunk)
                    if report is not None:
                        report(redacted(url), done, total)
                if total and done < total:
                    raise _BrokenOffError(
                        f"`{redacted(url)}` ended after {done} of {total} bytes",
                        hint="try again",
                    )
                if hasher is not None:
                    _check(url, checksum, f"{algorithm}:{hasher.hexdigest()}")
                digest = writer.commit()
        except (exceptions.HTTPError, ConnectionError, TimeoutError) as error:
            raise _BrokenOffError(
                f"the connection broke while reading `{redacted(url)}`", hint="try again"
            ) from error
        finally:
            response.close()
        headers = response.headers
        modified = headers.get("Last-Modified", "")
        etag = _sendable(headers.get("ETag", ""))
        known = _Known(digest, parse_http_date(modified), etag, _sendable(modified))
        _remember(self._store.database, url, known)
        return HttpFile(digest, known.mtime_ns)

    def _hash(self, digest: Digest, checksum: str) -> str:
        """Return the digest of a blob by the algorithm of a checksum."""
        algorithm = checksum.partition(":")[0]
        if algorithm in {"", "sha256"}:
            return digest
        with open(self._store.blobs.path(digest), "rb") as file:
            return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def _sendable(text: str) -> str:
    """Return a validator, or nothing for what is no line of ASCII: it is sent in a header."""
    return text if text.isascii() and text.isprintable() and len(text) <= _MAX_VALIDATOR else ""


def _check(url: str, wanted: str, found: str) -> None:
    if wanted and wanted != found:
        raise DigestMismatchError(
            f"digest mismatch: `{redacted(url)}` has {found}, expected {wanted}",
            hint="check the URL; correct `--checksum` if the new content is right",
        )


def _without_credentials(url: str) -> tuple[Url, str]:
    try:
        plain, user = split_user(url)
    except UrlError as error:
        raise ContextError(f"`{redacted(url)}` is no http URL: {error}") from None
    if user is None:
        return plain, ""
    return plain, basic(user.username, user.password)


def _key(url: str) -> str:
    # Credentials must not be found in the database, not even by trying.
    plain, _ = _without_credentials(url)
    return hashlib.sha256(str(plain).encode()).hexdigest()


def _find(database: Database, url: str) -> _Known | None:
    rows = database.query(
        "SELECT digest, mtime_ns, etag, modified FROM download WHERE url = ?", (_key(url),)
    )
    return _Known(Digest(rows[0][0]), *rows[0][1:]) if rows else None


def _remember(database: Database, url: str, known: _Known) -> None:
    database.execute(
        "INSERT OR REPLACE INTO download (url, digest, mtime_ns, etag, modified)"
        " VALUES (?, ?, ?, ?, ?)",
        (_key(url), known.digest, known.mtime_ns, known.etag, known.modified),
    )
