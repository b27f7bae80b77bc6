"""Checks of a built image: what rules find in its files, kept by image.

In:  a session, an image.
Out: findings.

They depend on the image, on the record of its build (which has the Dockerfile's text, and so its
comments), on what settings switch off and on the secrets of the build: where these are as they
were, nothing is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import msgspec

from jettison import __version__
from jettison.api.session import Session
from jettison.findings.finding import Finding
from jettison.findings.source import SourceText
from jettison.image.names import find_image
from jettison.oci.digest import sha256_digest
from jettison.store.image import StoredImage

if TYPE_CHECKING:
    from jettison.analysis.secrets.known import KnownSecrets
    from jettison.api.roots import Roots
    from jettison.findings.suppress import Suppressions
    from jettison.provenance.record import BuildRecord

_VERSION = f"image-checks-{__version__}-2\0".encode()
_decoder = msgspec.msgpack.Decoder(tuple[Finding, ...])


def image_findings(
    session: Session,
    image: StoredImage,
    *,
    open_roots: Callable[[], Roots],
    ignored: Collection[str] = (),
    known: KnownSecrets | None = None,
) -> tuple[Finding, ...] | None:
    """Return what rules find in an image; errors come first.

    Args:
        session: The store.
        image: It.
        open_roots: Returns its root file systems and those of its stages, if nothing is kept.
        ignored: Rules that are switched off.
        known: What must not be in it.

    Returns:
        None if nothing is kept, and layers are not here and are not to be.

    Raises:
        NamespaceRequired: files must be read, and the process may not do that as it is.
        ContentError, SourceError, StorageError: a layer cannot be had.
    """
    words = f"{image.id} {session.builds.digest(image.id)} {','.join(sorted(ignored))}"
    if known:
        words += f" {known.digest(session.store.key(), image.id)}"
    question = sha256_digest(_VERSION + words.encode())
    kept = session.cache.answers.find(question)
    if kept is not None:
        try:
            return _decoder.decode(kept)
        except msgspec.DecodeError:
            pass  # damaged, or a newer version's
    found = _check(session, image, open_roots(), ignored, known)
    if found is not None:
        session.cache.answers.keep(question, msgspec.msgpack.encode(found))
    return found


class CheckedImage(msgspec.Struct, frozen=True):
    """What checks of an image found.

    Args:
        findings: Errors first.
        source: The Dockerfile that it was built from; empty for an image from elsewhere.
    """

    findings: tuple[Finding, ...]
    source: SourceText


def check_named(session: Session, name: str, ignored: Collection[str] = ()) -> CheckedImage:
    """Check an image by the name or ID that a user writes.

    Args:
        session: The store.
        name: It.
        ignored: Rules that are switched off.

    Raises:
        ImageNotFoundError, InvalidReferenceError: there is no such image.
        NamespaceRequired: files must be read, and the process may not do that as it is.
        ContentError, SourceError, StorageError: a layer cannot be had.
    """
    from jettison.api.roots import Roots

    image = find_image(session.store, name)
    roots = Roots(session, image, read=True)
    found = image_findings(session, image, open_roots=lambda: roots, ignored=ignored) or ()
    record = roots.provenance.record
    return CheckedImage(found, SourceText(record.dockerfile or "Dockerfile", record.source))


def _check(
    session: Session,
    image: StoredImage,
    roots: Roots,
    ignored: Collection[str],
    known: KnownSecrets | None,
) -> tuple[Finding, ...] | None:
    from jettison.api.layer_facts import KeptLayerFacts
    from jettison.api.secret_facts import ImageSecrets  # once an image
    from jettison.check.runner import check_image
    from jettison.check.subject import Subject
    from jettison.oci.codec import decode
    from jettison.oci.config import ImageConfig
    from jettison.oci.platform import normalise

    root = roots.image()
    if root is None:
        return None
    config = decode(ImageConfig, image.config)
    platform = normalise(config.os, config.architecture, config.variant)
    secrets = ImageSecrets(session, image, roots.provenance, known)
    layer_facts = KeptLayerFacts(session.cache.answers)
    subject = Subject(
        roots.provenance,
        config.config,
        platform,
        root,
        roots.stage,
        secrets,
        tuple(each.created_by for each in config.history),
        layer_facts,
    )
    found = check_image(subject, _suppressions(roots.provenance.record, ignored))
    layer_facts.save()
    return secrets.masked(found)


def _suppressions(record: BuildRecord, ignored: Collection[str]) -> Suppressions:
    """Return what the Dockerfile of a build and settings silence."""
    from jettison.check.runner import codes
    from jettison.errors import JettisonError
    from jettison.findings.options import CheckOptions
    from jettison.findings.suppress import Suppressions
    from jettison.frontend.dockerfile.parser import parse
    from jettison.lint.runner import options_of

    dockerfile, options = None, CheckOptions()
    if record.source:
        try:
            dockerfile = parse(record.source.encode(), filename=record.dockerfile)
            options = options_of(dockerfile)
        except JettisonError:
            dockerfile = None  # another frontend's language
    return Suppressions(dockerfile, codes(), options, ignored)
