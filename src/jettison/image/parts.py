"""Images of several platforms whose parts are pushed by different machines.

In:  the manifest of a part in a repository, the name of the set, the platforms that belong to it.
Out: an index of all parts under the tags, written by whoever sees that all are there.

Each part leaves a record in the repository: an index of its manifest under a tag that follows from
the set and the platform. Who has put its record looks for the others: so the last one sees all of
them, and perhaps others do, too. They write the same index, since it follows from the records
alone. The records are deleted after that, so none is lost before the index is there: a run that was
killed is repaired by running it again. The index says which set it is of, and stands for records
that are gone.

Source: OCI distribution-spec 1.1, "Push", "Content Management".
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from jettison.errors import InvalidManifestError, RegistryError
from jettison.image.document import decode_document, is_image
from jettison.image.manifest import build_index
from jettison.oci.digest import Digest
from jettison.oci.manifest import Descriptor, Index
from jettison.oci.platform import Platform
from jettison.oci.reference import Reference
from jettison.registry.client import PulledManifest, RegistryClient
from jettison.registry.upload import Uploader

PART_OF = "io.jettison.part-of"
"""Annotation of records and of the index: which set they are of."""

SUBJECT = "vnd.docker.reference.digest"
"""Annotation of an entry that is about another one, such as an attestation."""

_ROUNDS = 10


class PartSet(msgspec.Struct, frozen=True):
    """What belongs together.

    Args:
        id: Follows from the name of the set and its platforms; safe in tags.
        platforms: All that are wanted, sorted.
    """

    id: str
    platforms: tuple[Platform, ...]

    @classmethod
    def of(cls, name: str, platforms: Sequence[Platform]) -> PartSet:
        """Return the set of a name, whatever the order in which its platforms are given."""
        wanted = tuple(sorted(set(platforms), key=str))
        text = "\0".join((name, *map(str, wanted)))
        return cls(hashlib.sha256(text.encode()).hexdigest()[:16], wanted)

    def tag(self, platform: Platform) -> str:
        """Return the tag of a part's record.

        >>> from jettison.oci.platform import parse_platform
        >>> PartSet("0123", ()).tag(parse_platform("linux/arm/v7"))
        'jettison-part-0123-linux-arm-v7'
        """
        return f"jettison-part-{self.id}-{str(platform).replace('/', '-')}"


class Merged(msgspec.Struct, frozen=True):
    """What came of looking for the parts.

    Args:
        index: Digest of the index; None while parts are missing.
        missing: Their platforms.
        left: Tags of records that the registry does not delete.
    """

    index: Digest | None
    missing: tuple[Platform, ...] = ()
    left: tuple[str, ...] = ()


class PartRecords:
    """The records of a set in one repository.

    Args:
        client: Talks to the registry.
        repository: It; tag and digest do not matter.
        wanted: The set.
    """

    def __init__(self, client: RegistryClient, repository: Reference, wanted: PartSet) -> None:
        self._client = client
        self._repository = msgspec.structs.replace(repository, tag="", digest=None)
        self._uploader = Uploader(client, repository)
        self._set = wanted

    def keep(self, pushed: Digest, platforms: Sequence[tuple[Platform, Platform]]) -> None:
        """Record parts.

        Args:
            pushed: Digest of the manifest, or of an index of several, in the repository.
            platforms: Of each image, which part it is and what it says to be for, such as
                ``amd64`` and ``amd64/v2`` of a base that is no other.

        Raises:
            RegistryError: the registry refuses.
            InvalidManifestError: there is no such manifest.
        """
        found = self._get(digest=pushed)
        if found is None:
            raise InvalidManifestError(f"`{self._repository}@{pushed}` is gone")
        document = decode_document(found.data, found.descriptor.media_type)
        if isinstance(document, Index):
            entries = document.manifests
        else:
            entries = (msgspec.structs.replace(found.descriptor, platform=platforms[0][1]),)
        for (platform, _), part in zip(platforms, _parts(entries), strict=True):
            root, data = build_index(part, annotations={PART_OF: self._set.id})
            self._uploader.manifest(self._set.tag(platform), root.media_type, data)

    def merge(self, tags: Sequence[str]) -> Merged:
        """Write the index of all parts under tags, if all are there, and delete the records.

        Raises:
            RegistryError: the registry refuses; tags may have been moved, if all parts are there.
        """
        for _ in range(_ROUNDS):
            records = self._records()
            parts = {each: entries for each, (_, entries) in records.items()}
            if len(parts) < len(self._set.platforms):
                parts = self._of_index(tags[0]) | parts
            missing = tuple(each for each in self._set.platforms if each not in parts)
            if missing:
                return Merged(None, missing)
            entries = [entry for each in self._set.platforms for entry in parts[each]]
            root, data = build_index(entries, annotations={PART_OF: self._set.id})
            for tag in tags:
                self._uploader.manifest(tag, root.media_type, data)
            if all(records.get(each) == now for each, now in self._records().items()):
                return Merged(root.digest, left=self._delete(records))
        raise RegistryError(
            f"the parts of `{self._repository.familiar}` are pushed again and again",
            hint="give each run of a pipeline a `--part-of` of its own",
        )

    def _records(self) -> dict[Platform, tuple[Digest, tuple[Descriptor, ...]]]:
        """Return the digests of records, and the entries that they hold, by platform."""
        found = {}
        for platform in self._set.platforms:
            document = self._get(tag=self._set.tag(platform))
            index = self._index(document)
            if document is not None and index is not None:
                found[platform] = (document.descriptor.digest, index.manifests)
        return found

    def _of_index(self, tag: str) -> dict[Platform, tuple[Descriptor, ...]]:
        """Return the parts of the index that is there, if it is of this set."""
        index = self._index(self._get(tag=tag))
        parts = _parts(index.manifests) if index is not None else []
        whole = len(parts) == len(self._set.platforms)
        return dict(zip(self._set.platforms, parts, strict=True)) if whole else {}

    def _delete(
        self, records: dict[Platform, tuple[Digest, tuple[Descriptor, ...]]]
    ) -> tuple[str, ...]:
        """Delete records; return the tags of those that stay."""
        return tuple(
            self._set.tag(platform)
            for platform, (digest, _) in records.items()
            if not self._uploader.delete(digest)
        )

    def _index(self, found: PulledManifest | None) -> Index | None:
        """Return an index of this set, None if something is another."""
        if found is None:
            return None
        document = decode_document(found.data, found.descriptor.media_type)
        if not isinstance(document, Index) or document.annotations.get(PART_OF) != self._set.id:
            return None
        return document

    def _get(self, tag: str = "", digest: Digest | None = None) -> PulledManifest | None:
        place = msgspec.structs.replace(self._repository, tag=tag, digest=digest)
        return self._client.manifest(place, own=True)


def _parts(entries: Sequence[Descriptor]) -> list[tuple[Descriptor, ...]]:
    """Return each image of an index with the entries that are about it."""
    return [
        (entry, *(each for each in entries if each.annotations.get(SUBJECT) == entry.digest))
        for entry in entries
        if is_image(entry)
    ]
