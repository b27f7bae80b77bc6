"""What a build was made from: base images, repositories, downloads, by digest.

In:  a plan, digests that were found while it was solved.
Out: ``Material``: resource descriptors of SLSA.

A context that is a directory of the host has no digest that others could ask for: it is none.

Source: SLSA provenance v1, ResourceDescriptor; package URLs of type docker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from jettison.image.attestation import package_url
from jettison.image.layout import SCHEME
from jettison.oci.digest import Digest
from jettison.oci.platform import Platform
from jettison.oci.redact import redacted
from jettison.oci.reference import parse_reference
from jettison.plan.graph import Plan
from jettison.plan.op import GitOp, HttpOp, ImageOp, LocalOp, Op


class Material(msgspec.Struct, frozen=True, omit_defaults=True):
    """A thing that a build was made from.

    Args:
        uri: Where it came from, without credentials.
        digest: Hexadecimal digits by algorithm; a commit's is ``sha1``, or ``gitCommit``.
        annotations: What digest it is, where that is not plain.
    """

    uri: str
    digest: dict[str, str]
    annotations: dict[str, str] = {}


ImageDigest = Callable[[str, Platform], tuple[Digest, bool]]
"""Returns the digest of an image by reference and platform; false if it is that of its config."""


def materials(
    plan: Plan, found: Mapping[Op, str], image_digest: ImageDigest
) -> tuple[Material, ...]:
    """Return what a plan was made from, each once, in the order of the plan.

    Args:
        plan: It.
        found: Digests ``algorithm:value`` of downloads and checkouts, by op.
        image_digest: Finds those of images.
    """
    unique: dict[tuple[str, tuple[tuple[str, str], ...]], Material] = {}
    for vertex in plan.vertices:
        made = _material(vertex.op, found, image_digest)
        if made is not None:
            unique.setdefault((made.uri, tuple(made.digest.items())), made)
    return tuple(unique.values())


def source_material(uri: str, digest: str) -> Material:
    """Return a repository or a download by ``algorithm:value``."""
    algorithm, _, value = digest.partition(":")
    return Material(redacted(uri), {algorithm: value} if value else {})


def reads_this_host(plan: Plan) -> bool:
    """Tell whether a plan reads directories of this host, which are no materials."""
    return any(isinstance(vertex.op, LocalOp) for vertex in plan.vertices)


def _material(op: Op, found: Mapping[Op, str], image_digest: ImageDigest) -> Material | None:
    match op:
        case ImageOp(reference=reference, platform=platform):
            return _image(reference, platform, image_digest)
        case HttpOp(url=url):
            return source_material(url, found.get(op, op.checksum))
        case GitOp(remote=remote, ref=ref):
            return source_material(f"{remote}#{ref}" if ref else remote, found.get(op, ""))
        case _:
            return None


def _image(reference: str, platform: Platform, image_digest: ImageDigest) -> Material:
    digest, is_manifest = image_digest(reference, platform)
    algorithm, _, value = digest.partition(":")
    if reference.startswith(SCHEME):
        uri = f"pkg:oci/{reference.rpartition('/')[2].partition(':')[0].partition('@')[0]}"
    else:
        uri = package_url(parse_reference(reference.removeprefix("docker-image://")), platform)
    # An image that was built or loaded here has no manifest as yet: its config names it.
    notes = {} if is_manifest else {"digestOf": "config"}
    return Material(uri, {algorithm: value}, notes)
