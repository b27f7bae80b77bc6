"""The cache service of GitHub Actions, version 2: keys, and signed URLs of their blobs.

In:  its URL, the token of a job.
Out: where a key can be read from or written to; nothing where there is none.

Keys are immutable: whoever reserves one first writes it. What changes has numbered keys, such as
``NAME#7``, of which the newest is found by its beginning; so a number can be taken once, and two
that write at the same time learn of each other. A number whose writer was killed stays taken.

Source: ``actions/toolkit`` (packages/cache, ``results/api/v1``), ``go-actions-cache``; Twirp.
Security: the token goes to the service only, never to the servers of blobs; signed URLs are in no
message. Answers are hostile and bounded.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from jettison.errors import AuthenticationError, RegistryError, RegistryUnavailableError
from jettison.oci.url import Url, UrlError
from jettison.registry.headers import retry_after
from jettison.registry.transport import Transport, read_bounded

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_SERVICE = "/twirp/github.actions.results.api.v1.CacheService/"
_VERSION = "6fcfb44e7cd66febb567694572a0a7c79af9b53b26cf2cc5cf5b3ceab414063d"
"""What keys of others are told from ours by: the SHA-256 of ``jettison-cache-1``."""
_MAX_ANSWER = 64 << 10
_MAX_SCOPES = 16
_READS, _WRITES = 1, 2
HINT = (
    "the token must be of the job that runs: a workflow needs `crazy-max/ghaction-github-runtime`"
)


class Scope(msgspec.Struct, frozen=True):
    """A branch or pull request whose caches a token may read, and perhaps write."""

    name: str = msgspec.field(name="Scope", default="")
    permission: int = msgspec.field(name="Permission", default=_READS | _WRITES)

    @property
    def is_read(self) -> bool:
        """Whether it may be read."""
        return bool(self.permission & _READS)

    @property
    def is_written(self) -> bool:
        """Whether it may be written."""
        return bool(self.permission & _WRITES)


class Entry(msgspec.Struct, frozen=True):
    """The newest number of a key, and where its bytes are; the URL is a secret."""

    number: int
    url: Url

    def __repr__(self) -> str:
        return f"Entry({self.number}, …)"


class _Answer(msgspec.Struct):
    ok: bool = False
    signed_upload_url: str = ""
    signed_download_url: str = ""
    matched_key: str = ""
    message: str = ""


class _Refusal(msgspec.Struct):
    code: str = ""
    msg: str = ""
    message: str = ""


class ActionsService:
    """The service.

    Args:
        url: Its own.
        token: Of the job.
        transport: Sends requests.
    """

    def __init__(self, url: Url, token: str, transport: Transport) -> None:
        self._url = url
        self._token = token
        self._transport = transport
        self.scopes = scopes_of(token)

    @property
    def host(self) -> str:
        """Who is asked."""
        return self._url.authority

    def find(self, key: str) -> Entry | None:
        """Return the newest number of a key, of this branch or else of those it may read.

        Raises:
            RegistryError: the service refuses, or cannot be reached.
        """
        asked = {"key": f"{key}#", "restore_keys": [f"{key}#"], "version": _VERSION}
        answer = self._ask("GetCacheEntryDownloadURL", asked)
        if answer is None or not answer.ok:
            return None
        number = answer.matched_key.removeprefix(f"{key}#")
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            return None  # of a service that takes more for a beginning than it is
        return Entry(int(number), self._signed(answer.signed_download_url))

    def reserve(self, key: str, number: int) -> Url | None:
        """Return where a new number of a key is to be written; None if it is taken.

        Raises:
            RegistryError: the service refuses, or cannot be reached.
        """
        asked = {"key": f"{key}#{number}", "version": _VERSION}
        answer = self._ask("CreateCacheEntry", asked)
        if answer is None:
            return None
        if not answer.ok:
            raise RegistryError(f"`{self.host}` keeps nothing new{_said(answer.message)}")
        return self._signed(answer.signed_upload_url)

    def finish(self, key: str, number: int, size: int) -> None:
        """Let what was written be found.

        Raises:
            RegistryError: the service refuses, or cannot be reached.
        """
        asked = {"key": f"{key}#{number}", "size_bytes": str(size), "version": _VERSION}
        refused: RegistryError | None = None
        answer: _Answer | None = None
        try:
            answer = self._ask("FinalizeCacheEntryUpload", asked)
        except AuthenticationError:
            raise
        except RegistryError as error:
            refused = error
        if answer is not None and answer.ok:
            return
        found = self.find(key)  # the answer to an attempt before may have been lost
        if found is None or found.number < number:
            raise refused or RegistryError(f"`{self.host}` does not keep what was sent")

    def _ask(self, method: str, asked: Mapping[str, object]) -> _Answer | None:
        """Return an answer; None if there is no such key, or it is taken."""
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        url = msgspec.structs.replace(
            self._url, path=self._url.path.rstrip("/") + _SERVICE + method
        )
        response = self._transport.send(
            "POST", url, headers=headers, body=msgspec.json.encode(asked)
        )
        wait = retry_after(response.headers.get("Retry-After", ""))
        data = read_bounded(response, _MAX_ANSWER, what=f"an answer of `{self.host}`")
        if response.status == 200:
            return _decoded(data, self.host)
        refusal = _refusal(data)
        if response.status == 409 or refusal.code == "already_exists":
            return None
        if refusal.code == "not_found":
            return None
        self._refuse(response, refusal, wait)
        return None

    def _refuse(self, response: BaseHTTPResponse, refusal: _Refusal, wait: float) -> None:
        said = _said(refusal.msg or refusal.message or refusal.code)
        status = response.status
        message = f"`{self.host}` answers {status}{said}"
        if status in {401, 403}:
            raise AuthenticationError(message, hint=HINT, status=status)
        if status == 429:
            raise RegistryUnavailableError(
                f"{message}; it is to be asked again in {wait:.0f} seconds",
                hint="let fewer jobs write caches at a time, or write with `mode=min`",
                status=status,
            )
        if status >= 500:
            raise RegistryUnavailableError(message, hint="try again later", status=status)
        raise RegistryError(message, status=status)

    def _signed(self, text: str) -> Url:
        try:
            url = Url.parse(text)
        except UrlError as error:
            raise RegistryError(f"`{self.host}` names a place that is no URL: {error}") from None
        if (self._url.scheme, url.scheme) == ("https", "http"):
            raise RegistryError(f"`{self.host}` names a place that is asked without encryption")
        return url


def scopes_of(token: str) -> list[Scope]:
    """Return the branches that a token is for, those first that it may write.

    It is not verified: the service does that. One that says nothing is for one of no name.
    """
    try:
        body = token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        found = msgspec.json.decode(claims["ac"], type=list[Scope])[:_MAX_SCOPES]
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error, msgspec.MsgspecError):
        return [Scope()]
    return sorted(found, key=lambda each: not each.is_written)


def _decoded(data: bytes, host: str) -> _Answer:
    try:
        return msgspec.json.decode(data, type=_Answer)
    except (msgspec.MsgspecError, ValueError):
        raise RegistryUnavailableError(f"`{host}` answers with what is no answer") from None


def _refusal(data: bytes) -> _Refusal:
    try:
        return msgspec.json.decode(data, type=_Refusal)
    except (msgspec.MsgspecError, ValueError):
        return _Refusal()


def _said(text: str) -> str:
    """Return what a server said, as the end of a sentence; URLs may be signed."""
    shown = "".join(each for each in text if each.isprintable())[:200]
    return f": {shown}" if shown and "://" not in shown else ""
