"""Authorisation: answers challenges with basic credentials or bearer tokens, and keeps tokens.

In:  ``WWW-Authenticate`` headers, credentials.
Out: ``Authorization`` headers by endpoint and scopes.

Source: RFC 9110 §11; distribution token authentication (``/token``, OAuth 2 refresh).
Security: credentials for a token go only to a realm that is reached at least as safely as the
registry itself; nothing of them is ever part of a message.
"""

from __future__ import annotations

import base64
import itertools
import threading
import time
from collections.abc import Callable, Collection
from urllib.parse import urlencode

import msgspec

from jettison.errors import AuthenticationError, RegistryError
from jettison.oci.url import Url, UrlError
from jettison.registry.credentials import Credentials
from jettison.registry.endpoint import Endpoint, is_unchecked
from jettison.registry.error import MAX_ERROR_BYTES, refusal, refuse_page
from jettison.registry.headers import Challenge, parse_challenges
from jettison.registry.transport import Transport, read_bounded

_MAX_TOKEN_BYTES = 1 << 20
_EXPIRY_MARGIN_SECONDS = 10.0
_CLIENT_ID = "jettison"
_MAX_SCOPES = 8

Scopes = tuple[str, ...]
"""Sorted: ``repository:library/python:pull``."""


class _TokenAnswer(msgspec.Struct):
    token: str = ""
    access_token: str = ""
    expires_in: int = 60


class _Token(msgspec.Struct, frozen=True):
    header: str
    expires: float


class Authorizer:
    """Keeps what was granted.

    Args:
        transport: For requests to token servers.
        credentials: Finds the credentials of a registry.
        insecure: Hosts (``host[:port]``) that may be asked without TLS checks.
        clock: Seconds that only grow.

    Concurrency: safe for threads; of several that were refused at once one fetches a token.
    """

    def __init__(
        self,
        transport: Transport,
        credentials: Callable[[str], Credentials | None],
        insecure: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._credentials = credentials
        self._insecure = insecure
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[tuple[str, Scopes], _Token] = {}
        self._answering: dict[tuple[str, Scopes], threading.Lock] = {}

    def header(self, origin: str, scopes: Scopes) -> str:
        """Return the value of ``Authorization`` that an origin granted before, or nothing."""
        with self._lock:
            for key in ((origin, scopes), (origin, ())):
                token = self._tokens.get(key)
                if token is not None and token.expires > self._clock():
                    return token.header
        return ""

    def answer(
        self,
        endpoint: Endpoint,
        origin: str,
        scopes: Scopes,
        challenge_headers: list[str],
        refused: str = "",
    ) -> bool:
        """Answer a 401 of an origin: get what the next request can be authorised with.

        Returns whether that is new, and not what another thread was granted before.

        Args:
            endpoint: Who refused.
            origin: Its.
            scopes: What must be allowed.
            challenge_headers: Of the answer.
            refused: What the request was authorised with.

        Raises:
            AuthenticationError: there are no credentials that fit, or the token server refuses.
            RegistryUnavailableError: the token server cannot be reached.
        """
        with self._lock:
            answering = self._answering.setdefault((origin, scopes), threading.Lock())
        with answering:
            if self.header(origin, scopes) not in {"", refused}:
                return False
            self.forget(origin, scopes)
            self._answer(endpoint, origin, scopes, challenge_headers)
            return True

    def _answer(
        self, endpoint: Endpoint, origin: str, scopes: Scopes, challenge_headers: list[str]
    ) -> None:
        challenges = parse_challenges(challenge_headers)
        credentials = self._credentials(endpoint.registry)
        bearer = next((c for c in challenges if c.scheme == "bearer"), None)
        if bearer is not None:
            token = self._fetch(endpoint, scopes, bearer, credentials)
            with self._lock:
                self._tokens[origin, scopes] = token
            return
        if any(c.scheme == "basic" for c in challenges) and credentials is not None:
            if credentials.registry_token:
                header = f"Bearer {credentials.registry_token}"
            else:
                header = _basic(credentials)
            with self._lock:
                self._tokens[origin, ()] = _Token(header, float("inf"))
            return
        raise refusal(401, b"", doing=doing(scopes), registry=endpoint.registry)

    def forget(self, origin: str, scopes: Scopes) -> None:
        """Drop what was granted: the origin does not take it any more."""
        with self._lock:
            self._tokens.pop((origin, scopes), None)
            self._tokens.pop((origin, ()), None)

    def _fetch(
        self,
        endpoint: Endpoint,
        scopes: Scopes,
        challenge: Challenge,
        credentials: Credentials | None,
    ) -> _Token:
        if credentials is not None and credentials.registry_token:
            return _Token(f"Bearer {credentials.registry_token}", float("inf"))
        realm, unchecked = self._realm(challenge, endpoint)
        fields = [("service", challenge.parameters.get("service", ""))]
        asked = _united(scopes, challenge.parameters.get("scope", ""))
        headers: dict[str, str] = {}
        body: bytes | None = None
        method, url = "GET", realm
        if credentials is not None and credentials.identity_token:
            fields += [
                ("grant_type", "refresh_token"),
                ("refresh_token", credentials.identity_token),
                ("client_id", _CLIENT_ID),
                ("scope", " ".join(asked)),
            ]
            method, body = "POST", urlencode(fields).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            fields += [("scope", scope) for scope in asked]
            if credentials is not None:
                headers["Authorization"] = _basic(credentials)
                fields.append(("account", credentials.username))
            query = urlencode([(k, v) for k, v in fields if v])
            url = realm.with_query(query)
        response = self._transport.send(method, url, headers=headers, body=body, insecure=unchecked)
        if response.status != 200:
            said = read_bounded(response, MAX_ERROR_BYTES, what="the token server's answer")
            status = 401 if response.status in {400, 401, 403} else response.status
            sent = headers.get("Authorization", "")
            if credentials is not None and credentials.identity_token:
                sent = f"Bearer {credentials.identity_token}"
            registry = endpoint.registry
            raise refusal(status, said, doing=doing(scopes), registry=registry, granted=sent)
        data = read_bounded(response, _MAX_TOKEN_BYTES, what="the token server's answer")
        refuse_page(data, response.headers, endpoint.registry, "a token")
        return self._decode(data, endpoint)

    def _realm(self, challenge: Challenge, endpoint: Endpoint) -> tuple[Url, bool]:
        """Return the token server that a challenge names, and whether TLS checks are off for it."""
        try:
            realm = Url.parse(challenge.parameters.get("realm", ""))
        except UrlError as error:
            raise AuthenticationError(
                f"registry `{endpoint.registry}` names a token server that cannot be asked:"
                f" {error}",
                hint="tell the registry's administrator",
            ) from None
        unchecked = is_unchecked(endpoint, realm, self._insecure)
        if realm.scheme == "https" or unchecked:
            return realm, unchecked
        raise AuthenticationError(
            f"registry `{endpoint.registry}` names a token server that is not safe to ask",
            hint=f"it must be an https URL; tell the registry's administrator, or list"
            f" `{realm.authority}` in `insecure_registries`",
        )

    def _decode(self, data: bytes, endpoint: Endpoint) -> _Token:
        try:
            answer = msgspec.json.decode(data, type=_TokenAnswer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            answer = _TokenAnswer()
        token = answer.token or answer.access_token
        if not token or not token.isascii() or not token.isprintable():
            raise RegistryError(f"the token server of `{endpoint.registry}` gives no token")
        seconds = max(answer.expires_in, 60) - _EXPIRY_MARGIN_SECONDS
        return _Token(f"Bearer {token}", self._clock() + seconds)


def _united(scopes: Scopes, challenged: str) -> Scopes:
    """Return scopes, and those of a challenge that are of something else.

    Proxies of registries may know a repository under another name.
    """
    known = {scope.rpartition(":")[0] for scope in scopes}
    further = (each for each in challenged.split() if each.rpartition(":")[0] not in known)
    return (*scopes, *itertools.islice(further, _MAX_SCOPES))


def _basic(credentials: Credentials) -> str:
    pair = f"{credentials.username}:{credentials.password}".encode()
    return "Basic " + base64.b64encode(pair).decode()


def doing(scopes: Scopes) -> str:
    """Return what a request with these scopes tries, for messages."""
    if not scopes:
        return "talk to it"
    name, actions = [*scopes[0].split(":"), "", ""][1:3]
    return f"{'push to' if 'push' in actions else 'pull'} `{name}`"
