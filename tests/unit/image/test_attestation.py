"""Statements about images, and the manifest that an index keeps them in."""

from __future__ import annotations

import json

from jettison.image.attestation import (
    Attestation,
    attestation_manifest,
    image_subjects,
    no_attestations,
    package_url,
)
from jettison.oci.codec import decode
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor, Manifest
from jettison.oci.mediatype import OCI_MANIFEST
from jettison.oci.platform import Platform
from jettison.oci.reference import parse_reference
from jettison.store.image import StoredImage
from unit.attest.attestation_schema import STATEMENT, check

ARM = Platform("arm", "linux", variant="v7")
IMAGE = Descriptor(OCI_MANIFEST, sha256_digest(b"image"), 5, platform=ARM)
SAID = Attestation("https://slsa.dev/provenance/v1", b'{"a":1}', "provenance.json")


def test_the_manifest_is_as_buildx_lays_it_out() -> None:
    names = [parse_reference("registry.example.com/team/app:1"), parse_reference("app:2")]
    made = attestation_manifest(IMAGE, [SAID], names)
    assert made.descriptor.annotations == {
        "vnd.docker.reference.digest": IMAGE.digest,
        "vnd.docker.reference.type": "attestation-manifest",
    }
    assert str(made.descriptor.platform) == "unknown/unknown"
    assert made.descriptor.digest == sha256_digest(made.data)
    manifest = decode(Manifest, made.data)
    blobs = {descriptor.digest: data for descriptor, data in made.blobs}
    assert all(sha256_digest(data) == digest for digest, data in blobs.items())
    config = json.loads(blobs[manifest.config.digest])
    (layer,) = manifest.layers
    assert (config["architecture"], config["os"]) == ("unknown", "unknown")
    assert config["rootfs"]["diff_ids"] == [layer.digest]
    assert layer.media_type == "application/vnd.in-toto+json"
    assert layer.annotations == {"in-toto.io/predicate-type": SAID.predicate_type}
    statement = json.loads(blobs[layer.digest])
    check(STATEMENT, statement)
    assert statement["predicate"] == {"a": 1}
    value = IMAGE.digest.partition(":")[2]
    assert statement["subject"] == [
        {"name": name, "digest": {"sha256": value}}
        for name in (
            "pkg:docker/registry.example.com/team/app@1?platform=linux%2Farm%2Fv7",
            "pkg:docker/app@2?platform=linux%2Farm%2Fv7",
        )
    ]


def test_an_image_without_a_name_is_a_subject_all_the_same() -> None:
    (subject,) = image_subjects(IMAGE.digest, [], None)
    assert subject.name == "_"


def test_names_by_digest_and_ports() -> None:
    assert (
        package_url(parse_reference("localhost:5000/a:1"), None) == "pkg:docker/localhost:5000/a@1"
    )
    name = parse_reference(f"app@{IMAGE.digest}")
    assert package_url(name, None) == f"pkg:docker/app?digest={IMAGE.digest}"


def test_nothing_is_said_unless_it_is_asked_for() -> None:
    assert no_attestations(StoredImage(IMAGE.digest, b"", ())) == ()
