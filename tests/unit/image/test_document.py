"""Manifests, indexes and configs that are not what they say."""

from __future__ import annotations

import json

import pytest

from jettison.errors import ContentError, InvalidManifestError, PlatformNotFoundError
from jettison.image.document import (
    check_is_image,
    choose_platform,
    decode_config,
    decode_document,
)
from jettison.oci import mediatype
from jettison.oci.manifest import Descriptor, Index, Manifest
from jettison.oci.platform import Platform, parse_platform

DIGEST = "sha256:" + "a" * 64
CONFIG = {"mediaType": mediatype.OCI_CONFIG, "digest": DIGEST, "size": 2}
LAYER = {"mediaType": mediatype.OCI_LAYER_GZIP, "digest": DIGEST, "size": 3}


def manifest(**changes: object) -> dict[str, object]:
    made = {
        "schemaVersion": 2,
        "mediaType": mediatype.OCI_MANIFEST,
        "config": CONFIG,
        "layers": [LAYER],
    }
    return {**made, **changes}


def decode(document: object, media_type: str = ""):
    return decode_document(json.dumps(document).encode(), media_type)


def test_a_manifest_and_an_index_are_told_apart_by_their_members():
    assert isinstance(decode(manifest()), Manifest)
    assert isinstance(decode({"schemaVersion": 2, "manifests": []}), Index)
    assert isinstance(decode(manifest(mediaType="")), Manifest)


@pytest.mark.parametrize(
    ("document", "media_type", "message"),
    [
        (manifest(manifests=[]), "", "an index and an image at the same time"),
        (manifest(), mediatype.OCI_INDEX, "says to be"),
        (manifest(mediaType=""), mediatype.OCI_INDEX, "does not have the shape"),
        ({"manifests": []}, mediatype.OCI_MANIFEST, "does not have the shape"),
        (manifest(), mediatype.DOCKER_MANIFEST, "says to be"),
        (manifest(mediaType="text/plain"), "", "not the media type of an image"),
        (
            {"schemaVersion": 1, "fsLayers": []},
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            "schema 1",
        ),
        (manifest(config={**CONFIG, "digest": "sha256:x"}), "", "not a sha256"),
        (manifest(config={**CONFIG, "size": -1}), "", "negative size"),
        (manifest(layers="many"), "", "invalid manifest"),
        (7, "", "invalid manifest"),
    ],
)
def test_contradictions_are_refused(document, media_type, message):
    with pytest.raises(InvalidManifestError, match=message):
        decode(document, media_type)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"config":' * 50_000])
def test_bytes_of_any_form_are_survived(data):
    with pytest.raises(ContentError):
        decode_document(data, "")


def test_layers_and_diff_ids_must_be_as_many():
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}
    with pytest.raises(InvalidManifestError, match="names 0 layers, its manifest 1"):
        decode_config(decode(manifest()), json.dumps(config).encode())


def test_nulls_of_programs_in_go_are_empty():
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": None, "Cmd": ["x"], "Labels": None, "Volumes": None, "Healthcheck": None},
        "history": None,
        "rootfs": {"type": "layers"},
    }
    bare = decode(manifest(layers=[], annotations=None, config={**CONFIG, "urls": None}))
    assert bare.layers == ()
    found = decode_config(bare, json.dumps(config).encode())
    assert found.config.env == ()
    assert found.config.cmd == ("x",)
    assert found.config.entrypoint is None
    assert found.rootfs.diff_ids == ()


def test_other_artifacts_are_no_images():
    helm = manifest(config={**CONFIG, "mediaType": "application/vnd.cncf.helm.config.v1+json"})
    with pytest.raises(InvalidManifestError, match="not a container image but an artifact"):
        decode_config(decode(helm), b"{}")
    odd = manifest(layers=[{**LAYER, "mediaType": "application/x-tar"}])
    with pytest.raises(InvalidManifestError, match="media type `application/x-tar`"):
        decode_config(decode(odd), b"{}")


def entry(platform: str | None, digit: str = "1", **changes: object) -> Descriptor:
    where = parse_platform(platform) if platform else None
    return Descriptor(mediatype.OCI_MANIFEST, f"sha256:{digit * 64}", 1, platform=where, **changes)


def test_the_exact_variant_is_preferred():
    index = Index(manifests=(entry("linux/arm/v6", "1"), entry("linux/arm/v7", "2")))
    assert choose_platform(index, Platform("arm", "linux", "v7"), name="x").digest[-1] == "2"


def test_what_is_offered_is_told():
    attestation = entry(
        None, "3", annotations={"vnd.docker.reference.type": "attestation-manifest"}
    )
    index = Index(manifests=(entry("linux/arm64"), entry("linux/386"), attestation))
    with pytest.raises(PlatformNotFoundError, match="it offers linux/386, linux/arm64") as raised:
        choose_platform(index, Platform("amd64", "linux"), name="x")
    assert "--platform" in raised.value.hint


def test_the_only_image_without_a_platform_is_taken():
    index = Index(manifests=(entry(None),))
    assert choose_platform(index, Platform("amd64", "linux"), name="x") == index.manifests[0]


def test_unknown_platforms_are_passed_over_and_not_offered():
    unknown = entry("unknown/unknown", "2")
    index = Index(manifests=(unknown, entry("linux/amd64", "1"), unknown))
    assert choose_platform(index, Platform("amd64", "linux"), name="x").digest[-1] == "1"
    with pytest.raises(PlatformNotFoundError, match=r"it offers linux/amd64$"):
        choose_platform(index, Platform("s390x", "linux"), name="x")
    alone = Index(manifests=(unknown, entry(None, "3")))
    assert choose_platform(alone, Platform("s390x", "linux"), name="x").digest[-1] == "3"


def test_schema_1_without_a_media_type_is_told_as_such():
    old = {"schemaVersion": 1, "name": "a/b", "tag": "1", "fsLayers": [{"blobSum": DIGEST}]}
    with pytest.raises(InvalidManifestError, match="schema 1, which is not supported") as raised:
        decode(old, "application/json")
    assert raised.value.hint == "push it again with a current tool"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        (
            {"config": {**CONFIG, "mediaType": "application/vnd.cncf.helm.config.v1+json"}},
            "`application/vnd.cncf.helm.config.v1+json` (a Helm chart)",
        ),
        (
            {
                "config": {**CONFIG, "mediaType": "application/vnd.oci.empty.v1+json"},
                "artifactType": "application/vnd.example+type",
            },
            "`application/vnd.example+type`",
        ),
    ],
    ids=["config", "artifact type"],
)
def test_artifacts_are_named_by_their_type(changes, kind):
    document = decode(manifest(**changes))
    assert isinstance(document, Manifest)
    with pytest.raises(InvalidManifestError) as raised:
        check_is_image(document, "r/chart")
    assert raised.value.message == (
        f"`r/chart` is not a container image but an artifact of type {kind}"
    )


def test_an_index_of_artifacts_is_named_by_their_type():
    index = Index(manifests=(entry(None, artifact_type="application/vnd.in-toto+json"),))
    with pytest.raises(InvalidManifestError, match=r"`x` holds no container image but .*attestat"):
        choose_platform(index, Platform("amd64", "linux"), name="x")
