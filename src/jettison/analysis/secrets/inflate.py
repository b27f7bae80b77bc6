"""Compressed members of files, decompressed while a file is read once.

In:  the chunks of a file, in order.
Out: what streams of gzip, xz and zstd, and deflated members of zip archives (jars, wheels) hold, in
     chunks.

What is compressed inside of that stays so. Damaged and encrypted members give what can be had.

Security: no more than a stated number of bytes come out, however much is in a file; windows of xz
and zstd have a limit, too.

Source: RFC 1952; RFC 8878; the .xz file format; PKWARE APPNOTE 6.3, 4.3.7.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

_CHUNK = 256 << 10
_GZIP = b"\x1f\x8b\x08"
_ZIP = b"PK\x03\x04"
_ZIP_HEADER_BYTES = 30
_DEFLATE = 8
_XZ = b"\xfd7zXZ\0"
_ZSTD = b"\x28\xb5\x2f\xfd"
_WINDOW_LOG = 27
"""Windows of 128 MiB are the largest."""


class Inflating(Protocol):
    """Decompresses a file; ``left`` bytes may still come out."""

    left: int

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes of the file give."""
        ...


def inflater(begin: bytes, limit: int) -> Inflating | None:
    """Return what decompresses a file that begins so, None if it is none of these.

    Args:
        begin: Its first six bytes or more.
        limit: So many bytes come out at most.
    """
    if begin.startswith(_GZIP):
        return Inflater(_GZIP, limit)
    if begin.startswith(_XZ):
        return StreamInflater(_xz_decoder, limit)
    if begin.startswith(_ZSTD):
        return StreamInflater(_zstd_decoder, limit)
    return Inflater(_ZIP, limit) if begin.startswith(_ZIP) else None


class Inflater:
    """Decompresses the members of one file.

    Args:
        mark: What members begin with.
        limit: So many bytes come out at most.
    """

    def __init__(self, mark: bytes, limit: int) -> None:
        self._mark = mark
        self._rest = b""
        self._decoder: zlib._Decompress | None = None
        self.left = limit
        """So many bytes may still come out."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes of the file give."""
        if self.left <= 0:
            return
        data, self._rest = self._rest + data, b""
        while data and self.left > 0:
            if self._decoder is None:
                data = self._begin(data)
                if self._decoder is None:
                    self._rest = data
                    return
            decoder = self._decoder
            try:
                found = decoder.decompress(data, min(_CHUNK, self.left))
            except zlib.error:
                self._decoder, data = None, data[1:]
                continue
            self.left -= len(found)
            data = decoder.unconsumed_tail
            if decoder.eof:
                data, self._decoder = decoder.unused_data, None
            if found:
                yield found

    def _begin(self, data: bytes) -> bytes:
        """Set the decoder of the next member; return its bytes, or those to be kept for more."""
        at = data.find(self._mark)
        while at >= 0:
            if self._mark == _GZIP:
                self._decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
                return data[at:]
            header = data[at : at + _ZIP_HEADER_BYTES]
            if len(header) < _ZIP_HEADER_BYTES:
                return data[at:]
            lengths = (int.from_bytes(header[each : each + 2], "little") for each in (26, 28))
            begin = at + _ZIP_HEADER_BYTES + sum(lengths)
            if int.from_bytes(header[8:10], "little") == _DEFLATE:
                if begin > len(data):
                    return data[at:]
                self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)
                return data[begin:]
            at = data.find(self._mark, at + len(self._mark))
        return data[1 - len(self._mark) :]


class _Decoder(Protocol):
    """As of ``lzma.LZMADecompressor``."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class StreamInflater:
    """Decompresses the streams that are one behind the other in a file.

    Args:
        make: Makes the decoder of a stream.
        limit: So many bytes come out at most.
    """

    def __init__(self, make: Callable[[], _Decoder], limit: int) -> None:
        self._make = make
        self._decoder: _Decoder | None = None
        self.left = limit

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes of the file give; nothing once a stream is damaged."""
        while self.left > 0:
            if self._decoder is None:
                data = data.lstrip(b"\0")  # between streams of xz
                if not data:
                    return
                self._decoder = self._make()
            decoder = self._decoder
            try:
                found = decoder.decompress(data, min(_CHUNK, self.left))
            except Exception:  # noqa: BLE001 - each format has errors of its own
                self.left = 0
                return
            self.left -= len(found)
            if found:
                yield found
            if decoder.eof:
                data, self._decoder = decoder.unused_data, None
            elif decoder.needs_input or not found:
                return
            else:
                data = b""


def _xz_decoder() -> _Decoder:
    import lzma

    return lzma.LZMADecompressor(memlimit=1 << _WINDOW_LOG)


def _zstd_decoder() -> _Decoder:
    from jettison.fs.zstd import DecompressionParameter, ZstdDecompressor

    return ZstdDecompressor(options={DecompressionParameter.window_log_max: _WINDOW_LOG})
