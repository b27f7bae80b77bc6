"""Early cutoff of checks: an image that differs in nothing that rules looked at has their findings.

In:  a session, an image, what rules looked at in one that was built alike.
Out: ``Cutoff``: findings without loading the rules that gave them.

Two images are alike if their records, their configs and the paths, modes, owners, links and
attributes of all layers of all stages are. Then they differ in sizes and bytes of files. Which of
these rules looked at is noted by ``fs.watched``: if none of them changed, nor what programs and
what looks like a secret, rules find the same. Rules that went by the sizes of all files run again.
"""

from __future__ import annotations

import stat
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from jettison import __version__
from jettison.analysis.files import may_be_program
from jettison.api.roots import Roots, programs_of_layer
from jettison.api.session import Session
from jettison.check.layer_facts import digest_of
from jettison.check.record import without_times
from jettison.check.size_facts import SIZE_FACTS
from jettison.findings.finding import Finding
from jettison.fs.listing import Listing
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.digest import Digest, sha256_digest
from jettison.provenance.origin import encode_origins
from jettison.provenance.reads import encode_reads
from jettison.provenance.record import StepKind, StepRecord
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId

if TYPE_CHECKING:
    from jettison.analysis.secrets.content import SecretFile
    from jettison.check.secrets import Leak, SecretFacts

_VERSION = f"check-cutoff-{__version__}-1\0".encode()


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What is known of an image that all rules looked at.

    Args:
        layers: Those that its steps made, of all stages, in the order of the steps.
        looked: Entries of each whose size or bytes were looked at.
        facts: Facts of each that depend on sizes and were asked for, and a digest of their values.
        secrets: Positions of the image's layers that were searched for secrets, and a digest of
            what was found.
        of_sizes: Rules that went by the sizes of all files of a layer.
        findings: Those of all other rules.
    """

    layers: tuple[LayerId, ...]
    looked: tuple[list[int], ...]
    facts: tuple[dict[str, bytes], ...]
    secrets: dict[int, Digest]
    of_sizes: tuple[str, ...]
    findings: tuple[Finding, ...]


_decoder = msgspec.msgpack.Decoder(Kept)


class NotedSecrets:
    """Secrets of an image, and in which layers somebody asked for them.

    Args:
        secrets: They.
    """

    def __init__(self, secrets: SecretFacts) -> None:
        self._secrets = secrets
        self.asked: dict[int, Digest] = {}

    def leaks(self) -> Sequence[Leak]:
        """Return where known secrets are."""
        return self._secrets.leaks()

    def files(self, position: int) -> Sequence[SecretFile]:
        """Return what looks like a secret in a layer, by its number in the image."""
        found = self._secrets.files(position)
        self.asked[position] = _digest_of(found)
        return found


class Cutoff:
    """What was found before in an image like this one.

    Args:
        session: The store.
        image: It.
        roots: Its root file systems and those of its stages.
        ignored: Rules that are switched off.
    """

    def __init__(
        self, session: Session, image: StoredImage, roots: Roots, ignored: Collection[str]
    ) -> None:
        self._session = session
        self._image = image
        self._roots = roots
        self._ignored = ignored

    def find(self, secrets: SecretFacts) -> Kept | None:
        """Return what is known of an image that rules cannot tell from this one, None if nothing.

        Args:
            secrets: Of this one.

        Raises:
            ContentError, SourceError, StorageError: a layer cannot be had.
        """
        data = self._session.cache.answers.find(self._question)
        if data is None:
            return None
        try:
            kept = _decoder.decode(data)
        except msgspec.DecodeError:
            return None
        if {len(kept.layers), len(kept.looked), len(kept.facts)} != {len(self._layers)}:
            return None
        new: set[LayerId] = set()
        columns = kept.layers, self._layers, kept.looked, kept.facts
        for before, now, looked, facts in zip(*columns, strict=True):
            if before != now:
                if not self._is_alike(before, now, looked, facts):
                    return None
                new.add(now)
        layers = self._roots.provenance.image.layers
        for position, digest in kept.secrets.items():
            if layers[position].layer in new and _digest_of(secrets.files(position)) != digest:
                return None
        return kept

    def keep(
        self, findings: Sequence[Finding], of_sizes: Collection[str], asked: dict[int, Digest]
    ) -> None:
        """Keep what all rules found in this image.

        Args:
            findings: They.
            of_sizes: Rules that went by the sizes of all files of a layer.
            asked: As ``NotedSecrets.asked``.
        """
        watch = self._roots.provenance.watch
        kept = Kept(
            self._layers,
            tuple(sorted(watch.files.get(layer, ())) for layer in self._layers),
            tuple(watch.facts.get(layer, {}) for layer in self._layers),
            asked,
            tuple(of_sizes),
            tuple(each for each in findings if each.rule not in of_sizes),
        )
        self._session.cache.answers.keep(self._question, msgspec.msgpack.encode(kept))

    @cached_property
    def _layers(self) -> tuple[LayerId, ...]:
        steps = self._roots.provenance.record.steps
        own = (step for step in steps if step.kind is not StepKind.IMAGE)
        return tuple(layer for step in own for layer in step.layers)

    @cached_property
    def _question(self) -> Digest:
        """All that rules know but what is in layers; of base images these count as well."""
        record = without_times(self._roots.provenance.record)
        record = msgspec.structs.replace(record, steps=tuple(map(self._shape, record.steps)))
        config = decode(ImageConfig, self._image.config)
        words = (
            record,
            msgspec.json.encode(config.config),
            (config.os, config.architecture, config.variant),
            [each.created_by for each in config.history],
            len(self._image.layers),
            sorted(self._ignored),
        )
        return sha256_digest(_VERSION + msgspec.msgpack.encode(words))

    def _shape(self, step: StepRecord) -> StepRecord:
        """Return a step without names of what it made; what its copies came from is spelled out."""
        provenance = self._roots.provenance
        origins, reads = provenance.origins(step), provenance.reads(step)
        is_base = step.kind is StepKind.IMAGE
        return msgspec.structs.replace(
            step,
            layers=step.layers if is_base else ("",) * len(step.layers),
            origins="" if origins is None else sha256_digest(encode_origins(origins)),
            reads="" if reads is None else sha256_digest(encode_reads(reads)),
        )

    def _is_alike(
        self, before: LayerId, now: LayerId, looked: Collection[int], facts: dict[str, bytes]
    ) -> bool:
        """Tell whether rules cannot tell one layer from another."""
        store = self._session.layer_store
        if not (store.has_listing(before) and store.has_listing(now)):
            return False
        old, new = store.listing(before), store.listing(now)
        changed = changed_files(old, new) if old is not None and new is not None else None
        if old is None or new is None or changed is None or changed.intersection(looked):
            return False
        for name, digest in facts.items():
            fact = SIZE_FACTS.get(name)
            if fact is None or digest_of(fact.find(new)) != digest:
                return False
        programs = [each for each in changed if may_be_program(new.paths[each], new.modes[each])]
        if not programs:
            return True
        if store.info(before) is None or store.info(now) is None:
            return False
        one = programs_of_layer(self._session, before, old, store.directory(before))
        other = programs_of_layer(self._session, now, new, store.directory(now))
        firsts = {new.links.get(entry, entry) for entry in programs}
        return all(one.find(entry) == other.find(entry) for entry in firsts)


def changed_files(before: Listing, now: Listing) -> set[int] | None:
    """Return the files that have other bytes in a layer, by entry; names of one file are each.

    Returns:
        None if more than bytes differs. A file whose digest is not known counts as another.
    """
    if any(getattr(before, name) != getattr(now, name) for name in _SHAPE):
        return None
    old, new = before.digests, now.digests
    found = set()
    for entry, mode in enumerate(now.modes):
        if stat.S_ISREG(mode):
            digest = new.get(entry)
            if (
                digest is None
                or old.get(entry) != digest
                or before.sizes[entry] != now.sizes[entry]
            ):
                found.add(entry)
    return found


_SHAPE = tuple(name for name in Listing.__struct_fields__ if name not in {"sizes", "raw_digests"})


def _digest_of(found: Sequence[SecretFile]) -> Digest:
    return sha256_digest(repr(found).encode(errors="surrogateescape"))
