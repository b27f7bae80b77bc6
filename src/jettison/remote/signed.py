"""Blobs behind signed URLs: those of Azure's blob storage, which GitHub keeps caches in.

In:  a signed URL, bytes.
Out: bytes; nothing of the URL but its host is in a message.

Source: Azure's "Put Blob", "Put Block", "Put Block List", "Get Blob".
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, BinaryIO

from jettison.errors import RegistryError, RegistryUnavailableError
from jettison.oci.url import Url
from jettison.registry.transport import BrokenBodyError, Transport, discard, read_bounded

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_BLOCK_BYTES = 8 << 20
"""Of a block, which is in memory while it is sent; fifty thousand may make a blob."""
_ATTEMPTS = 3


class GoneError(RegistryError):
    """A signed URL holds no longer, or its blob is gone."""


def upload(transport: Transport, url: Url, file: BinaryIO, size: int) -> None:
    """Write a blob; each part goes with its digest, so that what arrives is what was sent.

    Raises:
        RegistryError: the server refuses, or cannot be reached.
    """
    if size <= _BLOCK_BYTES:
        headers = {"x-ms-blob-type": "BlockBlob"}
        _put(transport, url, file.read(_BLOCK_BYTES), headers)
        return
    blocks: list[str] = []
    while block := file.read(_BLOCK_BYTES):
        name = base64.b64encode(f"{len(blocks):08}".encode()).decode()
        _put(transport, url.with_query(f"comp=block&blockid={name}"), block, {})
        blocks.append(f"<Latest>{name}</Latest>")
    listed = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{"".join(blocks)}</BlockList>'
    _put(transport, url.with_query("comp=blocklist"), listed.encode(), {})


def download(transport: Transport, url: Url, limit: int) -> bytes:
    """Return a small blob.

    Raises:
        GoneError: the URL leads nowhere.
        RegistryError: it is longer than ``limit`` bytes, or the server cannot be reached.
    """
    for attempt in range(_ATTEMPTS):
        try:
            response = get(transport, url, 0)
            return read_bounded(response, limit, what=f"a blob of `{url.authority}`")
        except BrokenBodyError:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def get(transport: Transport, url: Url, start: int, end: int | None = None) -> BaseHTTPResponse:
    """Return the answer, 200 or 206, that has a blob from an offset on.

    Args:
        transport: Sends the request.
        url: Signed.
        start: First byte that is wanted.
        end: The one after the last; None is the blob's end.

    Raises:
        GoneError: the URL leads nowhere.
        RegistryError: the server refuses, or cannot be reached.
    """
    wanted = f"bytes={start}-" if end is None else f"bytes={start}-{end - 1}"
    headers = {"Range": wanted} if start or end is not None else {}
    response = transport.send("GET", url, headers=headers)
    if response.status in {200, 206}:
        return response
    discard(response)
    status = response.status
    if status in {401, 403, 404, 410}:
        raise GoneError(f"`{url.authority}` has no such blob any more", status=status)
    raise _refused(url, status)


def _put(transport: Transport, url: Url, data: bytes, headers: dict[str, str]) -> None:
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    sent = {**headers, "Content-MD5": base64.b64encode(digest).decode()}
    response = transport.send("PUT", url, headers=sent, body=data)
    discard(response)
    if response.status not in {200, 201}:
        raise _refused(url, response.status)


def _refused(url: Url, status: int) -> RegistryError:
    message = f"`{url.authority}` answers {status}"
    if status >= 500 or status in {408, 429}:
        return RegistryUnavailableError(message, hint="try again later", status=status)
    return RegistryError(message, status=status)
