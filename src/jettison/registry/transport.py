"""HTTP requests that survive what networks do; knows nothing of registries or credentials.

In:  method, URL, headers, a body that can be opened again.
Out: urllib3 responses whose body was not read yet; the caller closes them.

Retries: connection errors and answers 429, 500, 502, 503, 504, with exponential back-off and
``Retry-After`` (bounded). Redirects are followed for reading only, by hand: credentials go to no
other host, and never from https to http.

Security: certificates are checked (``registry.trust``); only endpoints that were marked insecure go
without. Bodies that are kept in memory are bounded.

Concurrency: safe for threads.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from jettison.concurrency import INTERRUPTS
from jettison.errors import RegistryError, RegistryUnavailableError, UsageError
from jettison.oci.url import Url, UrlError, split_user
from jettison.registry.connection_error import FINAL, unreachable
from jettison.registry.headers import retry_after
from jettison.registry.sockets import CONNECT_SECONDS, READ_SECONDS, SOCKETS

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool, ProxyManager

USER_AGENT = "jettison/0.1"
DOCUMENT_SECONDS = 180.0
"""Within which a document must be here, however its bytes trickle."""
_LOOK_SECONDS = 0.2
_BLOCK_BYTES = 256 << 10
_CONNECTIONS = 8
_MAX_REDIRECTS = 5
MAX_WAIT_SECONDS = 30.0
"""A server that asks for a longer pause is not waited for."""
_RETRIED = frozenset({408, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Body(msgspec.Struct, frozen=True):
    """A request body that can be sent again: opens a file of a known size."""

    open: Callable[[], BinaryIO]
    size: int


class _Request(msgspec.Struct, frozen=True):
    """What is asked of one server; ``insecure`` without TLS checks."""

    method: str
    url: Url
    headers: Mapping[str, str]
    body: bytes | Body | None = None
    insecure: bool = False

    def following(self, target: str) -> _Request:
        """Return the request after a redirect; another origin gets no credentials.

        Raises:
            RegistryError: the redirect must not be followed.
        """
        url = _redirect(self.url, target, self.insecure)
        if url.origin == self.url.origin:
            return msgspec.structs.replace(self, url=url)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "authorization"}
        trusted = url.host == self.url.host or url.is_loopback
        return msgspec.structs.replace(
            self, url=url, headers=headers, insecure=self.insecure and trusted
        )


class Transport:
    """Connections by host.

    Args:
        environ: For proxies (``HTTPS_PROXY``, ``NO_PROXY``, …).
        attempts: How often a request is tried.
        backoff_seconds: The first pause; each next one is twice as long.
        read_seconds: Within which the next bytes must come.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        attempts: int = 4,
        backoff_seconds: float = 0.3,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._environ = environ
        self._attempts = attempts
        self._backoff_seconds = backoff_seconds
        self._read_seconds = read_seconds
        self._pools: dict[tuple[str, bool], HTTPConnectionPool] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()

    def send(
        self,
        method: str,
        url: Url,
        *,
        headers: Mapping[str, str],
        body: bytes | Body | None = None,
        insecure: bool = False,
        attempts: int = 0,
    ) -> BaseHTTPResponse:
        """Send a request and return the answer, whatever its status, with an unread body.

        Raises:
            RegistryUnavailableError: no answer came, after all attempts.
            RegistryError: a redirect that must not be followed.
        """
        return self.exchange(
            method, url, headers=headers, body=body, insecure=insecure, attempts=attempts
        )[0]

    def exchange(
        self,
        method: str,
        url: Url,
        *,
        headers: Mapping[str, str],
        body: bytes | Body | None = None,
        insecure: bool = False,
        attempts: int = 0,
    ) -> tuple[BaseHTTPResponse, Url]:
        """Send a request and return the answer, and the URL that gave it.

        Raises:
            As ``send``.
        """
        request = _Request(method, url, _with_own(headers), body, insecure)
        return self._follow(request, attempts or self._attempts)

    def locate(self, url: Url, *, headers: Mapping[str, str]) -> Url:
        """Return where redirects of a URL lead.

        Raises:
            As ``send``.
        """
        response, found = self.exchange("GET", url, headers=headers)
        response.close()
        return found

    def _follow(self, request: _Request, attempts: int) -> tuple[BaseHTTPResponse, Url]:
        """Send a request; return the answer and who gave it."""
        interrupts = INTERRUPTS.count
        for _ in range(_MAX_REDIRECTS + 1):
            response = self._retry(request, attempts, interrupts)
            target = response.headers.get("Location", "")
            is_redirect = response.status in _REDIRECTS and request.method in {"GET", "HEAD"}
            if not is_redirect or not target:
                return response, request.url
            discard(response)
            request = request.following(target)
        raise RegistryError(f"`{request.url.shown}` redirects too often")

    def _retry(self, request: _Request, attempts: int, interrupts: int) -> BaseHTTPResponse:
        import random  # only network use pays

        for attempt in range(1, attempts + 1):
            wait = self._backoff_seconds * 2 ** (attempt - 1) * (1 + random.random() / 4)  # noqa: S311
            try:
                response = self._once(request)
            except RegistryUnavailableError as error:
                final = error.status == FINAL or INTERRUPTS.count != interrupts
                if attempt == attempts or final:
                    error.status = 0
                    raise
            else:
                if response.status not in _RETRIED or attempt == attempts:
                    return response
                wait = max(wait, retry_after(response.headers.get("Retry-After", "")))
                if wait > MAX_WAIT_SECONDS:
                    return response
                discard(response)
            pause(wait, interrupts)
        raise RegistryUnavailableError(f"no attempt to reach `{request.url.shown}`")

    def _once(self, request: _Request) -> BaseHTTPResponse:
        from urllib3 import exceptions  # 60 ms that only network use pays

        stream: BinaryIO | None = None
        url, body = request.url, request.body
        sent = dict(request.headers)
        try:
            pool = self._pool(url, request.insecure)
            if isinstance(body, Body):
                stream = body.open()
                sent["Content-Length"] = str(body.size)
            return pool.urlopen(
                request.method,
                str(url) if pool.proxy is not None and url.scheme == "http" else url.target,
                body=stream if isinstance(body, Body) else body,
                headers=sent,
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
            )
        except exceptions.HTTPError as error:
            raise unreachable(url, error, self._read_seconds) from error
        except OSError as error:
            raise unreachable(url, error, self._read_seconds) from error
        except ValueError:  # its text may quote a header, which may hold a token
            raise unreachable(
                url, ValueError("a header or address cannot be sent"), self._read_seconds
            ) from None
        finally:
            if stream is not None:
                stream.close()

    def _pool(self, url: Url, insecure: bool) -> HTTPConnectionPool:
        import urllib3  # 60 ms that only network use pays

        from jettison.registry.trust import tls_context  # loads ssl

        with self._lock:
            key = (url.origin, insecure)
            if key not in self._pools:
                timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=self._read_seconds)
                options: dict[str, object] = {
                    "timeout": timeout,
                    "maxsize": _CONNECTIONS,
                    "blocksize": _BLOCK_BYTES,
                }
                if url.scheme == "https":
                    options["ssl_context"] = context = tls_context(
                        url, self._environ, insecure=insecure
                    )
                    SOCKETS.watch_handshakes(context)
                    if insecure:
                        # The user said so; urllib3 would warn at every connection.
                        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
                        options["cert_reqs"] = "CERT_NONE"
                        options["assert_hostname"] = False
                manager = self._proxy_manager(url) or urllib3.PoolManager()
                pool = manager.connection_from_host(
                    url.host, url.port, url.scheme, pool_kwargs=options
                )
                SOCKETS.watch_connections(pool)
                self._pools[key] = pool
            return self._pools[key]

    def _proxy_manager(self, url: Url) -> ProxyManager | None:
        """Return the connections to the proxy that the environment names for a URL.

        Raises:
            UsageError: the variable holds no URL.
        """
        import urllib.request  # only network use pays

        environ = {k.lower(): v for k, v in self._environ.items() if k.lower().endswith("_proxy")}
        proxy = environ.get(f"{url.scheme}_proxy") or environ.get("all_proxy", "")
        no_proxy = {"no": environ.get("no_proxy", "")}
        if not proxy or url.is_loopback:
            return None
        if urllib.request.proxy_bypass_environment(url.authority, no_proxy):  # type: ignore[attr-defined]
            return None
        from urllib3 import ProxyManager, make_headers  # loaded already

        try:
            place, user = split_user(proxy if "://" in proxy else f"http://{proxy}")
        except UrlError as error:
            raise UsageError(
                f"`{url.scheme.upper()}_PROXY` names no proxy: {error}",
                hint="write `http://host:port`, with user and password escaped by `%`",
            ) from None
        headers = (
            make_headers(proxy_basic_auth=f"{user.username}:{user.password}") if user else None
        )
        return ProxyManager(place.origin, proxy_headers=headers)


def _with_own(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}


def pause(seconds: float, interrupts: int) -> None:
    """Wait before the next attempt, unless the user has had enough.

    Args:
        seconds: To wait.
        interrupts: ``INTERRUPTS.count`` when the work began.
    """
    end = time.monotonic() + seconds
    while INTERRUPTS.count == interrupts and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _LOOK_SECONDS))


class BrokenBodyError(RegistryUnavailableError):
    """An answer began and did not end: it is worth another request."""


def read_bounded(response: BaseHTTPResponse, limit: int, *, what: str) -> bytes:
    """Return a body and release its connection.

    Raises:
        RegistryError: it is longer than ``limit`` bytes.
        BrokenBodyError: the connection broke.
    """
    from urllib3 import exceptions  # loaded already

    try:
        parts: list[bytes] = []
        left = limit + 1
        end = time.monotonic() + DOCUMENT_SECONDS
        while left > 0 and (part := response.read1(left, decode_content=False)):
            parts.append(part)
            left -= len(part)
            if time.monotonic() > end:
                raise TimeoutError
    except (exceptions.HTTPError, OSError) as error:
        response.close()
        raise BrokenBodyError(f"the connection broke while reading {what}") from error
    if left <= 0:
        response.close()
        raise RegistryError(f"{what} is larger than {limit} bytes")
    response.release_conn()
    return b"".join(parts)


def discard(response: BaseHTTPResponse) -> None:
    """Throw a body away; keep the connection when the rest of the body is small."""
    with contextlib.suppress(RegistryError):
        read_bounded(response, 64 << 10, what="the answer")


def _redirect(url: Url, target: str, insecure: bool) -> Url:
    """Return where a redirect leads."""
    try:
        following = url.join(target)
    except UrlError as error:
        raise RegistryError(
            f"`{url.shown}` redirects to a place that cannot be asked: {error}"
        ) from None
    if (url.scheme, following.scheme) == ("https", "http") and not insecure:
        raise RegistryError(f"`{url.shown}` redirects from https to http")
    return following
