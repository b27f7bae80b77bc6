"""What a RUN read of the files that copies had put there: kept with a build, if it was traced.

In:  paths that were opened.
Out: ``StepReads``, and its stored form.
"""

from __future__ import annotations

import os
import zlib

import msgspec

_PREFIX = "reads:"

_MAX_BYTES = 1 << 26


class StepReads(msgspec.Struct, frozen=True):
    """What was opened below the directories that were looked at.

    Args:
        directories: Those: each that held a copied file when the step began.
        files: What was opened in them, sorted; files that the step itself made are among it.
        listed: Directories among them whose names were read, sorted.
        is_whole: Whether nothing was missed.
    """

    directories: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    is_whole: bool = True


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """The stored form; names need not be UTF-8."""

    directories: list[bytes]
    files: list[bytes]
    listed: list[bytes]
    is_whole: bool


_decoder = msgspec.msgpack.Decoder(_Stored)


def reads_name(key: str) -> str:
    """Return under which name the reads of a RUN are kept, beside origins, by its cache key."""
    return _PREFIX + key


def is_reads(name: str) -> bool:
    """Tell the name of reads from that of origins."""
    return name.startswith(_PREFIX)


def encode_reads(reads: StepReads) -> bytes:
    """Return the stored form."""
    stored = _Stored(
        list(map(os.fsencode, reads.directories)),
        list(map(os.fsencode, reads.files)),
        list(map(os.fsencode, reads.listed)),
        reads.is_whole,
    )
    return zlib.compress(msgspec.msgpack.encode(stored))


def decode_reads(data: bytes) -> StepReads:
    """Return reads from their stored form.

    Raises:
        ValueError: it is damaged.
    """
    try:
        stored = _decoder.decode(zlib.decompressobj().decompress(data, _MAX_BYTES))
    except (msgspec.DecodeError, zlib.error) as error:
        raise ValueError(f"damaged reads: {error}") from error
    directories, files, listed = (
        tuple(map(os.fsdecode, each)) for each in (stored.directories, stored.files, stored.listed)
    )
    return StepReads(directories, files, listed, stored.is_whole)
