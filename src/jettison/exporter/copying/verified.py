"""Blobs that are copied to files: compared with their descriptors while they are written.

In:  a source, a descriptor.
Out: bytes in order; an error where they are others than the descriptor says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing

from jettison.errors import DigestMismatchError, InvalidManifestError, SizeMismatchError
from jettison.events import Progress
from jettison.exporter.copying.base import CopySource
from jettison.image.parallel import Stop
from jettison.oci.digest import encoded
from jettison.oci.manifest import Descriptor

_CHUNK_BYTES = 1 << 20


def pieces(
    source: CopySource, descriptor: Descriptor, report: Progress, stop: Stop | None = None
) -> Iterator[bytes]:
    """Yield the bytes of a blob; they may be used once the last was had.

    Args:
        source: Has it.
        descriptor: Of it.
        report: Called with how much was read, under the digest.
        stop: Ends reading.

    Raises:
        SizeMismatchError, DigestMismatchError: they are not what the descriptor says.
        SourceError: they cannot be had.
    """
    digest, size = descriptor.digest, descriptor.size
    algorithm = digest.partition(":")[0]
    hashing, done = hashlib.new(algorithm), 0
    report(digest, 0, size)
    with closing(source.open(descriptor)) as file:
        while data := file.read(_CHUNK_BYTES):
            if stop is not None:
                stop.check()
            done += len(data)
            if done > size:
                break
            hashing.update(data)
            report(digest, done, size)
            yield data
    if done != size:
        more = "more" if done > size else "fewer"
        raise SizeMismatchError(f"blob `{digest}` has {more} than the {size} bytes that it should")
    if hashing.hexdigest() != encoded(digest):
        raise DigestMismatchError(
            f"expected blob `{digest}` but the bytes are `{algorithm}:{hashing.hexdigest()}`",
            hint="try again; if it persists, the source or a proxy changes content",
        )


def small_blob(source: CopySource, descriptor: Descriptor, limit: int) -> bytes:
    """Return all bytes of a blob of at most so many.

    Raises:
        InvalidManifestError: it is larger.
        ContentError, SourceError: as ``pieces``.
    """
    if descriptor.size > limit:
        raise InvalidManifestError(f"document `{descriptor.digest}` is too large")
    return b"".join(pieces(source, descriptor, lambda *_: None))


def twice(write: Callable[[], None]) -> None:
    """Do what ends in an error where bytes were damaged on their way; once more, if so."""
    try:
        write()
    except (DigestMismatchError, SizeMismatchError):
        write()
