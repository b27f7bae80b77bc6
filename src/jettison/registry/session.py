"""Authorised requests to endpoints: scheme, credentials, and refusals as errors.

In:  endpoints, paths below ``/v2/``, scopes.
Out: responses of any of the expected statuses.

Concurrency: safe for threads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from jettison.concurrency import Once
from jettison.errors import RegistryError, RegistryUnavailableError
from jettison.oci.codec import MAX_DOCUMENT_BYTES
from jettison.oci.url import Url
from jettison.registry.auth import Authorizer, Scopes, doing
from jettison.registry.credentials import Credentials
from jettison.registry.endpoint import Endpoint, is_unchecked
from jettison.registry.error import MAX_ERROR_BYTES, refusal, refuse_page
from jettison.registry.headers import retry_after
from jettison.registry.transport import Body, BrokenBodyError, Transport, discard, read_bounded

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_READS = 3
_ANSWERS = 2
"""To refusals of one request: of a token that another thread got, and of none or an old one."""


class RegistrySession:
    """What all requests share.

    Args:
        transport: Sends them.
        credentials: Finds the credentials of a registry.
        insecure: Hosts (``host[:port]``) that may be asked without TLS checks.
    """

    def __init__(
        self,
        transport: Transport,
        credentials: Callable[[str], Credentials | None],
        insecure: Collection[str] = (),
    ) -> None:
        self._transport = transport
        self._insecure = insecure
        self._authorizer = Authorizer(transport, credentials, insecure)
        self._schemes: Once[str, str] = Once()

    def url(self, endpoint: Endpoint, path: str) -> Url:
        """Return the URL of a path below ``/v2/``."""
        return endpoint.url(self._scheme(endpoint), path)

    def request(
        self,
        endpoint: Endpoint,
        method: str,
        url: Url,
        *,
        scopes: Scopes = (),
        headers: Mapping[str, str] | None = None,
        body: bytes | Body | None = None,
        expected: Collection[int],
        attempts: int = 0,
    ) -> BaseHTTPResponse:
        """Send a request with the authorisation it needs.

        Args:
            endpoint: Who is asked.
            method: Of HTTP.
            url: From ``url()``, or where the registry says to go on; credentials are only sent
                to the endpoint's own origin.
            scopes: What must be allowed.
            headers: Further ones.
            body: To send.
            expected: Statuses that the caller handles.
            attempts: How often to try; 0 is the transport's default.

        Raises:
            RegistryError: any other status, or no answer.
        """
        origin = self.url(endpoint, "").origin
        own = url.origin == origin
        unchecked = is_unchecked(endpoint, url, self._insecure)
        if origin.startswith("https:") and url.scheme == "http" and not unchecked:
            raise RegistryError(
                f"registry `{endpoint.registry}` sends on from https to http: `{url.shown}`"
            )
        fresh = False
        for _ in range(_ANSWERS + 1):
            granted = self._authorizer.header(origin, scopes) if own else ""
            sent = dict(headers or {})
            if granted:
                sent["Authorization"] = granted
            response, place = self._transport.exchange(
                method,
                url,
                headers=sent,
                body=body,
                insecure=unchecked,
                attempts=attempts,
            )
            if response.status in expected:
                return response
            # A challenge of another host, to which a redirect has led, is none of the registry's:
            # its realm must not get the registry's credentials.
            mine = own and place.origin == origin
            # What was granted for this very request has not ended: then it is refused.
            if response.status == 401 and mine and not fresh:
                challenges = response.headers.getlist("WWW-Authenticate")
                discard(response)
                fresh = self._authorizer.answer(endpoint, origin, scopes, challenges, granted)
                continue
            said = read_bounded(response, MAX_ERROR_BYTES, what="the registry's answer")
            if place.origin != url.origin:
                # Signed addresses end; the registry may name another one.
                raise RegistryUnavailableError(
                    f"`{place.shown}`, to which registry `{endpoint.registry}` redirects, answers"
                    f" {response.status}, cannot {doing(scopes)}",
                    hint="try again later",
                    status=response.status,
                )
            raise refusal(
                response.status,
                said,
                doing=doing(scopes),
                registry=endpoint.registry,
                granted=granted,
                wait=retry_after(response.headers.get("Retry-After", "")),
            )
        raise RegistryError(f"registry `{endpoint.registry}` keeps asking for credentials")

    def read(
        self,
        endpoint: Endpoint,
        url: Url,
        *,
        scopes: Scopes,
        accept: str = "",
        missing: Collection[int] = (),
        what: str,
        kind: str,
    ) -> tuple[Mapping[str, str], bytes] | None:
        """Return the headers and the bytes of a document; None for a status of ``missing``.

        A connection that breaks in the middle of it is no failure yet.

        Args:
            endpoint: Who is asked.
            url: Of the document.
            scopes: What must be allowed.
            accept: Media types.
            missing: Statuses that mean that there is none.
            what: The document, for messages: ``manifest `1` ``.
            kind: What should come, for messages: ``a manifest``.

        Raises:
            RegistryError: any other status, or no answer, or a web page.
        """
        for attempt in range(1, _READS + 1):
            response = self.request(
                endpoint,
                "GET",
                url,
                scopes=scopes,
                headers={"Accept": accept} if accept else {},
                expected={200, *missing},
            )
            if response.status != 200:
                discard(response)
                return None
            try:
                data = read_bounded(response, MAX_DOCUMENT_BYTES, what=what)
            except BrokenBodyError as error:
                if attempt == _READS:
                    raise RegistryUnavailableError(
                        f"registry `{endpoint.registry}`: {error.message}", hint="try again"
                    ) from error
                continue
            refuse_page(data, response.headers, endpoint.registry, kind)
            return response.headers, data
        raise AssertionError

    def _scheme(self, endpoint: Endpoint) -> str:
        if endpoint.scheme:
            return endpoint.scheme
        if not endpoint.insecure:
            return "https"
        return self._schemes.get(endpoint.host, lambda: self._probe(endpoint))

    def _probe(self, endpoint: Endpoint) -> str:
        """Find out whether an insecure endpoint speaks http or https without certificates.

        This machine is asked in http first, others in https, lest credentials go in the clear
        where that is not needed. The first is asked again at last: its connection may have broken.
        """
        order = ("http", "https") if endpoint.is_loopback else ("https", "http")
        unreachable: RegistryUnavailableError | None = None
        for scheme in (*order, order[0]):
            try:
                response = self._transport.send(
                    "GET", endpoint.url(scheme), headers={}, insecure=True, attempts=1
                )
            except RegistryUnavailableError as error:
                unreachable = unreachable or error
                continue
            status = response.status
            discard(response)
            # A TLS server answers 400 to plain http.
            if status != 400:
                return scheme
        if unreachable is not None:
            raise unreachable
        return order[0]
