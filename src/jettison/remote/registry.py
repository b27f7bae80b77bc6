"""``type=registry``: a cache in a repository, under a tag.

In:  packs and blobs.
Out: manifests and blobs; the tag names the index of the cache. An image under that name is read as
     a cache, too, if it was built with ``type=inline``.

Concurrency: registries change a tag without asking what it was. So it is read again right before it
is changed, and once more after a time in which whoever read it before has changed it: what is then
missing is added again (Fischer's algorithm, with a delay that is measured). A record that is lost
nevertheless costs the next build a step.
"""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable, Collection, Sequence
from functools import cached_property, partial
from typing import BinaryIO

import msgspec

from jettison.errors import ExportError, InvalidManifestError, RegistryError
from jettison.image.document import choose_platform, decode_document, is_image
from jettison.image.remote import ClientFactory
from jettison.oci.digest import Digest, verify
from jettison.oci.manifest import Descriptor, Index
from jettison.oci.mediatype import CONFIGS
from jettison.oci.platform import Platform
from jettison.oci.reference import Reference
from jettison.registry.upload import Uploader
from jettison.remote.backend import Change
from jettison.remote.index import PackEntry, holds_all, make_index, read_index
from jettison.remote.inline import decode_inline, inline_entry, is_inline
from jettison.remote.record import Pack, decode_pack

_ROUNDS = 12
_PAUSE_SECONDS = 0.2
_PATIENCE = 3
"""How much longer than our own change that of another is expected to take at most."""
_BUILDKIT = "application/vnd.buildkit.cacheconfig.v0"


class RegistryCache:
    """A tag of a repository; a ``CacheBackend``.

    Args:
        reference: It.
        client: Makes the client of registries.
        platforms: Whose images are read, where there are several.
    """

    def __init__(
        self, reference: Reference, client: ClientFactory, platforms: Sequence[Platform] = ()
    ) -> None:
        self._reference = reference
        self._platforms = platforms
        self._client = client

    @property
    def source(self) -> str:
        """Where its blobs are."""
        return str(self._reference)

    def entries(self) -> list[PackEntry]:
        """Return its packs; see ``CacheBackend``. An image may hold one (``remote.inline``)."""
        pulled = self._client().manifest(self._reference)
        if pulled is None:
            return []
        document = decode_document(pulled.data, pulled.descriptor.media_type)
        name = self._reference.familiar
        if isinstance(document, Index):
            if document.artifact_type or not any(map(is_image, document.manifests)):
                return read_index(document)
            chosen = [choose_platform(document, each, name=name) for each in self._platforms]
            return [inline_entry(each, each) for each in dict.fromkeys(chosen)]
        if document.config.media_type in CONFIGS:
            return [inline_entry(pulled.descriptor, document.config)]
        maker = " that BuildKit wrote" if document.config.media_type == _BUILDKIT else ""
        raise InvalidManifestError(f"`{name}` is no cache of this format, but one{maker}")

    def read(self, entry: PackEntry) -> Pack:
        """Return a pack; see ``CacheBackend``."""
        if is_inline(entry):
            return self._inline(entry)
        with self._client().blob(self._reference, entry.records) as stream:
            data = b"".join(iter(lambda: stream.read(1 << 20), b""))
        verify(data, entry.records.digest)
        return decode_pack(data)

    def _inline(self, entry: PackEntry) -> Pack:
        at = msgspec.structs.replace(self._reference, tag="", digest=entry.manifest.digest)
        pulled = self._client().manifest(at)
        if pulled is None:
            raise InvalidManifestError(f"`{at.familiar}` is not there")
        manifest = decode_document(pulled.data, pulled.descriptor.media_type)
        if isinstance(manifest, Index):
            raise InvalidManifestError(f"`{at.familiar}` is an index in an index")
        return decode_inline(manifest, self._client().document(self._reference, manifest.config))

    def has_blob(self, digest: Digest) -> bool:
        """Tell whether it has a blob."""
        return self._uploader.has_blob(digest)

    def put_blob(
        self, descriptor: Descriptor, opened: Callable[[], BinaryIO], *, again: bool = False
    ) -> None:
        """Send a blob; see ``CacheBackend``. What a registry has is as its digest says."""
        del again
        self._uploader.blob(descriptor, opened)

    def keep(self, blobs: Collection[Descriptor]) -> None:
        """Leave it to the registry, which keeps what a tag leads to."""

    def update(self, change: Change) -> None:
        """Change the index until it holds what was written; see ``CacheBackend``."""
        for attempt in range(_ROUNDS):
            time.sleep(_PAUSE_SECONDS * attempt * random.random())  # noqa: S311 - no secret
            before = self._readable()
            changed = change(before)
            if changed is None:
                return
            made, entries = changed
            self._uploader.blob(made.entry.records, partial(io.BytesIO, made.records))
            manifest = made.entry.manifest
            self._uploader.manifest(manifest.digest, manifest.media_type, made.manifest)
            began = time.monotonic()
            if self._readable() != before:
                continue
            descriptor, data = make_index(entries)
            self._uploader.manifest(self._reference.tag, descriptor.media_type, data)
            time.sleep(max(_PAUSE_SECONDS, _PATIENCE * (time.monotonic() - began)))
            if holds_all(self._readable(), made.pack):
                return
        raise RegistryError(
            f"`{self._reference.familiar}` is written by other builds all the time",
            hint="give each branch or job a cache of its own",
        )

    def collect(self, packs: Collection[PackEntry]) -> None:
        """Leave it to the registry: it removes what no tag leads to."""

    def _readable(self) -> list[PackEntry]:
        """Return the packs; what cannot be read is replaced, unless it is an image."""
        try:
            found = self.entries()
        except InvalidManifestError:
            return []
        if any(map(is_inline, found)):
            raise ExportError(
                f"`{self._reference.familiar}` is an image, which a cache would replace",
                hint="give the cache a name of its own",
            )
        return found

    @cached_property
    def _uploader(self) -> Uploader:
        return Uploader(self._client(), self._reference)
