"""Layers between directories and blobs: pack and compress, decompress and unpack, with digests.

In:  a layer directory or a tar and a sink, or a blob's stream and an empty directory.
Out: the blob and its diff ID; the unpacked directory, its diff ID verified.

Concurrency: one call uses several threads and bounded memory (some 30 MiB); sinks and streams are
called from one thread at a time. Calls do not disturb each other.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from jettison.errors import DigestMismatchError
from jettison.fs.ownership import Ownership
from jettison.layer.compress import Write, compressor
from jettison.layer.decompress import open_decompressed
from jettison.layer.limits import DEFAULT_LIMITS, ArchiveLimits
from jettison.layer.observer import LayerObserver
from jettison.layer.pack import pack
from jettison.layer.reader import Readable
from jettison.layer.threads import HashThread, ReadAhead
from jettison.layer.unpack import Lower, Unpacked, Wanted, unpack
from jettison.oci.digest import Digest


class TarSink:
    """Takes a tar piece by piece and passes it on compressed; use as a context manager.

    Args:
        sink: Takes the blob piece by piece, in the thread that writes; None wants the diff ID only.
        compression: ``none``, ``gzip`` or ``zstd``.
        level: See ``compress.compressor``.

    Raises:
        UsageError: there is no such compression or level.
    """

    def __init__(
        self, sink: Write | None, compression: str = "gzip", level: int | None = None
    ) -> None:
        with ExitStack() as resources:
            self._diff_id = resources.enter_context(HashThread())
            self._output = (
                resources.enter_context(compressor(sink, compression, level))
                if sink is not None
                else None
            )
            self._resources = resources.pop_all()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the threads; without ``finish`` the blob is not complete."""
        self._resources.close()

    def write(self, data: bytes) -> None:
        """Take a piece, which must not change any more."""
        self._diff_id.update(data)
        if self._output is not None:
            self._output.write(data)

    def finish(self) -> Digest:
        """Pass on what is left; return the diff ID."""
        if self._output is not None:
            self._output.close()
        return self._diff_id.digest()


def pack_layer(
    upper: Path,
    ownership: Ownership,
    sink: Write,
    compression: str = "gzip",
    level: int | None = None,
    *,
    clamp_mtime: int | None = None,
    exact_mtime: bool = False,
    observer: LayerObserver | None = None,
) -> Digest:
    """Pack a layer directory as a blob; return its diff ID.

    Args:
        upper: The directory, in overlay form.
        ownership: See ``pack``.
        sink: See ``TarSink``.
        compression: See there.
        level: See there.
        clamp_mtime: See ``pack``.
        exact_mtime: See there.
        observer: See there.

    Raises:
        ContentError: something in the directory cannot be in a layer.
        StorageError: the directory cannot be read.
        UsageError: there is no such compression or level.
    """
    with TarSink(sink, compression, level) as tar:
        pack(
            upper,
            ownership,
            tar.write,
            clamp_mtime=clamp_mtime,
            exact_mtime=exact_mtime,
            observer=observer,
        )
        return tar.finish()


def unpack_layer(
    stream: Readable,
    compression: str,
    into: Path,
    ownership: Ownership,
    expected_diff_id: Digest | None,
    *,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    lower: Lower | None = None,
    wanted: Wanted | None = None,
) -> tuple[Unpacked, Digest]:
    """Unpack a blob into an empty directory and return what it was, and its diff ID.

    Args:
        stream: The blob; read in another thread, to its end.
        compression: ``none``, ``gzip``, ``zstd``, ``bzip2``, ``xz`` or ``auto``.
        into: See ``unpack.unpack``, as the others.
        ownership: See there.
        expected_diff_id: The digest that the tar must have; None to trust it.
        limits: What is refused.
        lower: As for ``unpack``.
        wanted: As for ``unpack``.

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
            ownership,
            limits=limits,
            lower=lower,
            wanted=wanted,
        )
        found = diff_id.digest()
    if expected_diff_id is not None and found != expected_diff_id:
        raise DigestMismatchError(
            f"the layer's tar has the diff ID `{found}`, its image promises `{expected_diff_id}`",
            hint="pull the image again, from a registry that you trust",
        )
    return result, found
