"""``fsck``: whether everything in a store is what its name says.

In:  a session.
Out: ``Problem`` values, one a finding.

Looked at are blobs (digests), layers (their digests; those of images by size and number
of entries, since their tars are gone), facts about packed layers, cache records, images (config,
manifest, layers), names, ``index.json``, the database itself, and what does not belong there.

With ``repair`` what is damaged and can be made or fetched again is taken away. Images and their
names never are: one that misses something stays, and stays reported.

Concurrency: may run beside builds; what they make appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from jettison.api.session import Session
from jettison.errors import JettisonError, StorageError
from jettison.oci.codec import decode
from jettison.oci.config import ImageConfig
from jettison.oci.digest import Digest, parse_digest, sha256_digest, short
from jettison.oci.manifest import Manifest
from jettison.snapshot.changes import layer_facts
from jettison.snapshot.recovery import is_named_by
from jettison.store.image import StoredImage
from jettison.store.layer import LayerId

_OWN = frozenset(
    {"blobs", "boot", "cache-mounts", "containers", "failed", "git", "index.json", "key"}
    | {
        "levels.json",
        "oci-layout",
        "partial",
        "sandbox.json",
        "snapshots",
        "snapshots-recorded",
        "tmp",
        "trash",
    }
)
_CONFIG_LIMIT = 64 << 20


class Problem(msgspec.Struct, frozen=True):
    """Something that is not as it should be.

    Args:
        kind: ``blob``, ``layer``, ``packed``, ``record``, ``image``, ``name``, ``index``,
            ``database`` or ``debris``.
        what: The thing: a digest, a name, a path.
        text: What is wrong with it.
        repaired: Whether it was taken away or made again.
    """

    kind: str
    what: str
    text: str
    repaired: bool = False


def check_store(session: Session, *, repair: bool = False) -> list[Problem]:
    """Look at everything in the store.

    Args:
        session: The open store.
        repair: Whether to take away what is damaged.

    Raises:
        StorageError: the store cannot be read at all.
    """
    checker = _Checker(session, repair=repair)
    parts = (
        checker.database,
        checker.blobs,
        checker.layers,
        checker.packed,
        checker.records,
        checker.images,
        checker.names,
        checker.debris,
    )
    return [problem for part in parts for problem in part()]


class _Checker:
    def __init__(self, session: Session, *, repair: bool) -> None:
        self._session = session
        self._store = session.store
        self._repair = repair

    def database(self) -> Iterator[Problem]:
        """Ask SQLite."""
        for (line,) in self._store.database.query("PRAGMA integrity_check"):
            if line != "ok":
                yield Problem("database", str(self._store.database.path), str(line))

    def blobs(self) -> Iterator[Problem]:
        """Hash all blobs; a damaged config is written again from the database."""
        configs = {image.id: image.config for image in self._store.images.all()}
        for digest in self._store.blobs.all():
            text = self._blob_problem(digest)
            if not text:
                continue
            if self._repair:
                self._store.trash(self._store.blobs.path(digest))
                if digest in configs:
                    self._store.blobs.put(configs[digest])
            yield Problem("blob", digest, text, self._repair)

    def layers(self) -> Iterator[Problem]:
        """Compare the layers that are here as files with their names."""
        known = set()
        for layer in self._session.layer_store.all():
            directory = self._session.layer_store.directory(layer).parent
            known.add(directory.name)
            text = self._layer_problem(layer)
            if text:
                if self._repair:
                    self._session.layer_store.remove(layer)
                yield Problem("layer", layer, text, self._repair)
        for path in sorted(self._session.layer_store.root.iterdir()):
            if path.name not in known:
                yield self._debris(path, "is no layer")

    def packed(self) -> Iterator[Problem]:
        """Find facts about blobs that are not here."""
        rows = self._store.database.query("SELECT layer, compression, descriptor FROM packed")
        for layer, compression, _ in rows:
            if compression in self._store.layers.find(LayerId(layer)).blobs:
                continue
            if self._repair:
                self._store.database.execute(
                    "DELETE FROM packed WHERE layer = ? AND compression = ?", (layer, compression)
                )
            text = f"its {compression} blob is not here"
            yield Problem("packed", layer, text, self._repair)

    def records(self) -> Iterator[Problem]:
        """Find cache records whose layers are gone."""
        for key, layer, name in self._store.database.query("SELECT key, layer, name FROM record"):
            if self._has(LayerId(layer)):
                continue
            if self._repair:
                self._store.database.execute("DELETE FROM record WHERE key = ?", (key,))
            yield Problem("record", name or key, f"its layer {layer} is gone", self._repair)

    def images(self) -> Iterator[Problem]:
        """Look at what images are made of; nothing is repaired."""
        for image in self._store.images.all():
            for text in self._image_problems(image):
                yield Problem("image", self._title(image), text)

    def names(self) -> Iterator[Problem]:
        """Find names without images, and an index that tells other names."""
        images = {image.id for image in self._store.images.all()}
        for name, image_id in self._store.images.tags().items():
            if image_id not in images:
                yield Problem("name", name, f"there is no image {short(image_id)}")
        yield from self._platforms(images)
        if not self._store.images.index_is_current():
            if self._repair:
                self._store.images.rewrite_index()
            yield Problem("index", "index.json", "it tells other names", self._repair)

    def _platforms(self, images: set[Digest]) -> Iterator[Problem]:
        """Find names that stand for images of several platforms, some of which are not here.

        What only says so of a name that there is not can be found by nobody, and is removed.
        """
        names = self._store.images.tags()
        rows = self._store.database.query(
            "SELECT name, image FROM platform_tag ORDER BY name, position"
        )
        for name, image_id in rows:
            if name not in names:
                if self._repair:
                    self._store.database.execute("DELETE FROM platform_tag WHERE name = ?", (name,))
                text = f"it stands for {short(image_id)} and is no name"
                yield Problem("name", name, text, self._repair)
            elif image_id not in images:
                text = f"there is no image {short(image_id)}, one of its platforms'"
                yield Problem("name", name, text)
        for name in sorted({name for name, _ in rows} & names.keys()):
            if names[name] not in {image for each, image in rows if each == name}:
                yield Problem("name", name, "it points at none of its platforms' images")

    def debris(self) -> Iterator[Problem]:
        """Find what does not belong there, and mounts that were left."""
        for path in sorted(self._store.root.iterdir()):
            if path.name not in _OWN and not path.name.startswith("state.db"):
                yield Problem("debris", str(path), "it does not belong to the store")
        root = os.path.realpath(self._store.root) + "/"
        for line in Path("/proc/self/mounts").read_bytes().splitlines():
            place = os.fsdecode(line.split(b" ")[1].replace(b"\\040", b" "))
            if place.startswith(root):
                yield Problem("debris", place, "something is mounted there")

    def _debris(self, path: Path, text: str) -> Problem:
        if self._repair:
            self._store.trash(path)
        return Problem("debris", str(path), text, self._repair)

    def _blob_problem(self, digest: Digest) -> str:
        path = self._store.blobs.path(digest)
        try:
            parse_digest(digest)
            with path.open("rb") as file:
                found = hashlib.file_digest(file, path.parent.name).hexdigest()
        except JettisonError:
            return "its name is no digest"
        except FileNotFoundError:
            return ""  # removed meanwhile
        except OSError as error:
            return f"it cannot be read: {error.strerror}"
        return "" if found == path.name else "its bytes have another digest"

    def _layer_problem(self, layer: LayerId) -> str:
        directory = self._session.layer_store.directory(layer)
        try:
            info = self._session.layer_store.info(layer)
            if info is None:
                return "it has no facts" if directory.parent.exists() else ""
            if info.id != layer:
                return f"its facts are those of {info.id}"
            if layer.startswith("content:"):
                whole = is_named_by(layer, directory, self._session.ownership)
                return "" if whole else "its files have another digest"
            facts = layer_facts(directory, self._session.ownership)
        except StorageError:
            return "its facts are damaged"
        except OSError as error:
            return f"it cannot be read: {error.strerror}" if directory.parent.exists() else ""
        same = (facts.size_bytes, facts.entries) == (info.size_bytes, info.entries)
        return "" if same else "files are missing or too short"

    def _image_problems(self, image: StoredImage) -> Iterator[str]:
        if sha256_digest(image.config) != image.id:
            yield "its config has another digest"
            return
        try:
            config = decode(ImageConfig, image.config)
        except JettisonError as error:
            yield f"its config cannot be read: {error}"
            return
        if len(config.rootfs.diff_ids) != len(image.layers):
            yield f"it has {len(image.layers)} layers, its config {len(config.rootfs.diff_ids)}"
        for layer in dict.fromkeys(each.layer for each in image.layers):
            if not self._has(layer):
                yield f"its layer {layer} is gone: pull or build it again"
        if image.manifest is not None and self._store.blobs.has(image.manifest.digest):
            try:
                data = self._store.blobs.read(image.manifest.digest, limit=_CONFIG_LIMIT)
                decode(Manifest, data)
            except JettisonError as error:
                yield f"its manifest cannot be read: {error}"

    def _has(self, layer: LayerId) -> bool:
        return self._session.blobs.available(layer)

    def _title(self, image: StoredImage) -> str:
        return ", ".join(self._store.images.tags_of(image.id)) or image.id
