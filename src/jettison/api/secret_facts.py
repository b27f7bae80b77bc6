"""Searches the layers and documents of an image for secrets, each layer once.

In:  a session, an image with its provenance, what is known to be secret.
Out: ``ImageSecrets``.

On disk: what was found is remembered by layer (``BuildCache.answers``): of known values names,
lengths and places only, under a digest that is keyed with the store's key (``Store.key``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from jettison.analysis.files import open_below
from jettison.analysis.secrets.content import SecretFile, secret_files
from jettison.analysis.secrets.known import KnownSecrets
from jettison.api.session import Session
from jettison.check.secrets import Leak
from jettison.findings.finding import Finding
from jettison.fs.listing import empty_listing
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.digest import Digest, sha256_digest
from jettison.provenance.chain import Provenance
from jettison.provenance.record import BuildRecord
from jettison.store.image import StoredImage

if TYPE_CHECKING:
    from jettison.analysis.secrets.search import Searcher, Sighting

T = TypeVar("T", SecretFile, "Sighting")
_FILES_VERSION = b"secret-files-2\0"
_SEARCH_VERSION = "secret-search-2\0"


class ImageSecrets:
    """Facts of one image; ``check.secrets.SecretFacts``.

    Args:
        session: The store.
        image: It.
        provenance: Of its build.
        known: What must not be in it; nothing for an image that was not built now.
    """

    def __init__(
        self,
        session: Session,
        image: StoredImage,
        provenance: Provenance,
        known: KnownSecrets | None,
    ) -> None:
        self._session = session
        self._image = image
        self._provenance = provenance
        self._known = known or KnownSecrets({})

    def leaks(self) -> Sequence[Leak]:
        """Return where known secrets are: in layers that the build made, and in documents.

        Raises:
            ContentError, SourceError, StorageError: a layer cannot be had.
        """
        if not self._known:
            return ()
        found: dict[tuple[int, str, str], Leak] = {}
        for position in self._own_layers:
            for each in self._sightings(position):
                name, length = self._known.name(each.secret), self._known.length(each.secret)
                leak = Leak(name, length, each.form, position, each.path)
                found.setdefault((position, each.path, name), leak)  # all of it, or a part
        return (*found.values(), *self._in_documents())

    def files(self, position: int) -> Sequence[SecretFile]:
        """Return what looks like a secret in a layer.

        Raises:
            ContentError, SourceError, StorageError: the layer cannot be had.
        """
        layer = self._provenance.image.layers[position].layer
        question = sha256_digest(_FILES_VERSION + layer.encode())
        kept = self._kept(question, SecretFile)
        if kept is None:
            listing = self._provenance.image.listing(position) or empty_listing()
            directory = os.fspath(self._directory(position))
            kept = secret_files(listing.plain, partial(open_below, directory))
            self._keep(question, kept)
        return kept

    def masked(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return findings of any rule without values: instructions that they quote may have some.

        A fix that would have to write a value is none.
        """
        if not self._known:
            return tuple(findings)
        mask = self._searcher.without_values
        return tuple(
            msgspec.structs.replace(
                each,
                detail=mask(each.detail),
                path=mask(each.path),
                cause=tuple(map(mask, each.cause)),
                fixes=tuple(fix for fix in each.fixes if mask(fix.text) == fix.text),
            )
            for each in findings
        )

    @cached_property
    def _own_layers(self) -> list[int]:
        layers = self._provenance.image.layers
        return [position for position, layer in enumerate(layers) if not layer.is_base]

    @cached_property
    def _searcher(self) -> Searcher:
        from jettison.analysis.secrets.search import Searcher  # of builds with secrets

        return Searcher(self._known.values)

    def _sightings(self, position: int) -> tuple[Sighting, ...]:
        layer = self._provenance.image.layers[position].layer
        subject = _SEARCH_VERSION + layer
        question = Digest(f"sha256:{self._known.digest(self._session.store.key(), subject)}")
        from jettison.analysis.secrets.search import Sighting

        kept = self._kept(question, Sighting)
        if kept is None:
            kept = tuple(self._searcher.in_layer(self._directory(position)))
            self._keep(question, kept)
        return kept

    def _kept(self, question: Digest, kind: type[T]) -> tuple[T, ...] | None:
        data = self._session.cache.answers.find(question)
        if data is None:
            return None
        try:
            rows = msgspec.msgpack.decode(data, type=list[tuple[bytes, kind]])  # type: ignore[valid-type]
        except msgspec.DecodeError:
            return None  # of another version
        return tuple(msgspec.structs.replace(each, path=os.fsdecode(path)) for path, each in rows)

    def _keep(self, question: Digest, found: Sequence[SecretFile] | Sequence[Sighting]) -> None:
        """Remember what was found; names of files may be any bytes."""
        rows = [(os.fsencode(each.path), msgspec.structs.replace(each, path="")) for each in found]
        self._session.cache.answers.keep(question, msgspec.msgpack.encode(rows))

    def _directory(self, position: int) -> Path:
        """Return the files of a layer of the image, which are made if they are not here."""
        layers = self._provenance.image.layers
        shipped = [each.layer for each in self._image.layers]
        names = [layers[position].layer]
        if len(shipped) == len(layers):
            names.append(shipped[position])  # with other times
        store = self._session.layer_store
        for name in names:
            if store.info(name) is not None:
                return store.directory(name)
        self._session.require_namespace()
        self._session.blobs.materialise(tuple(shipped[: position + 1]))
        return store.directory(names[-1])

    def _in_documents(self) -> Iterator[Leak]:
        """Yield a leak for each secret that is outside of layers, with all places of it."""
        found: dict[str, Leak] = {}
        for document, line, data in self._documents():
            for key, form in self._searcher.in_bytes(data):
                name = self._known.name(key)
                leak = found.setdefault(name, Leak(name, self._known.length(key), form))
                documents = tuple(dict.fromkeys((*leak.documents, document)))
                found[name] = msgspec.structs.replace(
                    leak, documents=documents, line=leak.line or line
                )
        yield from found.values()

    def _documents(self) -> Iterator[tuple[str, int, bytes]]:
        """Yield all that is kept or shipped of a build besides layers: name, line, bytes."""
        config = decode(ImageConfig, self._image.config)
        own = [layer for layer in self._provenance.image.layers if not layer.is_base]
        layered = sum(not entry.empty_layer for entry in config.history) - len(own)
        yield "config", 0, msgspec.json.encode(config.config)
        for entry in config.history:
            line = 0
            if not entry.empty_layer:
                layered -= 1
                if layered < 0 and -layered <= len(own):
                    line = own[-layered - 1].instruction.line
            yield "history", line, entry.created_by.encode()
        record = self._provenance.record
        yield from _of_record(record)
        trace = self._session.cache.traces.of_image(self._image.id)
        if trace is not None:
            from jettison.why.trace import decode as decode_trace

            known = decode_trace(trace.content)
            if known is not None:
                yield "trace of the build", 0, msgspec.msgpack.encode(known, enc_hook=str)


def _of_record(record: BuildRecord) -> Iterator[tuple[str, int, bytes]]:
    """Yield the record of a build, from which its reports are made, too."""
    for number, text in enumerate(record.source.split("\n"), 1):
        yield "build record", number, text.encode()
    for stage in record.stages:
        for step in stage.steps:
            yield "build record", step.line, step.name.encode()
    for each in record.steps:
        yield "build record", 0, f"{each.name}\n{each.detail}".encode()
