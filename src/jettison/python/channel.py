"""Messages between a process and its worker.

In:  structs; a stream socket.
Out: four bytes of length, then MessagePack.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from jettison.errors import InternalError, UsageError

_LENGTH = struct.Struct("!I")
_LIMIT_BYTES = 256 << 20


class Channel:
    """One end of a connection.

    Args:
        connection: A stream socket; closed by whoever made it.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._encoder = msgspec.msgpack.Encoder()

    def send(self, message: msgspec.Struct) -> None:
        """Send a message.

        Raises:
            UsageError: there is text in it that is no UTF-8.
            OSError: nobody reads.
        """
        try:
            data = self._encoder.encode(message)
        except UnicodeEncodeError as error:
            shown = repr(error.object)[:200]
            raise UsageError(f"{shown} is not UTF-8", hint="rename the file") from error
        self._connection.sendall(_LENGTH.pack(len(data)) + data)

    def receive(self, kind: Any) -> Iterator[Any]:  # noqa: ANN401 - a type, or a union of types
        """Yield messages until the other side closes its end.

        Raises:
            InternalError: what arrives is no such message.
        """
        decoder = msgspec.msgpack.Decoder(kind)
        while head := self._read(_LENGTH.size):
            (length,) = _LENGTH.unpack(head)
            if length > _LIMIT_BYTES:
                raise InternalError("a worker sent a message that is too long")
            try:
                yield decoder.decode(self._read(length))
            except msgspec.DecodeError as error:
                raise InternalError(f"a worker sent a wrong message: {error}") from error

    def _read(self, count: int) -> bytes:
        """Return so many bytes; none at the end."""
        data = bytearray()
        while len(data) < count:
            part = self._connection.recv(min(count - len(data), 1 << 20))
            if not part:
                return b""
            data += part
        return bytes(data)
