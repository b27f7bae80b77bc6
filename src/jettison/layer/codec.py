"""Layers between directories and blobs: pack and compress, decompress and unpack, with digests.

In:  a layer directory and a sink, or a blob's stream and an empty directory.
Out: ``Packed`` (diff ID, digest, size); the unpacked directory, its diff ID verified.

Concurrency: one call uses several threads and bounded memory (some 30 MiB); sinks and streams are
called from one thread at a time. Calls do not disturb each other.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from jettison.errors import DigestMismatchError
from jettison.layer.compress import Write, compressor
from jettison.layer.decompress import open_decompressed
from jettison.layer.limits import DEFAULT_LIMITS, Limits
from jettison.layer.pack import pack
from jettison.layer.reader import Readable
from jettison.layer.threads import HashThread, ReadAhead
from jettison.layer.unpack import Lower, Unpacked, unpack
from jettison.oci.digest import Digest


class Packed(msgspec.Struct, frozen=True):
    """A layer that was packed: ``digest`` and ``size`` (bytes) are the blob's, as compressed.

    ``diff_id`` and ``tar_size`` are of the tar inside.
    """

    diff_id: Digest
    digest: Digest
    size: int
    tar_size: int


def pack_layer(
    upper: Path,
    sink: Write,
    compression: str = "gzip",
    level: int | None = None,
    *,
    clamp_mtime: int | None = None,
    portable: bool = False,
) -> Packed:
    """Pack a layer directory as a blob.

    Args:
        upper: The directory, in overlay form.
        sink: Takes the blob piece by piece, in the calling thread.
        compression: ``none``, ``gzip`` or ``zstd``.
        level: See ``compress.compressor``.
        clamp_mtime: Seconds since the epoch; later times become this one.
        portable: See ``compress.compressor``.

    Raises:
        ContentError: something in the directory cannot be in a layer.
        StorageError: the directory cannot be read.
        UsageError: there is no such compression or level.
    """
    digest = hashlib.sha256()
    size = tar_size = 0

    def blob(data: bytes) -> None:
        nonlocal size
        digest.update(data)
        size += len(data)
        sink(data)

    with (
        HashThread() as diff_id,
        compressor(
            sink if compression == "none" else blob, compression, level, portable=portable
        ) as output,
    ):

        def tar(data: bytes) -> None:
            nonlocal tar_size
            tar_size += len(data)
            diff_id.update(data)
            output.write(data)

        pack(upper, tar, clamp_mtime=clamp_mtime)
        output.close()
        found = diff_id.digest()
    if compression == "none":
        return Packed(found, found, tar_size, tar_size)
    return Packed(found, Digest("sha256:" + digest.hexdigest()), size, tar_size)


def unpack_layer(
    stream: Readable,
    compression: str,
    into: Path,
    expected_diff_id: Digest | None,
    *,
    opaque_xattr: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    lower: Lower | None = None,
) -> tuple[Unpacked, Digest]:
    """Unpack a blob into an empty directory and return what it was, and its diff ID.

    Args:
        stream: The blob; read in another thread, to its end.
        compression: ``none``, ``gzip``, ``zstd``, ``bzip2``, ``xz`` or ``auto``.
        into: See ``unpack.unpack``, as the others.
        expected_diff_id: The digest that the tar must have; None to trust it.
        opaque_xattr: As for ``unpack``.
        limits: What is refused.
        lower: As for ``unpack``.

    Raises:
        DigestMismatchError: the tar is another one; the directory must be thrown away.
        UnsafeArchiveError: the blob is malformed or tries to escape.
        SourceError: the stream cannot be read.
        StorageError: the directory cannot be written.
        HostError: an owner or a whiteout cannot be made here.
    """
    algorithm = expected_diff_id.partition(":")[0] if expected_diff_id else "sha256"
    with (
        open_decompressed(stream, compression, limits=limits) as tar,
        HashThread(algorithm) as diff_id,
        ReadAhead(tar, diff_id) as ahead,
    ):
        result = unpack(
            ahead,
            into,
            opaque_xattr=opaque_xattr,
            limits=limits,
            lower=lower,
        )
        found = diff_id.digest()
    if expected_diff_id is not None and found != expected_diff_id:
        raise DigestMismatchError(
            f"the layer's tar has the diff ID `{found}`, its image promises `{expected_diff_id}`",
            hint="pull the image again, from a registry that you trust",
        )
    return result, found
