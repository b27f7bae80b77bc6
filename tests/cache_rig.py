"""Records of caches for tests, and directories that are caches, looked into and damaged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import msgspec

from jettison.oci.digest import Digest
from jettison.oci.mediatype import OCI_LAYER_GZIP
from jettison.remote.index import MadePack, PackEntry, make_pack
from jettison.remote.local import LocalCache
from jettison.remote.record import CacheRecord, Pack, decode_pack
from jettison.store.layer import LayerId


def digest(text: str) -> Digest:
    return Digest("sha256:" + hashlib.sha256(text.encode()).hexdigest())


def key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def record(name: str, **changes: object) -> CacheRecord:
    """Return the record of a step; its blob's bytes are its name."""
    made = CacheRecord(
        key(name),
        LayerId("content:" + digest("layer " + name)),
        digest("tar " + name),
        digest("content " + name),
        created_ns=1_700_000_000_000_000_000,
        duration_ns=10**9,
        clock_ns=1_700_000_000_000_000_000,
        size_bytes=3,
        entries=1,
        media_type=OCI_LAYER_GZIP,
        blob=digest(name),
        blob_bytes=len(name),
        name=f"RUN {name}",
    )
    return msgspec.structs.replace(made, **changes)


def pack(*names: str) -> Pack:
    answers = {key("question " + name): key("answer " + name) for name in names}
    return Pack({key(name): record(name) for name in names}, answers)


class CacheDirectory:
    """A ``type=local`` cache: its packs as they are on disk."""

    def __init__(self, root: Path, tag: str = "latest") -> None:
        self.root = root
        self.tag = tag

    def blob(self, name: str) -> Path:
        return self.root / "blobs/sha256" / name.removeprefix("sha256:")

    @property
    def index_path(self) -> Path:
        index = json.loads((self.root / "index.json").read_text())
        tag = "org.opencontainers.image.ref.name"
        (entry,) = (e for e in index["manifests"] if e["annotations"][tag] == self.tag)
        return self.blob(entry["digest"])

    def manifests(self) -> list[dict[str, object]]:
        return list(json.loads(self.index_path.read_text())["manifests"])

    def packs(self) -> list[Pack]:
        named = (each["annotations"]["vnd.jettison.cache.records"] for each in self.manifests())
        return [decode_pack(self.blob(each).read_bytes()) for each in named]

    def records(self) -> dict[str, CacheRecord]:
        """Return the records by the names of their steps."""
        return {each.name: each for made in self.packs() for each in made.records.values()}

    def change(self, change: Callable[[CacheRecord], CacheRecord | None]) -> None:
        """Rewrite all records, as somebody would who may write to the cache."""
        whole = Pack()
        for made in self.packs():
            whole = whole.over(made)
        changed = {k: change(each) for k, each in whole.records.items()}
        forged = Pack({k: v for k, v in changed.items() if v is not None}, whole.answers)
        write(LocalCache(str(self.root), self.tag), forged)


def write(cache: object, forged: Pack) -> None:
    """Make a cache hold one pack and no other."""

    def only(_entries: object) -> tuple[MadePack, list[PackEntry]]:
        made = make_pack(forged)
        return made, [made.entry]

    cache.update(only)  # type: ignore[attr-defined]
