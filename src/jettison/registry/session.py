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
from jettison.oci.url import Url
from jettison.registry.auth import Authorizer, Scopes, doing
from jettison.registry.credentials import Credentials
from jettison.registry.endpoint import Endpoint, is_unchecked
from jettison.registry.error import MAX_ERROR_BYTES, refusal
from jettison.registry.transport import Body, Transport, discard, read_bounded

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse


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
        for attempt in (1, 2):
            granted = self._authorizer.header(origin, scopes) if own else ""
            sent = dict(headers or {})
            if granted:
                sent["Authorization"] = granted
            response = self._transport.send(
                method,
                url,
                headers=sent,
                body=body,
                insecure=unchecked,
                attempts=attempts,
            )
            if response.status in expected:
                return response
            # The first 401 asks for authorisation, or for a fresh token.
            if response.status == 401 and own and attempt == 1:
                challenges = response.headers.getlist("WWW-Authenticate")
                discard(response)
                self._authorizer.forget(origin, scopes)
                self._authorizer.answer(endpoint, origin, scopes, challenges)
                continue
            said = read_bounded(response, MAX_ERROR_BYTES, what="the registry's answer")
            raise refusal(
                response.status,
                said,
                doing=doing(scopes),
                registry=endpoint.registry,
                granted=granted,
            )
        raise RegistryError(f"registry `{endpoint.registry}` keeps asking for credentials")

    def _scheme(self, endpoint: Endpoint) -> str:
        if endpoint.scheme:
            return endpoint.scheme
        if not endpoint.insecure:
            return "https"
        return self._schemes.get(endpoint.host, lambda: self._probe(endpoint))

    def _probe(self, endpoint: Endpoint) -> str:
        """Find out whether an insecure endpoint speaks http or https without certificates.

        This machine is asked in http first, others in https, lest credentials go in the clear
        where that is not needed.
        """
        order = ("http", "https") if endpoint.is_loopback else ("https", "http")
        unreachable: RegistryUnavailableError | None = None
        for scheme in order:
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
