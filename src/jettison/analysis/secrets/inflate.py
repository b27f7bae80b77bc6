"""Compressed members of files, decompressed while a file is read once.

In:  the chunks of a file, in order.
Out: what gzip streams and deflated members of zip archives (jars, wheels) hold, in chunks.

What is compressed inside of that stays so. Damaged and encrypted members give what can be had.

Security: no more than a stated number of bytes come out, however much is in a file.

Source: RFC 1952; PKWARE APPNOTE 6.3, 4.3.7.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

_CHUNK = 256 << 10
_GZIP = b"\x1f\x8b\x08"
_ZIP = b"PK\x03\x04"
_ZIP_HEADER_BYTES = 30
_DEFLATE = 8


def inflater(begin: bytes, limit: int) -> Inflater | None:
    """Return what decompresses a file that begins so, None if it is none of these.

    Args:
        begin: Its first four bytes or more.
        limit: So many bytes come out at most.
    """
    if begin.startswith(_GZIP):
        return Inflater(_GZIP, limit)
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
