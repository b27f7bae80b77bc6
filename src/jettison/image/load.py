"""Loading images from archives and directories: OCI layouts and docker's archives.

In:  a layout directory, a tar (also compressed) as a file or a stream.
Out: images in the store, with the names that the archive gives them.

A tar is read once, front to back, so it may come from a pipe. Members become blobs as they come;
what no image needs is removed again, as everything is when loading fails.

Source: OCI image-spec 1.1, image-layout.md; docker image-spec 1.2 (``manifest.json``).
Security: see ``image.blob_source``; everything that has a digest is verified.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec

from jettison.errors import (
    ImageNotFoundError,
    InvalidManifestError,
    InvalidReferenceError,
    JettisonError,
    SourceError,
)
from jettison.events import Progress, no_progress
from jettison.image.archive import DockerImage, TarBlobSource, decode_docker_manifest
from jettison.image.blob_source import BlobSource, LayoutBlobSource
from jettison.image.document import choose_platform, decode_document, is_image
from jettison.image.files import verify_blob
from jettison.image.layout import DOCKER_MANIFEST, IMAGE_NAME, OciLayout
from jettison.image.parallel import Stop, run_parallel
from jettison.image.pull import describe_image, keep_image
from jettison.layer.decompress import detect, open_decompressed
from jettison.layer.limits import ArchiveLimits
from jettison.layer.reader import Readable, TarReader
from jettison.oci import mediatype
from jettison.oci.codec import MAX_DOCUMENT_BYTES, decode
from jettison.oci.config import ImageConfig
from jettison.oci.digest import Digest
from jettison.oci.layout import INDEX, REF_NAME
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.mediatype import LAYER_COMPRESSION
from jettison.oci.platform import Platform
from jettison.oci.reference import parse_reference
from jettison.store.image import StoredImage
from jettison.store.layer import StoredLayer
from jettison.store.store import Store

_LIMITS = ArchiveLimits(max_entries=1_000_000)
_MAX_NESTING = 3


class LoadedImage(msgspec.Struct, frozen=True):
    """An image that was loaded, and the normalised names that point at it now."""

    image: StoredImage
    names: tuple[str, ...] = ()


def load(
    store: Store,
    source: Path | BinaryIO,
    platform: Platform,
    *,
    name: str = "",
    report: Progress = no_progress,
) -> list[LoadedImage]:
    """Load all images of a layout or an archive.

    Args:
        store: Gets them.
        source: A layout directory, a tar, or a stream of a tar.
        platform: Which image is taken of several for different platforms.
        name: A name for the only image, besides those it has.
        report: Progress in bytes of blobs.

    Raises:
        SourceError: it cannot be read.
        ImageNotFoundError: there is no image in it.
        PlatformNotFoundError: only for other platforms.
        ContentError: it is damaged or malicious.
        StorageError: no space.
    """
    if isinstance(source, Path):
        if source.is_dir():
            return _load_directory(store, source, platform, name, report)
        try:
            mode = source.stat().st_mode
            if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):  # it may never end
                raise SourceError(f"cannot read `{source}`: it is a device")
            with source.open("rb") as file:
                return _load_tar(store, file, platform, name, report)
        except OSError as error:
            raise SourceError(
                f"cannot read `{source}`: {(error.strerror or '').lower()}"
            ) from error
    return _load_tar(store, source, platform, name, report)


def _load_directory(
    store: Store, path: Path, platform: Platform, name: str, report: Progress
) -> list[LoadedImage]:
    text = os.path.abspath(path)
    index = OciLayout(text).index()
    return _load_index(store, LayoutBlobSource(store, text, report), index, platform, name)


def _load_tar(
    store: Store, stream: Readable, platform: Platform, name: str, report: Progress
) -> list[LoadedImage]:
    source = TarBlobSource(store)
    loaded: list[LoadedImage] = []
    try:
        with open_decompressed(stream) as tar:
            reader = TarReader(tar, _LIMITS)
            for entry in reader:
                source.take(reader, entry, report)
            reader.drain()
        if INDEX in source.documents:
            index = decode(Index, source.documents[INDEX])
            loaded = _load_index(store, source, index, platform, name)
        elif DOCKER_MANIFEST in source.documents:
            loaded = _load_docker(store, source, name)
        else:
            raise ImageNotFoundError(
                "the archive holds no image: it has neither `index.json` nor `manifest.json`",
                hint="make it with `docker save`, `podman save` or `jettison save`",
            )
    finally:
        source.drop_unused(_used(store, loaded))
    return loaded


def _used(store: Store, loaded: Sequence[LoadedImage]) -> set[Digest]:
    """Return the blobs that loaded images need: their manifests and layers."""
    used = {each.image.manifest.digest for each in loaded if each.image.manifest is not None}
    for each in loaded:
        for layer in each.image.layers:
            blobs = store.layers.find(layer.layer).blobs.values()
            used.update(one.digest for one in blobs)
    return used


def _load_index(
    store: Store, source: BlobSource, index: Index, platform: Platform, name: str
) -> list[LoadedImage]:
    found: dict[Digest, tuple[StoredImage, Manifest, list[str]]] = {}
    entries = [entry for entry in index.manifests if is_image(entry)]
    for_platform = _one_platform(entries, platform)
    problem: JettisonError | None = None
    for entry in for_platform:
        try:
            image, manifest = _read_image(store, source, entry, platform)
        except InvalidManifestError as error:
            # Other artifacts may lie beside the image.
            problem = error
            continue
        names = found.setdefault(image.id, (image, manifest, []))[2]
        names += [text for text in _names_of(entry) if text not in names]
    if not found:
        raise problem or ImageNotFoundError("the layout holds no image")
    if isinstance(source, TarBlobSource) and DOCKER_MANIFEST in source.documents:
        for docker in decode_docker_manifest(source.documents[DOCKER_MANIFEST]):
            identity = source.member(docker.config).digest
            if identity in found:
                names = found[identity][2]
                names += [text for text in _tags(docker) if text not in names]
    loaded = []
    for image, manifest, names in found.values():
        for descriptor in manifest.layers:
            source.fetch(descriptor)
        loaded.append((image, manifest.layers, names))
    return _keep(store, loaded, name)


def _one_platform(entries: list[Descriptor], platform: Platform) -> list[Descriptor]:
    """Of unnamed manifests for several platforms return the one that serves this machine."""
    unnamed = [e for e in entries if e.platform is not None and not _names_of(e)]
    if len(unnamed) < 2 or len(unnamed) != len(entries):
        return entries
    if len({e.platform for e in unnamed}) == 1:
        return entries
    return [choose_platform(Index(manifests=tuple(unnamed)), platform, name="the archive")]


def _read_image(
    store: Store, source: BlobSource, descriptor: Descriptor, platform: Platform
) -> tuple[StoredImage, Manifest]:
    for _ in range(_MAX_NESTING):
        data = source.document(descriptor)
        document = decode_document(data, descriptor.media_type)
        if isinstance(document, Manifest):
            image = describe_image(store, document, descriptor, source.document(document.config))
            store.blobs.put(data)
            return image, document
        descriptor = choose_platform(document, platform, name="the archive")
    raise InvalidManifestError("an index is nested too deeply")


def _load_docker(store: Store, source: TarBlobSource, name: str) -> list[LoadedImage]:
    loaded: list[tuple[StoredImage, tuple[Descriptor, ...], list[str]]] = []
    for entry in decode_docker_manifest(source.documents[DOCKER_MANIFEST]):
        identity = source.member(entry.config)
        data = store.blobs.read(identity.digest, limit=MAX_DOCUMENT_BYTES)
        config = decode(ImageConfig, data)
        diff_ids = config.rootfs.diff_ids
        if len(diff_ids) != len(entry.layers):
            raise InvalidManifestError(
                f"`manifest.json` names {len(entry.layers)} layers, the config {len(diff_ids)}"
            )
        layers, descriptors = [], []
        for diff_id, member in zip(diff_ids, entry.layers, strict=True):
            layers.append(StoredLayer(store.layers.named(diff_id), diff_id))
            descriptors.append(_docker_layer(store, source.member(member)))
        image = StoredImage(
            id=identity.digest, config=data, layers=tuple(layers), created_ns=time.time_ns()
        )
        loaded.append((image, tuple(descriptors), _tags(entry)))
    if not loaded:
        raise ImageNotFoundError("the archive holds no image: its `manifest.json` is empty")
    return _keep(store, loaded, name)


def _docker_layer(store: Store, member: Descriptor) -> Descriptor:
    with store.blobs.path(member.digest).open("rb") as file:
        compression = detect(file.read(6))
    if compression not in mediatype.OCI_LAYERS:
        raise InvalidManifestError(f"layers compressed with {compression} are not supported")
    return Descriptor(mediatype.OCI_LAYERS[compression], member.digest, member.size)


def _keep(
    store: Store,
    loaded: list[tuple[StoredImage, tuple[Descriptor, ...], list[str]]],
    name: str,
) -> list[LoadedImage]:
    if name and len(loaded) != 1:
        raise InvalidReferenceError(
            f"the archive holds {len(loaded)} images, so `{name}` can name none of them",
            hint="load it without a name and use `jettison tag`",
        )
    extra = [str(parse_reference(name))] if name else []
    results = []
    verify_layers(store, [(image, layers) for image, layers, _ in loaded])
    with store.database.transaction():
        for image, layers, names in loaded:
            for layer, descriptor in zip(image.layers, layers, strict=True):
                store.layers.add_blob(layer.layer, layer.diff_id, descriptor)
            keep_image(store, image, layers, source="")
            every = tuple(dict.fromkeys([*names, *extra]))
            for each in every:
                store.images.tag(each, image.id)
            results.append(LoadedImage(image, every))
    return results


def verify_layers(
    store: Store, loaded: Sequence[tuple[StoredImage, tuple[Descriptor, ...]]]
) -> None:
    """Check that blobs hold what configs say, those that are not known to do so already.

    Raises:
        DigestMismatchError: one holds another tar.
        UnsafeArchiveError: one cannot be decompressed.
    """
    pairs = {
        (layer.diff_id, descriptor.digest): (layer, descriptor)
        for image, layers in loaded
        for layer, descriptor in zip(image.layers, layers, strict=True)
    }

    def check(layer: StoredLayer, descriptor: Descriptor, stop: Stop) -> None:
        stop.check()
        blobs = store.layers.find(layer.layer).blobs
        known = blobs.get(LAYER_COMPRESSION[descriptor.media_type])
        if known is None or known.digest != descriptor.digest:
            verify_blob(store, descriptor, layer.diff_id)

    run_parallel([partial(check, *pair) for pair in pairs.values()], limit=2)


def _names_of(entry: Descriptor) -> list[str]:
    """Return the names that an index's entry gives an image; a bare tag names nothing."""
    full = entry.annotations.get(IMAGE_NAME, "")
    if full:
        return [_name(full)]
    short = entry.annotations.get(REF_NAME, "")
    return [_name(short)] if "/" in short or ":" in short else []


def _tags(entry: DockerImage) -> list[str]:
    return [_name(tag) for tag in entry.repo_tags or ()]


def _name(text: str) -> str:
    reference = parse_reference(text)
    if reference.digest is not None:
        raise InvalidReferenceError(f"an image of the archive is named by a digest: `{text[:200]}`")
    return str(reference)
