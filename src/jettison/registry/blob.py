"""The bytes of a blob as they come from a registry, across broken connections.

In:  a function that opens the blob at an offset.
Out: ``read``; never more bytes than the descriptor says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from jettison.errors import RegistryError, RegistryUnavailableError, SizeMismatchError
from jettison.oci.manifest import Descriptor

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_RESUMES = 5
_PAUSE_SECONDS = 0.3


class BlobPart(msgspec.Struct, frozen=True):
    """An answer whose body starts at an offset of the blob."""

    response: BaseHTTPResponse
    starts: int


class BlobStream:
    """A blob being downloaded; a context manager.

    Args:
        descriptor: Says its size.
        open_at: Opens it at an offset; None when it is gone.
        part: The first answer.

    Concurrency: for one thread.
    """

    def __init__(
        self,
        descriptor: Descriptor,
        open_at: Callable[[int], BlobPart | None],
        part: BlobPart,
    ) -> None:
        self._descriptor = descriptor
        self._open_at = open_at
        self._response: BaseHTTPResponse | None = part.response
        self._skip = 0
        self._offset = 0
        self._failures = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back, or end it when bytes are left."""
        if self._response is not None:
            if self._offset >= self._descriptor.size:
                self._response.release_conn()
            self._response.close()
            self._response = None

    def read(self, size: int = 1 << 20) -> bytes:
        """Return up to ``size`` next bytes; nothing at the end.

        Raises:
            SizeMismatchError: the registry sends more than the descriptor says.
            RegistryUnavailableError: the connection broke too often.
        """
        while True:
            try:
                data = self._read(size)
            except RegistryUnavailableError:
                self._resume()
                continue
            if data:
                self._failures = 0
            self._offset += len(data)
            if self._offset > self._descriptor.size:
                raise SizeMismatchError(
                    f"blob `{self._descriptor.digest}` is larger than its {self._descriptor.size}"
                    " bytes"
                )
            if data or self._offset == self._descriptor.size:
                return data
            self._resume()

    def _read(self, size: int) -> bytes:
        from urllib3 import exceptions  # loaded already

        response = self._response
        if response is None:
            return b""
        try:
            while self._skip > 0:
                skipped = response.read(min(self._skip, 1 << 20), decode_content=False)
                if not skipped:
                    return b""
                self._skip -= len(skipped)
            return response.read(size, decode_content=False)
        except (exceptions.HTTPError, OSError) as error:
            raise RegistryUnavailableError(
                f"the connection broke while downloading `{self._descriptor.digest}`"
            ) from error

    def _resume(self) -> None:
        """Open the blob again where it broke."""
        while True:
            self._failures += 1
            if self._failures > _RESUMES:
                raise RegistryUnavailableError(
                    f"the connection broke {_RESUMES} times while downloading"
                    f" `{self._descriptor.digest}`",
                    hint="try again; what was complete is kept",
                )
            if self._response is not None:
                self._response.close()
                self._response = None
            time.sleep(_PAUSE_SECONDS * (self._failures - 1))
            try:
                part = self._open_at(self._offset)
            except RegistryUnavailableError:
                continue
            if part is None:
                raise RegistryError(f"blob `{self._descriptor.digest}` vanished", status=404)
            self._response = part.response
            self._skip = self._offset - part.starts
            return
