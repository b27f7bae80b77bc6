"""How services of sigstore's are spoken to: with a limit of time, and of what they answer.

In:  sessions and clients of the library.
Out: the same, which wait and read no longer than that.

The library has no such limits: a service that says nothing would hold a build for ever. And it goes
on without a timestamp that it was to get.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, cast

from jettison.attest.keyless.library import reason
from jettison.errors import ExportError

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session
    from requests.adapters import BaseAdapter
    from rfc3161_client import TimeStampResponse
    from sigstore._internal.timestamp import TimestampAuthorityClient

SECONDS = 60
"""Rekor 2 answers when an entry is in its log, which takes some seconds."""
MAX_ANSWER_BYTES = 16 << 20


class BoundedAdapter:
    """Reads an answer whole, if it comes in time and is not too large.

    Args:
        inner: Sends requests.
    """

    def __init__(self, inner: BaseAdapter) -> None:
        self._inner = inner

    def send(
        self,
        request: PreparedRequest,
        *,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        proxies: dict[str, str] | None = None,
    ) -> Response:
        """Return an answer; ``stream`` changes nothing.

        Raises:
            requests.RequestException: there is none, or it is too large.
        """
        from requests.exceptions import ContentDecodingError, RequestException
        from urllib3.exceptions import HTTPError

        response = self._inner.send(request, True, timeout or SECONDS, verify, cert, proxies)
        try:
            data = response.raw.read(MAX_ANSWER_BYTES + 1, decode_content=True)
        except HTTPError as error:
            raise ContentDecodingError(error, request=request) from error
        finally:
            response.raw.release_conn()
        if len(data) > MAX_ANSWER_BYTES:
            raise RequestException(f"an answer is larger than {MAX_ANSWER_BYTES} bytes")
        response.raw = io.BytesIO(data)
        return response

    def close(self) -> None:
        """Close connections."""
        self._inner.close()


class Clock:
    """A timestamp authority that must answer.

    Args:
        inner: Asks it.
    """

    def __init__(self, inner: TimestampAuthorityClient) -> None:
        self._inner = inner

    def request_timestamp(self, signature: bytes) -> TimeStampResponse:
        """Return a timestamp.

        Raises:
            ExportError: there is none.
        """
        from sigstore._internal.timestamp import TimestampError

        bounded(self._inner._session)
        try:
            return self._inner.request_timestamp(signature)
        except TimestampError as error:
            raise ExportError(
                f"the timestamp authority `{self._inner.url}` gives no timestamp: {reason(error)}"
            ) from error


def bounded(session: Session) -> None:
    """Have a session read such answers only."""
    from requests.adapters import HTTPAdapter

    for scheme in ("https://", "http://"):
        session.mount(scheme, cast("BaseAdapter", BoundedAdapter(HTTPAdapter())))
