"""What is said of the images of a build: made once they are there, put where outputs want it.

In:  a request, the solved build, what was pushed.
Out: ``Attestation`` values for exporters; referrers beside pushed images.

A build that wants none of it comes here and goes on: nothing more is loaded.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from jettison.api.project import Built
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.attest.request import KeylessRequest, SbomRequest
from jettison.events import Sink, Warned
from jettison.exporter.base import ExportResult
from jettison.image.attestation import Attestation
from jettison.image.manifest import image_platform
from jettison.oci.digest import Digest, short
from jettison.oci.platform import Platform
from jettison.oci.reference import parse_reference
from jettison.plan.op import Op
from jettison.store.image import StoredImage

if TYPE_CHECKING:
    from jettison.api.signing import ImageSigner


class Attesting:
    """All that is said of the images of one build.

    Args:
        session: The store.
        request: What was asked.
        sink: Gets events.

    Raises:
        UsageError, SourceError: there is no such key.
    """

    def __init__(self, session: Session, request: BuildRequest, sink: Sink) -> None:
        self._session = session
        self._request = request
        self._sink = sink
        self._began = time.time()
        self._signed = False
        self._signer = _signer(request.sign, session)
        self._built: dict[Platform, Built] = {}
        self._made: dict[Digest, tuple[Attestation, ...]] = {}
        self.provenances: dict[str, dict[str, Any]] = {}
        """Predicates by platform, in the order in which they were made."""

    def solved(self, built: Built, found: Mapping[Op, str], image: StoredImage) -> None:
        """Take what was solved for a platform; the one that results tell of comes last.

        Args:
            built: It.
            found: Digests of downloads and checkouts.
            image: What was made of it.
        """
        if not self._request.attest:
            return
        platform = image_platform(image.config)
        self._built[platform] = built
        if self._request.attest.provenance is not None:
            from jettison.api.attest_build import build_provenance

            self.provenances[str(platform)] = build_provenance(
                self._session, built, found, image, began=self._began
            )

    def of(self, image: StoredImage) -> tuple[Attestation, ...]:
        """Return what is said of an image.

        Raises:
            ContentError, SourceError, StorageError: its files cannot be read.
        """
        if not self._built:
            return ()
        if image.id not in self._made:
            self._made[image.id] = self._make(image, image_platform(image.config))
        return self._made[image.id]

    def exported(self, result: ExportResult) -> None:
        """Put beside pushed images what is said of them and is not in their index; sign all.

        Raises:
            RegistryError: a registry refuses.
        """
        if result.pushed and (any(result.said) or self._signer is not None):
            from jettison.api.attest_push import put_beside

            insecure = any(getattr(each, "insecure", False) for each in self._request.outputs)
            put_beside(self._session.registry(), result, self._signer, insecure=insecure)
            self._signed = True

    def finish(self) -> None:
        """Say so if nobody wanted what was asked for."""
        if self._signer is not None and not self._signed:
            self._warn("nothing is signed: signatures are kept beside images that are pushed")
        if self._request.attest and not self._made:
            self._warn(
                "attestations go with images that are pushed or written: this build does neither"
                " (add `--push`, or `--output type=oci,dest=FILE`)"
            )

    def _make(self, image: StoredImage, platform: Platform) -> tuple[Attestation, ...]:
        made: list[Attestation] = []
        wanted = self._request.attest
        if wanted.provenance is not None:
            from jettison.attest.slsa import PREDICATE_TYPE

            made.append(
                Attestation(
                    PREDICATE_TYPE,
                    msgspec.json.encode(self.provenances[str(platform)]),
                    wanted.provenance.filename,
                    wanted.provenance.inline,
                    wanted.provenance.inline_only,
                )
            )
        if wanted.sbom is not None:
            made += self._boms(image, self._built[platform], wanted.sbom)
        return tuple(made)

    def _boms(self, image: StoredImage, built: Built, wanted: SbomRequest) -> list[Attestation]:
        from jettison.api.sbom import boms_of_build
        from jettison.api.scanned_stages import asks_for_context, scanned_stages
        from jettison.sbom.spdx import PREDICATE_TYPE, spdx_document

        if asks_for_context(built.compiled):
            self._warn("BUILDKIT_SBOM_SCAN_CONTEXT changes nothing: contexts are not listed")
        wanted = scanned_stages(built.compiled, wanted)
        tags = self._request.tags
        name = parse_reference(tags[0]).familiar if tags else short(image.id)
        boms = boms_of_build(
            self._session, image, name, stages=wanted.stages, all_stages=wanted.all_stages
        )
        made = []
        for bom in boms:
            subject = bom.subjects[0]
            part = f"-{subject.stage or subject.version}" if subject.kind == "stage" else ""
            made.append(
                Attestation(
                    PREDICATE_TYPE,
                    b"".join(spdx_document(bom)).rstrip(b"\n"),
                    f"sbom{part}.spdx.json",
                    wanted.inline,
                )
            )
        return made

    def _warn(self, text: str) -> None:
        self._sink(Warned(time.time_ns(), text))


def _signer(asked: str | KeylessRequest, session: Session) -> ImageSigner | None:
    """Return who signs, as ``--sign`` says, before anything is built."""
    if not asked:
        return None
    if isinstance(asked, KeylessRequest):
        from jettison.api.signing_keyless import keyless_signer

        return keyless_signer(session, asked)
    from jettison.api.signing import KeySigner, open_key

    return KeySigner(open_key(asked, session.environ))
