"""How services of sigstore's are spoken to: with a limit of time, and of what they answer.

The library has neither: a service that says nothing would hold a build for ever.
"""

from __future__ import annotations

import io

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import ContentDecodingError, RequestException
from rfc3161_client import TimeStampResponse
from sigstore._internal.timestamp import TimestampAuthorityClient, TimestampError
from urllib3.exceptions import HTTPError

from jettison.attest.keyless.library import reason
from jettison.errors import ExportError

SECONDS = 60
"""Rekor 2 answers when an entry is in its log, which takes some seconds."""
MAX_ANSWER_BYTES = 16 << 20


class BoundedAdapter(HTTPAdapter):
    """Reads an answer whole, if it comes in time and is not too large."""

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        proxies: dict[str, str] | None = None,
    ) -> Response:
        """See ``HTTPAdapter``.

        Raises:
            RequestException: there is no answer, or it is too large.
        """
        response = super().send(request, True, timeout or SECONDS, verify, cert, proxies)
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


class Clock(TimestampAuthorityClient):
    """A timestamp authority that must answer: the library goes on without its timestamp."""

    def request_timestamp(self, signature: bytes) -> TimeStampResponse:
        """Return a timestamp.

        Raises:
            ExportError: there is none.
        """
        bounded(self._session)
        try:
            return super().request_timestamp(signature)
        except TimestampError as error:
            raise ExportError(
                f"the timestamp authority `{self.url}` gives no timestamp: {reason(error)}"
            ) from error


def bounded(session: Session) -> None:
    """Have a session read such answers only."""
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter())
