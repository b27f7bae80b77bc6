"""An index of images that a registry has, under a new name: ``jettison merge``.

In:  references of images and indexes.
Out: the index, with all that it names in its repository.

What is in another repository is taken over: by a mount where the registry does that, else byte by
byte. The name is put last, so it never points at something incomplete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import BinaryIO, cast

import msgspec

from jettison.errors import ImageNotFoundError, UsageError
from jettison.events import Progress
from jettison.image.document import decode_config, decode_document, is_image
from jettison.image.manifest import build_index, image_platform
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.platform import Platform
from jettison.oci.reference import Reference
from jettison.registry.client import PulledManifest, RegistryClient
from jettison.registry.download import Download
from jettison.registry.upload import Uploader


class _Entry(msgspec.Struct, frozen=True):
    """A manifest that goes into the index, and where it is."""

    descriptor: Descriptor
    data: bytes
    source: Reference


class Merged(msgspec.Struct, frozen=True):
    """An index of images: its descriptor, and its bytes."""

    descriptor: Descriptor
    data: bytes


def merge_images(
    client: RegistryClient,
    target: Reference,
    sources: Sequence[Reference],
    report: Progress,
    *,
    annotations: Mapping[str, str] | None = None,
    dry: bool = False,
) -> Merged:
    """Write the index of some images.

    Args:
        client: Talks to the registries.
        target: Its name, with a tag.
        sources: Images, or indexes whose entries are taken over; the same entry counts once.
        report: Called with the bytes of blobs that are sent.
        annotations: Of the index.
        dry: Write nothing.

    Raises:
        UsageError: two of them are for the same platform.
        ImageNotFoundError: one is not there.
        RegistryError, InvalidManifestError: a registry refuses, or what it has is no image.
    """
    found = [entry for source in sources for entry in _entries(client, source)]
    entries = list({entry.descriptor.digest: entry for entry in found}.values())
    _require_different(entries)
    index, data = build_index([entry.descriptor for entry in entries], annotations=annotations)
    if not dry:
        uploader = Uploader(client, target)
        for entry in entries:
            _take_over(client, uploader, entry, target, report)
        uploader.manifest(target.tag, index.media_type, data)
    return Merged(index, data)


def _entries(client: RegistryClient, source: Reference) -> Iterator[_Entry]:
    """Yield what an image or an index adds to the new one."""
    found = _manifest(client, source)
    document = decode_document(found.data, found.descriptor.media_type)
    if isinstance(document, Manifest):
        platform = _platform(client, source, document)
        descriptor = msgspec.structs.replace(found.descriptor, platform=platform)
        yield _Entry(descriptor, found.data, source)
        return
    for each in document.manifests:
        place = msgspec.structs.replace(source, digest=each.digest)
        yield _Entry(each, _manifest(client, place).data, source)


def _manifest(client: RegistryClient, reference: Reference) -> PulledManifest:
    found = client.manifest(reference, own=True)
    if found is None:
        raise ImageNotFoundError(
            f"`{reference.familiar}` is not in its registry",
            hint="check the name, or push it first",
        )
    return found


def _platform(client: RegistryClient, source: Reference, manifest: Manifest) -> Platform:
    """Return what an image is for, as its config says."""
    data = client.document(source, manifest.config)
    decode_config(manifest, data)
    return image_platform(data)


def _require_different(entries: Sequence[_Entry]) -> None:
    seen: dict[Platform, _Entry] = {}
    for entry in entries:
        platform = entry.descriptor.platform
        if platform is None or not is_image(entry.descriptor):
            continue
        other = seen.setdefault(platform, entry)
        if other is not entry:
            raise UsageError(
                f"`{other.source.familiar}` and `{entry.source.familiar}` both have an image for"
                f" `{platform}`",
                hint="name each platform once",
            )


def _take_over(
    client: RegistryClient, uploader: Uploader, entry: _Entry, target: Reference, report: Progress
) -> None:
    """Make the repository of the index have a manifest and all that it names."""
    source = entry.source
    if (source.registry, source.repository) == (target.registry, target.repository):
        return
    document = decode_document(entry.data, entry.descriptor.media_type)
    if isinstance(document, Index):
        raise UsageError(
            f"`{source.familiar}` is an index of indexes", hint="name its images one by one"
        )
    for blob in (document.config, *document.layers):
        if blob.urls:
            continue  # foreign layers are not to be distributed
        uploader.blob(
            blob, partial(_opened, client, source, blob), mount_from=source, report=report
        )
    uploader.manifest(entry.descriptor.digest, entry.descriptor.media_type, entry.data)


def _opened(client: RegistryClient, source: Reference, blob: Descriptor) -> BinaryIO:
    return cast("BinaryIO", Download(lambda start: client.blob(source, blob, start=start)))
