"""Requests for the bytes of a blob at one endpoint.

In:  an endpoint, a blob, an offset.
Out: the answer with the offset at which it begins; nothing where the endpoint lacks the blob.

Source: OCI distribution-spec 1.1, "Pulling blobs".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jettison.oci.manifest import Descriptor
from jettison.registry.blob import BlobPart, part_of
from jettison.registry.endpoint import Endpoint, pull_scope
from jettison.registry.pieces import Fetch, PieceBudget, Pieces, gives
from jettison.registry.session import RegistrySession
from jettison.registry.transport import discard

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse


def request_blob(
    session: RegistrySession, endpoint: Endpoint, descriptor: Descriptor, offset: int
) -> BlobPart | None:
    """Return a blob from an offset on, or from an earlier one.

    Raises:
        RegistryError: the endpoint refuses, or does not answer.
    """
    response = _request(session, endpoint, descriptor, f"bytes={offset}-" if offset else "")
    if response is None:
        return None
    return part_of(response, offset, descriptor, endpoint.registry)


def request_pieces(
    session: RegistrySession,
    endpoint: Endpoint,
    descriptor: Descriptor,
    offset: int,
    fetch: Fetch,
    budget: PieceBudget,
) -> BlobPart | None:
    """Return a blob in pieces from an offset on; as it comes where the first is not as asked for.

    Args:
        session: Sends requests.
        endpoint: Gives the first piece.
        descriptor: Of the blob.
        offset: Where the first piece begins.
        fetch: Gets the others, from any endpoint.
        budget: How long a piece is, and how many there may be.

    Raises:
        RegistryError: the endpoint refuses, or does not answer.
    """
    length = budget.how.piece_bytes
    response = _request(session, endpoint, descriptor, f"bytes={offset}-{offset + length - 1}")
    if response is None:
        return None
    if gives(response, offset, length, descriptor.size):
        return BlobPart(Pieces(response, offset, descriptor, fetch, budget), offset)
    return part_of(response, offset, descriptor, endpoint.registry)


def _request(
    session: RegistrySession, endpoint: Endpoint, descriptor: Descriptor, wanted: str
) -> BaseHTTPResponse | None:
    response = session.request(
        endpoint,
        "GET",
        session.url(endpoint, f"{endpoint.repository}/blobs/{descriptor.digest}"),
        scopes=pull_scope(endpoint),
        headers={"Range": wanted} if wanted else {},
        expected={200, 206, 404},
    )
    if response.status == 404:
        discard(response)
        return None
    return response
