"""Remote blobs: those that a registry, a layout directory, or a build cache elsewhere has.

In:  descriptors and sources: text of a reference, ``oci-layout://PATH``, another URL of a cache.
Out: streams; blobs in the store, verified.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO, Protocol

from jettison.errors import ContentError, ImageNotFoundError
from jettison.events import Progress, no_progress
from jettison.image.layout import SCHEME, OciLayout
from jettison.image.parallel import Stop
from jettison.oci.digest import short
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import parse_reference
from jettison.store.blobs import BlobWriter
from jettison.store.store import Store

if TYPE_CHECKING:
    from jettison.layer.reader import Readable
    from jettison.registry.client import RegistryClient

_CHUNK_BYTES = 1 << 20

ClientFactory = Callable[[], "RegistryClient"]
"""Makes the client of this command when it is first needed, the same one ever after."""


class BlobPlace(Protocol):
    """What has blobs and is neither a registry nor a directory: a bucket, say."""

    def open(self, descriptor: Descriptor, start: int = 0) -> AbstractContextManager[Readable]:
        """Open a blob for reading from an offset on, to its end.

        Raises:
            SourceError, ContentError: it cannot be had.
        """
        ...

    def read_range(self, descriptor: Descriptor, start: int, length: int) -> bytes | None:
        """Return bytes of a blob, unverified; None where it gives no ranges.

        Raises:
            SourceError: they cannot be had.
        """
        ...


PlaceFinder = Callable[[str], BlobPlace]
"""Returns the place that a source names; a ``SourceError`` where it cannot be asked."""


def is_place(source: str) -> bool:
    """Tell whether a source is neither a reference nor a layout directory."""
    return "://" in source and not source.startswith(SCHEME)


class RemoteBlobs:
    """Opens blobs at their sources.

    Args:
        client: None does without the network.
        places: Finds other places than registries and directories.
    """

    def __init__(self, client: ClientFactory | None, places: PlaceFinder | None = None) -> None:
        self._client = client
        self._places = places

    @contextmanager
    def open(self, descriptor: Descriptor, source: str, start: int = 0) -> Iterator[Readable]:
        """Open a blob for reading from an offset on, to its end.

        Raises:
            ImageNotFoundError: offline, or the layout is gone.
            RegistryError: the registry does not give it.
        """
        if source.startswith(SCHEME):
            with OciLayout(source.removeprefix(SCHEME)).open(descriptor.digest) as file:
                file.seek(start)
                yield file
            return
        if self._client is None:
            raise ImageNotFoundError(
                f"layer `{short(descriptor.digest)}` of `{source}` is not here,"
                " and the build is offline",
                hint="use it once while there is a network"
                if is_place(source)
                else f"run `jettison pull {source}` while there is a network",
            )
        if self._places is not None and is_place(source):
            with self._places(source).open(descriptor, start) as stream:
                yield stream
            return
        reference = parse_reference(source)
        with self._client().blob(reference, descriptor, start=start) as stream:
            yield stream

    def read_range(
        self, descriptor: Descriptor, source: str, start: int, length: int
    ) -> bytes | None:
        """Return bytes of a blob, unverified; None where its source gives no ranges, or offline.

        Raises:
            ImageNotFoundError: the layout is gone.
            RegistryError: the registry does not give it.
        """
        if not length:
            return b""
        if source.startswith(SCHEME):
            with OciLayout(source.removeprefix(SCHEME)).open(descriptor.digest) as file:
                file.seek(start)
                data = file.read(length)
            return data if len(data) == length else None
        if self._client is None:
            return None
        if self._places is not None and is_place(source):
            return self._places(source).read_range(descriptor, start, length)
        from jettison.registry.ranges import read_range  # seldom needed

        client, reference = self._client(), parse_reference(source)
        return read_range(client.session, client.hosts, reference, descriptor, start, length)

    def fetch(
        self,
        store: Store,
        descriptor: Descriptor,
        source: str,
        *,
        report: Progress = no_progress,
        stop: Stop | None = None,
    ) -> None:
        """Fetch a blob into the store, unless it is there.

        Raises:
            ContentError: its bytes are others than its descriptor says.
            SourceError: as ``open``.
            StorageError: it cannot be written.
        """
        if store.blobs.has(descriptor.digest):
            return
        for _ in range(2):
            with self.tee(store, descriptor, source, report, stop) as (tee, writer):
                had = writer.size_bytes
                try:
                    while tee.read(_CHUNK_BYTES):
                        pass
                    writer.commit()
                except ContentError:
                    writer.keeps = False
                    if not had:
                        raise
                    continue  # what was kept may be what is wrong
                return

    @contextmanager
    def tee(
        self,
        store: Store,
        descriptor: Descriptor,
        source: str,
        report: Progress,
        stop: Stop | None,
    ) -> Iterator[tuple[TeeReader, BlobWriter]]:
        """Open a blob for reading while it is kept: the caller commits the writer.

        What was kept when an earlier fetch was interrupted is read from there.

        Raises:
            SourceError, StorageError: as ``fetch``.
        """
        with store.partial.writer(descriptor) as writer, ExitStack() as resources:
            kept = None
            if writer.size_bytes:
                kept = resources.enter_context(writer.beginning())
            if writer.size_bytes == descriptor.size:
                stream: Readable = io.BytesIO()
            else:
                opened = self.open(descriptor, source, writer.size_bytes)
                stream = resources.enter_context(opened)
            yield TeeReader(stream, writer, descriptor, report, stop, kept), writer


class TeeReader:
    """Copies what is read from a stream to a blob, too; the caller commits the blob.

    Args:
        stream: Where they come from.
        writer: Keeps them; None does not.
        descriptor: For progress.
        report: Called with how much was read, under the digest.
        stop: Ends reading.
        kept: What the writer has already, which is read first.
    """

    def __init__(
        self,
        stream: Readable,
        writer: BlobWriter | None,
        descriptor: Descriptor,
        report: Progress,
        stop: Stop | None,
        kept: BinaryIO | None = None,
    ) -> None:
        self._kept = kept
        self._beginning = writer.size_bytes if writer is not None and kept is not None else 0
        self._stream = stream
        self._writer = writer
        self._descriptor = descriptor
        self._report = report
        self._stop = stop
        self._done = 0

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        if self._stop is not None:
            self._stop.check()
        data = b""
        if self._kept is not None and self._done < self._beginning:
            data = self._kept.read(min(size, self._beginning - self._done))
        if not data:
            data = self._stream.read(size)
            if self._writer is not None:
                self._writer.write(data)
        self._done += len(data)
        self._report(self._descriptor.digest, self._done, self._descriptor.size)
        return data
