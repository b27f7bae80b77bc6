"""Single ranges of blobs.

In:  a blob, an offset, a length.
Out: exactly these bytes, or word that the registry gives no ranges.

Source: OCI distribution-spec 1.1, "Pulling blobs"; RFC 9110, 14 (range requests).
Security: bytes are checked by who asks for them, as those of whole blobs are.
"""

from __future__ import annotations

from jettison.errors import RegistryError, RegistryUnavailableError
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import Reference
from jettison.registry.endpoint import Endpoint, RegistryHosts, pull_scope
from jettison.registry.headers import content_range
from jettison.registry.session import RegistrySession
from jettison.registry.transport import discard, read_bounded

_ATTEMPTS = 3


def read_range(
    session: RegistrySession,
    hosts: RegistryHosts,
    reference: Reference,
    descriptor: Descriptor,
    start: int,
    length: int,
) -> bytes | None:
    """Return bytes of a blob; None where no endpoint gives ranges of it.

    Args:
        session: Sends requests.
        hosts: Say who has the image: the registry and its mirrors.
        reference: An image that has the blob.
        descriptor: Of the blob.
        start: Offset of the first byte.
        length: How many, at least one.

    Raises:
        RegistryError: the registry refuses, or the connection breaks again and again.
    """
    endpoints = hosts.endpoints(reference)
    for mirror in endpoints[:-1]:
        try:
            data = _read(session, mirror, descriptor, start, length)
        except RegistryError:
            continue
        if data is not None:
            return data
    for _ in range(_ATTEMPTS - 1):
        try:
            return _read(session, endpoints[-1], descriptor, start, length)
        except RegistryUnavailableError:
            continue
    return _read(session, endpoints[-1], descriptor, start, length)


def _read(
    session: RegistrySession, endpoint: Endpoint, descriptor: Descriptor, start: int, length: int
) -> bytes | None:
    response = session.request(
        endpoint,
        "GET",
        session.url(endpoint, f"{endpoint.repository}/blobs/{descriptor.digest}"),
        scopes=pull_scope(endpoint),
        headers={"Range": f"bytes={start}-{start + length - 1}"},
        expected={200, 206, 404, 416},
    )
    given = content_range(response.headers.get("Content-Range", ""))
    if response.status != 206 or given is None:
        if response.status == 200:
            response.close()  # all of it would come
        else:
            discard(response)
        return None
    first, last, size = given
    if (first, last) != (start, start + length - 1) or size not in {None, descriptor.size}:
        response.close()
        return None
    data = read_bounded(response, length, what=f"a part of blob `{descriptor.digest}`")
    if len(data) != length:
        raise RegistryUnavailableError(
            f"registry `{endpoint.registry}` gives {len(data)} bytes of blob"
            f" `{descriptor.digest}` and not the {length} that were asked for"
        )
    return data
