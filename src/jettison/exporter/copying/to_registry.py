"""A registry that images are copied to.

In:  ``Contents``, where its blobs are.
Out: blobs (found, mounted, or sent as they are read elsewhere), manifests, the tag.

What a manifest that the repository has names is there as well: registries see to that. The tag
moves last, so it never points at something incomplete.
"""

from __future__ import annotations

from functools import partial
from typing import BinaryIO, cast

from jettison.errors import UsageError
from jettison.events import Progress
from jettison.exporter.copying.base import Contents, CopiedManifest, CopySource
from jettison.image.parallel import Stop, run_parallel
from jettison.image.referrers import note_by_tag
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import Reference
from jettison.registry.client import RegistryClient
from jettison.registry.upload import Uploader

_PARALLEL = 6


class RegistryDestination:
    """A repository, and the tag that the copy gets there.

    Args:
        client: Talks to it.
        reference: With a tag, or with the digest that the copy must have, or both.
    """

    def __init__(self, client: RegistryClient, reference: Reference) -> None:
        self._client = client
        self._reference = reference
        self._uploader = Uploader(client, reference)

    def write(self, contents: Contents, source: CopySource, report: Progress) -> None:
        """Write what is to be copied; see ``CopyDestination``.

        Raises:
            UsageError: the name has another digest than the copy.
            RegistryError: a registry refuses.
        """
        wanted, root = self._reference.digest, contents.root
        if wanted is not None and wanted != root.descriptor.digest:
            raise UsageError(
                f"the copy is `{root.descriptor.digest}`, and not what"
                f" `{self._reference.familiar}` says",
                hint="name a tag, or copy that digest",
            )
        there = self._there(contents)
        needed = {
            blob.digest: blob
            for each in contents.every
            for blob in each.blobs
            if each.descriptor.digest not in there
        }
        ordered = [each for each in contents.blobs if each.digest in needed]
        for blob in ordered:
            report(blob.digest, 0, blob.size)
        run_parallel(
            [partial(self._blob, source, blob, report) for blob in ordered], limit=_PARALLEL
        )
        for each in contents.every:
            if each.descriptor.digest not in there or each.subject is not None:
                self._manifest(each)
        bytes_of = {each.descriptor.digest: each for each in contents.every}
        for tag, digest in contents.tags:
            self._tag(tag, bytes_of[digest])
        if self._reference.tag:
            self._tag(self._reference.tag, root)

    def _there(self, contents: Contents) -> set[Digest]:
        """Return the manifests that the repository has."""

        def ask(digest: Digest, stop: Stop) -> bool:
            stop.check()
            return self._uploader.has_manifest(digest)

        digests = [each.descriptor.digest for each in contents.every]
        found = run_parallel([partial(ask, each) for each in digests], limit=_PARALLEL)
        return {digest for digest, has in zip(digests, found, strict=True) if has}

    def _blob(
        self, source: CopySource, descriptor: Descriptor, report: Progress, stop: Stop
    ) -> None:
        def watched(item: str, current: int, total: int) -> None:
            stop.check()
            report(item, current, total)

        stop.check()
        self._uploader.blob(
            descriptor,
            lambda: cast("BinaryIO", source.open(descriptor)),
            mount_from=source.near(descriptor),
            report=watched,
        )
        report(descriptor.digest, descriptor.size, descriptor.size)

    def _manifest(self, made: CopiedManifest) -> None:
        """Put a manifest; note it under its subject's tag where the registry lists no referrers."""
        at = made.descriptor
        listed = self._uploader.manifest(at.digest, at.media_type, made.data)
        if made.subject is not None and not listed:
            note_by_tag(self._client, self._uploader, self._reference, made.subject, at, made.data)

    def _tag(self, tag: str, made: CopiedManifest) -> None:
        self._uploader.manifest(tag, made.descriptor.media_type, made.data)
