"""What a copy consists of: a manifest or index, all that it names, and what refers to it.

In:  a source, what of it is wanted.
Out: ``Contents``: bytes of all manifests, descriptors of all blobs.

Security: indexes may name each other, and thousands of things; depth and number are bounded, and
everything is looked at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from jettison.errors import InvalidManifestError, UsageError
from jettison.exporter.copying.base import Contents, CopiedManifest, CopySource
from jettison.image.document import choose_platform, decode_document, is_image
from jettison.image.parallel import Stop, run_parallel
from jettison.oci import mediatype
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.platform import Platform
from jettison.registry.client import PulledManifest

_PARALLEL = 6
_MOST_MANIFESTS = 4096
_MOST_BYTES = 256 << 20
"""Of all manifests together."""
_MAX_NESTING = 8
_SIGNED = ("sig", "att", "sbom")
"""What cosign's tags end with."""


class Selection(msgspec.Struct, frozen=True):
    """What is wanted of a place.

    Args:
        platform: Of an index, the image for it.
        everything: An index with all that it names.
        index_only: An index without what it names.
        referrers: Also artifacts that refer to what is copied, and signatures by tag.
    """

    platform: Platform
    everything: bool = False
    index_only: bool = False
    referrers: bool = False


def collect(source: CopySource, selection: Selection, *, name: str) -> Contents:
    """Return what is to be copied.

    Args:
        source: Has it.
        selection: What of it is wanted.
        name: Of the place, for messages.

    Raises:
        ImageNotFoundError: there is no such image.
        PlatformNotFoundError: none for the platform.
        InvalidManifestError: what is there is no manifest, or too much.
    """
    root, left_out = source.root(), 0
    document = decode_document(root.data, root.descriptor.media_type)
    whole = selection.everything or selection.index_only
    if selection.index_only and not isinstance(document, Index):
        raise UsageError(f"`{name}` is no index", hint="leave `--multi-arch index-only` out")
    for _ in range(_MAX_NESTING):
        if isinstance(document, Manifest) or whole:
            break
        left_out += sum(map(is_image, document.manifests)) - 1
        chosen = _choose(document, selection.platform, name)
        root = PulledManifest(chosen, source.document(chosen))
        document = decode_document(root.data, root.descriptor.media_type)
    walk = _Walk(source, name, deep=not selection.index_only)
    made = walk.add(root)
    manifests = tuple(walk.found.values())
    tags: list[tuple[str, Digest]] = []
    if selection.referrers:
        tags = walk.add_referrers()
    return Contents(
        made,
        manifests,
        tuple(walk.found.values())[len(manifests) :],
        tuple(tags),
        tuple(walk.foreign.values()),
        left_out,
    )


def _choose(index: Index, platform: Platform, name: str) -> Descriptor:
    try:
        return choose_platform(index, platform, name=name)
    except InvalidManifestError as error:
        raise InvalidManifestError(error.message, hint="copy all of it with `--all`") from error


class _Walk:
    """Goes from a manifest to all that it names."""

    def __init__(self, source: CopySource, name: str, *, deep: bool) -> None:
        self.found: dict[Digest, CopiedManifest] = {}
        self.foreign: dict[Digest, Descriptor] = {}
        self._source = source
        self._name = name
        self._deep = deep
        self._bytes = 0

    def add(self, pulled: PulledManifest, nesting: int = 0) -> CopiedManifest:
        """Note a manifest after all that it names; return it as it is copied.

        Raises:
            InvalidManifestError: there is too much.
        """
        known = self.found.get(pulled.descriptor.digest)
        if known is not None:
            return known
        self._bytes += len(pulled.data)
        too_many = len(self.found) >= _MOST_MANIFESTS or self._bytes > _MOST_BYTES
        if too_many or nesting > _MAX_NESTING:
            what = "is nested too deeply" if nesting > _MAX_NESTING else "names too many manifests"
            raise InvalidManifestError(f"the index of `{self._name}` {what}")
        document = decode_document(pulled.data, pulled.descriptor.media_type)
        blobs: tuple[Descriptor, ...] = ()
        image = False
        if isinstance(document, Index):
            inner = [each for each in document.manifests if _is_manifest(each)]
            blobs = tuple(each for each in document.manifests if not _is_manifest(each))
            self._add_entries(inner, nesting + 1)
        else:
            blobs = (document.config, *document.layers)
            image = document.config.media_type in mediatype.CONFIGS and not document.subject
        self.foreign.update({each.digest: each for each in blobs if each.urls})
        made = CopiedManifest(
            _typed(pulled.descriptor, document),
            pulled.data,
            tuple(each for each in blobs if not each.urls) if self._deep else (),
            document.subject.digest if document.subject is not None else None,
            image and is_image(_typed(pulled.descriptor, document)),
        )
        return self.found.setdefault(pulled.descriptor.digest, made)

    def _add_entries(self, entries: Sequence[Descriptor], nesting: int) -> None:
        if not self._deep:
            return
        if len(entries) > _MOST_MANIFESTS:
            raise InvalidManifestError(f"the index of `{self._name}` names too many manifests")
        new = {each.digest: each for each in entries if each.digest not in self.found}

        def read(each: Descriptor, stop: Stop) -> bytes:
            stop.check()
            return self._source.document(each)

        data = run_parallel([partial(read, each) for each in new.values()], limit=_PARALLEL)
        for each, found in zip(new.values(), data, strict=True):
            self.add(PulledManifest(each, found), nesting)

    def add_referrers(self) -> list[tuple[str, Digest]]:
        """Note what refers to what was found, and so on; return cosign's tags."""
        asked: set[Digest] = set()
        tags: list[tuple[str, Digest]] = []
        while waiting := [each for each in self.found if each not in asked]:
            for digest in waiting:
                asked.add(digest)
                for each in self._source.referrers(digest):
                    self.add(each)
                for tag in (f"{digest.replace(':', '-')}.{end}" for end in _SIGNED):
                    signed = self._source.tagged(tag)
                    if signed is not None:
                        tags.append((tag, self.add(signed).descriptor.digest))
        return tags


def _is_manifest(entry: Descriptor) -> bool:
    """Tell whether an entry of an index is a manifest: caches list layers, too."""
    return not entry.media_type or entry.media_type in mediatype.INDEXES | mediatype.MANIFESTS


def _typed(descriptor: Descriptor, document: Manifest | Index) -> Descriptor:
    """Return the descriptor of a document with the type of the one it is."""
    index = isinstance(document, Index)
    known = mediatype.INDEXES if index else mediatype.MANIFESTS
    fallback = mediatype.OCI_INDEX if index else mediatype.OCI_MANIFEST
    kind = document.media_type or descriptor.media_type
    artifact = document.artifact_type if document.subject else ""
    return msgspec.structs.replace(
        descriptor,
        media_type=kind if kind in known else fallback,
        artifact_type=descriptor.artifact_type or artifact,
    )
