"""Decompressing streams: gzip, zstd, bzip2, xz, or nothing, found by their first bytes.

In:  a stream of compressed bytes.
Out: a stream of what is inside, all members or frames one after another.

Padding with zeros after the last member is allowed; anything else there is an error, because
programs disagree about what it means.

Source: RFC 1952 (gzip), RFC 8878 (zstd).
Security: windows are bounded (zstd 128 MiB, xz 512 MiB), output is bounded by ``ArchiveLimits``,
and each call returns at most 1 MiB.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self, cast

from jettison.errors import UnsafeArchiveError, UsageError
from jettison.layer.limits import DEFAULT_LIMITS, ArchiveLimits
from jettison.layer.reader import Readable

_INPUT_BYTES = 128 << 10
_OUTPUT_BYTES = 1 << 20
_MAGIC_BYTES = 6
_USTAR = slice(257, 262)
_LOOKED_AT = _USTAR.stop
"""Bytes that say what a stream is: all magic numbers, and that of an uncompressed tar."""

_ZSTD_WINDOW_LOG = 27
_XZ_MEMORY = 512 << 20


class _Decoder(Protocol):
    """What the standard library's incremental decompressors have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def detect(start: bytes) -> str:
    """Return the compression that the first six bytes of a stream tell of; ``none`` otherwise.

    >>> detect(b"BZh91AY"), detect(b"usr/bin")
    ('bzip2', 'none')
    """
    for name, is_start in _STARTS.items():
        if is_start(start):
            return name
    return "none"


def _starts_zstd(start: bytes) -> bool:
    # The second form is a skippable frame, such as zstd:chunked and seekable zstd use.
    return start[:4] == b"\x28\xb5\x2f\xfd" or (
        start[1:4] == b"\x2a\x4d\x18" and 0x50 <= start[0] <= 0x5F
    )


_STARTS: dict[str, Callable[[bytes], bool]] = {
    "gzip": lambda start: start[:3] == b"\x1f\x8b\x08",
    "zstd": _starts_zstd,
    "bzip2": lambda start: start[:3] == b"BZh",
    "xz": lambda start: start[:6] == b"\xfd7zXZ\0",
}


def open_decompressed(
    stream: Readable,
    compression: str = "auto",
    *,
    limits: ArchiveLimits = DEFAULT_LIMITS,
) -> Decompressed:
    """Return a stream of what is inside another; that one stays open when this is closed.

    Args:
        stream: The compressed bytes.
        compression: ``none``, ``gzip``, ``zstd``, ``bzip2``, ``xz``, or ``auto`` to look.
        limits: What is refused.

    Raises:
        UsageError: there is no such compression.
        UnsafeArchiveError: the bytes are not of the compression asked for, and no plain tar.
    """
    start = b""
    while len(start) < _LOOKED_AT and (more := stream.read(_INPUT_BYTES)):
        start += more
    found = detect(start)
    if compression == "auto":
        compression = found
    elif compression != "none" and compression not in _STARTS:
        raise UsageError(
            f"unknown compression `{compression}`", hint="use gzip, zstd, bzip2, xz or none"
        )
    elif found == "none" and start[_USTAR] == b"ustar":
        compression = "none"  # as containerd, which never believes the label
    elif compression not in {"none", found}:
        raise UnsafeArchiveError(
            f"the stream is said to be {compression} and is not",
            hint="fetch the content again, or fix its media type",
        )
    return Decompressed(stream, compression, start, limits)


class Decompressed:
    """A stream of decompressed bytes; see ``open_decompressed``.

    ``compression`` is the name of what it was.
    """

    def __init__(
        self, stream: Readable, compression: str, start: bytes, limits: ArchiveLimits
    ) -> None:
        self.compression = compression
        self._stream = stream
        self._start = start
        self._limits = limits
        self._consumed = len(start)
        self._produced = 0
        self._errors: tuple[type[Exception], ...] = ()
        self._new: Callable[[], _Decoder] | None = None
        if compression != "none":
            self._new, self._errors = _codec(compression)
        self._decoder = self._new() if self._new else None
        self._ended = False

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Forget the decoder's memory."""
        self._decoder = None
        self._start = b""
        self._ended = True

    def read(self, size: int = -1, /) -> bytes:
        """Return some bytes, at most ``size`` and at most 1 MiB; all the rest if it is negative.

        Raises:
            UnsafeArchiveError: the stream is damaged, truncated, followed by other bytes, or
                larger than the limits.
            OSError: the stream cannot be read.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(_OUTPUT_BYTES), b""))
        if size == 0 or self._ended:
            return b""
        data = self._plain(size) if self._decoder is None else self._decoded(size)
        self._produced += len(data)
        limits = self._limits
        if self._produced > limits.max_bytes or (
            self._produced > limits.ratio_from_bytes
            and self._produced > self._consumed * limits.max_ratio
        ):
            raise UnsafeArchiveError(
                f"{self._consumed} bytes of {self.compression} hold more than {self._produced - 1}",
                hint="do not use it unless you know who made it",
            )
        return data

    def _plain(self, size: int) -> bytes:
        data, self._start = self._start[:size], self._start[size:]
        if not data:
            data = self._input(size)
        self._ended = not data
        return data

    def _decoded(self, size: int) -> bytes:
        decoder = self._decoder
        while decoder is not None:
            if decoder.eof:
                decoder = self._next_member(decoder.unused_data)
                continue
            data = b""
            if decoder.needs_input:
                data = self._start or self._input(_INPUT_BYTES)
                self._start = b""
                if not data:
                    raise self._damaged("it ends early")
            try:
                output = decoder.decompress(data, min(size, _OUTPUT_BYTES))
            except self._errors as error:
                raise self._damaged(str(error)) from error
            if output:
                return output
        return b""

    def _next_member(self, rest: bytes) -> _Decoder | None:
        while True:
            rest = rest.lstrip(b"\0")
            if len(rest) >= _MAGIC_BYTES:
                break
            more = self._input(_INPUT_BYTES)
            if not more:
                break
            rest += more
        self._decoder = None
        if not rest:
            self._ended = True
        elif self._new is None or not _STARTS[self.compression](rest):
            raise self._damaged("other bytes follow it")
        else:
            self._start = rest
            self._decoder = self._new()
        return self._decoder

    def _input(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._consumed += len(data)
        return data

    def _damaged(self, what: str) -> UnsafeArchiveError:
        return UnsafeArchiveError(
            f"the {self.compression} stream is damaged near byte {self._consumed}: {what.lower()}",
            hint="fetch or make the content again",
        )


def _codec(compression: str) -> tuple[Callable[[], _Decoder], tuple[type[Exception], ...]]:
    """Return what makes a decoder, and the errors it raises; libraries are loaded when needed."""
    if compression == "gzip":
        from isal import igzip_lib

        return (
            lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP),
            (cast("type[Exception]", igzip_lib.error), EOFError, ValueError),
        )
    if compression == "zstd":
        from jettison.fs.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

        options: dict[int, int] = {DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
        return lambda: ZstdDecompressor(options=options), (ZstdError, EOFError)
    if compression == "bzip2":
        import bz2

        return bz2.BZ2Decompressor, (OSError, ValueError, EOFError)
    import lzma

    return (
        lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
        (lzma.LZMAError, EOFError),
    )
