"""Layers that registries do not distribute: their descriptors say where they are.

In:  descriptors with URLs.
Out: the begin of an answer, from an offset on.

Source: OCI image-spec 1.1, descriptor.md (``urls``), layer.md ("Non-Distributable Layers").
Security: URLs are the image's. Of this machine, and in plain http, only hosts are asked that the
user listed as insecure; nobody gets credentials, and the digest decides what is taken.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator

from jettison.errors import RegistryError
from jettison.oci.manifest import Descriptor
from jettison.oci.url import Url, UrlError
from jettison.registry.blob import BlobPart, part_of
from jettison.registry.transport import Transport, discard

_MAX_URLS = 4


def open_foreign(
    transport: Transport, descriptor: Descriptor, offset: int, insecure: Collection[str]
) -> BlobPart | None:
    """Return a layer from an offset on, or from an earlier one; None where nobody has it.

    Args:
        transport: Asks.
        descriptor: Names the URLs.
        offset: Bytes that are here.
        insecure: Hosts (``host[:port]``) that may be asked without TLS checks.
    """
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    for url, unchecked in _places(descriptor, insecure):
        try:
            response = transport.send("GET", url, headers=headers, insecure=unchecked)
            if response.status in {200, 206}:
                return part_of(response, offset, descriptor, url.authority)
            discard(response)
        except RegistryError:
            continue
    return None


def _places(descriptor: Descriptor, insecure: Collection[str]) -> Iterator[tuple[Url, bool]]:
    """Yield URLs that may be asked, and whether TLS checks are off for them."""
    for text in itertools.islice(descriptor.urls, _MAX_URLS):
        try:
            url = Url.parse(text)
        except UrlError:
            continue
        listed = url.authority in insecure or url.host in insecure
        if listed or (url.scheme == "https" and not url.is_loopback):
            yield url, listed
