"""Manifests, indexes and configs, decoded with the suspicion that they deserve.

In:  bytes and the media type they were announced with.
Out: ``Manifest``, ``Index``; a checked pair of manifest and config.

Source: OCI image-spec 1.1; CVE-2021-41190 (documents that are two things at once).
"""

from __future__ import annotations

import msgspec

from jettison.errors import InvalidManifestError, PlatformNotFoundError
from jettison.oci import mediatype
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.platform import Platform, closest

_DOCKER_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1"
_ATTESTATION = "vnd.docker.reference.type"


_ARTIFACTS = {
    "application/vnd.cncf.helm.": "a Helm chart",
    "application/vnd.cncf.flux.": "a Flux artifact",
    "application/vnd.cncf.openpolicyagent.": "policies",
    "application/vnd.cncf.notary.": "a signature",
    "application/vnd.dev.cosign.": "a signature",
    "application/vnd.dev.sigstore.": "a signature",
    "application/vnd.in-toto": "an attestation",
    "application/vnd.wasm.": "a WebAssembly module",
    "application/vnd.docker.ai.": "a model",
    "application/vnd.cncf.model.": "a model",
    "application/vnd.docker.plugin.": "a plugin of docker",
    "application/vnd.buildkit.cacheconfig.": "a build cache",
    "application/vnd.devcontainers": "a part of a dev container",
    "application/vnd.cyclonedx": "a bill of materials",
    "application/spdx": "a bill of materials",
}
"""What some types of artifacts are, by how they begin."""


class _Shape(msgspec.Struct, rename="camel"):
    media_type: str = ""
    schema_version: int = 2
    manifests: msgspec.Raw = msgspec.Raw()
    layers: msgspec.Raw = msgspec.Raw()
    config: msgspec.Raw = msgspec.Raw()


def decode_document(data: bytes, media_type: str) -> Manifest | Index:
    """Return the manifest or index that bytes are.

    Args:
        data: JSON.
        media_type: What a descriptor or a ``Content-Type`` said; anything else than the types of
            manifests and indexes counts as nothing said.

    Raises:
        InvalidManifestError: it is neither, both, or not what was said.
    """
    try:
        shape = msgspec.json.decode(data, type=_Shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidManifestError(f"invalid manifest: {error}") from error
    known = mediatype.INDEXES | mediatype.MANIFESTS
    said = media_type if media_type in known else ""
    if _DOCKER_SCHEMA_1 in (media_type + shape.media_type) or shape.schema_version == 1:
        raise InvalidManifestError(
            "the image has a docker manifest of schema 1, which is not supported",
            hint="push it again with a current tool",
        )
    if said and shape.media_type and said != shape.media_type:
        raise InvalidManifestError(
            f"a manifest says to be `{shape.media_type[:100]}` but was announced as `{said}`"
        )
    is_index = bool(bytes(shape.manifests))
    if is_index and (bytes(shape.layers) or bytes(shape.config)):
        raise InvalidManifestError("a manifest is an index and an image at the same time")
    said = said or shape.media_type
    if said in known and (said in mediatype.INDEXES) != is_index:
        raise InvalidManifestError(f"a manifest does not have the shape of `{said}`")
    if said and said not in known:
        raise InvalidManifestError(f"`{said[:100]}` is not the media type of an image")
    return decode(Index, data) if is_index else decode(Manifest, data)


def artifact_name(media_type: str) -> str:
    """Return how an artifact of a type is called in messages.

    >>> artifact_name("application/vnd.cncf.helm.config.v1+json")
    'an artifact of type `application/vnd.cncf.helm.config.v1+json` (a Helm chart)'
    """
    known = next((what for how, what in _ARTIFACTS.items() if media_type.startswith(how)), "")
    return f"an artifact of type `{media_type[:100]}`" + (f" ({known})" if known else "")


def decode_config(manifest: Manifest, data: bytes) -> ImageConfig:
    """Return the config of a manifest, checked against it.

    Raises:
        InvalidManifestError: no image, or other layers than the manifest's.
    """
    check_is_image(manifest)
    config = decode(ImageConfig, data)
    if len(config.rootfs.diff_ids) != len(manifest.layers):
        raise InvalidManifestError(
            f"the image's config names {len(config.rootfs.diff_ids)} layers, its manifest"
            f" {len(manifest.layers)}"
        )
    return config


def check_is_image(manifest: Manifest, name: str = "") -> None:
    """Check the media types of a manifest's config and layers.

    Args:
        manifest: It.
        name: Of the image, for messages.

    Raises:
        InvalidManifestError: it is another artifact, or has layers of unknown form.
    """
    if manifest.config.media_type not in mediatype.CONFIGS:
        kind = artifact_name(manifest.artifact_type or manifest.config.media_type)
        raise InvalidManifestError(
            f"{f'`{name}` is ' if name else ''}not a container image but {kind}",
            hint="use the tool that it was made for, or name an image",
        )
    for layer in manifest.layers:
        if layer.media_type not in mediatype.LAYER_COMPRESSION:
            raise InvalidManifestError(
                f"layers of media type `{layer.media_type[:100]}` are not supported"
            )


def choose_platform(index: Index, platform: Platform, *, name: str) -> Descriptor:
    """Return the manifest of an index that serves a platform; the best one if several do.

    Raises:
        PlatformNotFoundError: none does; says what is offered.
        InvalidManifestError: it holds other artifacts only.
    """
    images = [each for each in index.manifests if is_image(each)]
    placed = [(each, each.platform) for each in images if each.platform is not None]
    best = closest(platform, [offered for _, offered in placed])
    if best is None and len(images) == 1 and images[0].platform is None:
        return images[0]
    artifact = next((each.artifact_type for each in index.manifests if each.artifact_type), "")
    if not images and (artifact or index.artifact_type):
        raise InvalidManifestError(
            f"`{name}` holds no container image but"
            f" {artifact_name(index.artifact_type or artifact)}",
            hint="use the tool that it was made for, or name an image",
        )
    if best is None:
        offered = sorted({str(each.platform) for each in images if each.platform is not None})
        raise PlatformNotFoundError(
            f"`{name}` has no image for `{platform}`; it offers {', '.join(offered) or 'nothing'}",
            hint="choose one of these with `--platform`" if offered else None,
        )
    return placed[best][0]


def is_image(descriptor: Descriptor) -> bool:
    """Tell whether an index's entry may be an image: not an attestation, not another artifact."""
    if _ATTESTATION in descriptor.annotations or descriptor.artifact_type:
        return False
    unknown = descriptor.platform is not None and descriptor.platform.os == "unknown"
    return not unknown and descriptor.media_type in mediatype.MANIFESTS | mediatype.INDEXES
