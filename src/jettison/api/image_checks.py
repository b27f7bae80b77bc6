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
    from jettison.api.check_cutoff import Cutoff, NotedSecrets
    from jettison.api.layer_facts import KeptLayerFacts
    from jettison.api.roots import Roots
    from jettison.check.secrets import SecretFacts
    from jettison.check.subject import Subject
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
    found = _found(_Check(session, image, open_roots(), ignored, known))
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


class _Check(msgspec.Struct, frozen=True):
    """What is checked, and how; as the arguments of ``image_findings``."""

    session: Session
    image: StoredImage
    roots: Roots
    ignored: Collection[str]
    known: KnownSecrets | None


def _found(check: _Check) -> tuple[Finding, ...] | None:
    """Return what rules find, None if layers are not here: by what is known of an image like it."""
    from jettison.api.check_cutoff import Cutoff, NotedSecrets  # once an image
    from jettison.api.secret_facts import ImageSecrets

    session, roots, known = check.session, check.roots, check.known
    secrets = ImageSecrets(session, check.image, roots.provenance, known)
    record = roots.provenance.record
    if known or not roots.read or not (record.source or record.dockerfile):
        # What documents hold of a secret is looked for anew; who may miss layers keeps nothing.
        found = _check(check, NotedSecrets(secrets), None)
        return None if found is None else secrets.masked(found)
    cutoff = Cutoff(session, check.image, roots, check.ignored)
    kept = cutoff.find(secrets)
    if kept is None:
        return _check(check, NotedSecrets(secrets), cutoff)
    if not kept.of_sizes:
        return kept.findings
    from jettison.api.layer_facts import KeptLayerFacts
    from jettison.check.registry import ENTRIES
    from jettison.check.runner import check_rules, in_order

    again = [entry for entry in ENTRIES if entry.id in kept.of_sizes]
    layer_facts = KeptLayerFacts(session.cache.answers)
    subject = _subject(check, secrets, layer_facts)
    silent = _suppressions(record, check.ignored)
    checked = check_rules(subject, silent, again)
    layer_facts.save()
    return in_order((*kept.findings, *checked.findings))


def _check(
    check: _Check, secrets: NotedSecrets, cutoff: Cutoff | None
) -> tuple[Finding, ...] | None:
    """Return what all rules find, None if layers are not here; keep it if that may be."""
    from jettison.api.layer_facts import KeptLayerFacts
    from jettison.check.registry import entries_for
    from jettison.check.relevance import SIZELESS
    from jettison.check.runner import FAULT, check_rules

    if check.roots.image() is None:
        return None
    layer_facts = KeptLayerFacts(check.session.cache.answers)
    subject = _subject(check, secrets, layer_facts)
    before = subject.sizes_seen
    entries = tuple(entries_for(subject))
    is_known = subject.sizes_seen == before
    checked = check_rules(subject, _suppressions(subject.record, check.ignored), entries)
    layer_facts.save()
    abouts = {entry.id: entry.about for entry in entries}
    if (
        cutoff is not None
        and is_known
        and subject.provenance.watch.is_whole
        and not any(abouts[each] in SIZELESS for each in checked.of_sizes)
        and not any(each.detail.startswith(FAULT) for each in checked.findings)
    ):
        cutoff.keep(checked.findings, checked.of_sizes, secrets.asked)
    return checked.findings


def _subject(check: _Check, secrets: SecretFacts, layer_facts: KeptLayerFacts) -> Subject:
    from jettison.check.subject import Subject
    from jettison.oci.codec import decode
    from jettison.oci.config import ImageConfig
    from jettison.oci.platform import normalise

    config = decode(ImageConfig, check.image.config)
    platform = normalise(config.os, config.architecture, config.variant)
    return Subject(
        check.roots.provenance,
        config.config,
        platform,
        None,
        check.roots.stage,
        secrets,
        tuple(each.created_by for each in config.history),
        layer_facts,
    )


def _suppressions(record: BuildRecord, ignored: Collection[str]) -> Suppressions:
    """Return what the Dockerfile of a build and settings silence."""
    from jettison.check.runner import codes
    from jettison.errors import JettisonError
    from jettison.findings.options import CheckOptions
    from jettison.findings.suppress import Suppressions, options_of
    from jettison.frontend.dockerfile.parser import parse

    dockerfile, options = None, CheckOptions()
    if record.source:
        try:
            dockerfile = parse(record.source.encode(), filename=record.dockerfile)
            options = options_of(dockerfile)
        except JettisonError:
            dockerfile = None  # another frontend's language
    return Suppressions(dockerfile, codes(), options, ignored)
