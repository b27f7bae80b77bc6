"""Cache mounts on other machines: what steps keep in them is restored, and what is new is sent.

In:  ids of mounts, directories of the store.
Out: a directory with what other machines have left; ``MountRecord`` with a layer more.

A mount is a chain of layers: what the first machine had, then what others added. Files are added
and replaced, never removed: caches are what can be had again, and two machines that wrote at the
same time are both in the chain afterwards. A chain that has grown long is packed anew as one layer.
What is new is what changed its state (ctime) since the directory was restored or sent.

Security: a layer is verified by the digests of blob and tar, and unpacked as any hostile archive.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import msgspec

from jettison.cache.key import selector_digest
from jettison.cache.record import AnswerMemo
from jettison.errors import JettisonError
from jettison.fs.os_errors import storage_errors
from jettison.fs.ownership import Ownership
from jettison.fs.remove import remove_tree
from jettison.image.files import verify_blob
from jettison.image.manifest import Compression
from jettison.image.remote import RemoteBlobs
from jettison.layer.codec import pack_layer
from jettison.layer.decompress import open_decompressed
from jettison.layer.reader import Readable
from jettison.layer.unpack import unpack
from jettison.oci.digest import Digest, raw, sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.oci.mediatype import LAYER_COMPRESSION, OCI_LAYERS
from jettison.remote.reader import CacheReader, Warn
from jettison.remote.record import MountLayer, MountRecord
from jettison.snapshot.base import LayerStore
from jettison.store.cache_mounts import directory_name, use
from jettison.store.store import Store

_MAX_CHAIN = 8
_END_BYTES = 1024
"""Of zeros at the end of a tar that is made here."""
_TICK_NS = 10**7
"""How much the clock of a file system may be behind."""

Put = Callable[[Descriptor, Callable[[], BinaryIO]], None]


class _Synced(msgspec.Struct, frozen=True, array_like=True):
    """When a directory was the same as a chain, and of what blobs that is."""

    time_ns: int
    blobs: frozenset[str]


class CacheMounts:
    """The cache mounts of one build.

    Args:
        store: Has their directories.
        layer_store: Makes directories to fill.
        remote: Fetches blobs.
        answers: Remembers until when a directory was sent.
        readers: The caches that are read.
        warn: Gets what cannot be restored or sent.
    """

    def __init__(
        self,
        store: Store,
        layer_store: LayerStore,
        remote: RemoteBlobs,
        answers: AnswerMemo,
        readers: Sequence[CacheReader],
        warn: Warn,
    ) -> None:
        self._store = store
        self._layer_store = layer_store
        self._remote = remote
        self._answers = answers
        self._readers = readers
        self._warn = warn

    def restore(self, mount: str, into: Path) -> bool:
        """Fill an empty directory with what a cache has of a mount; return whether one has it.

        Args:
            mount: Its id.
            into: The directory; nobody else writes to it.
        """
        for reader in self._readers:
            record = reader.mount(mount_key(mount))
            if record is None:
                continue
            try:
                with storage_errors(into):
                    self._unpack(record, reader.source, into)
            except JettisonError as error:
                self._warn(f"{reader.title}: the cache mount `{mount}` begins empty: {error}")
                for name in os.listdir(into):
                    remove_tree(into / name)
                continue
            self._note(mount, reader.source, record)
            return True
        return False

    def added(
        self, mount: str, source: str, known: MountRecord | None, form: Compression, put: Put
    ) -> MountRecord | None:
        """Send what a mount has and a cache lacks; return its record, None if that is nothing.

        Args:
            mount: Its id.
            source: Of the cache.
            known: What the cache has of it.
            form: How its layers are compressed.
            put: Makes the cache have a blob.

        Raises:
            JettisonError: it cannot be packed or sent.
        """
        directory = self._store.cache_mounts / directory_name(mount)
        if not directory.is_dir():
            return None
        chain = known.layers if known is not None else ()
        synced = self._synced(mount, source)
        grows = bool(chain) and len(chain) < _MAX_CHAIN
        grows = grows and synced.blobs <= {each.blob for each in chain}
        since_ns = synced.time_ns if grows else 0
        lock = use(directory)
        active = self._layer_store.prepare()
        try:
            with storage_errors(directory):
                ownership = self._layer_store.ownership
                if not _link(os.fspath(directory), os.fspath(active.upper), ownership, since_ns):
                    return None
            layer = self._packed(active.upper, form, put)
        finally:
            self._layer_store.discard(active)
            lock.release()
        replaced = () if grows else tuple(each.blob for each in chain)
        layers = (*chain, layer) if grows else (layer,)
        record = MountRecord(mount_key(mount), layers, replaced, int(time.time()))
        self._note(mount, source, record)
        return record

    def _packed(self, upper: Path, form: Compression, put: Put) -> MountLayer:
        with self._store.blobs.writer() as writer:
            diff_id = pack_layer(
                upper, self._layer_store.ownership, writer.write, form.name, form.level
            )
            size = writer.size_bytes
            digest = writer.commit()
        kind = OCI_LAYERS[form.name]
        path = self._store.blobs.path(digest)
        put(Descriptor(kind, digest, size), lambda: path.open("rb"))
        self._store.blobs.remove(digest)
        return MountLayer(kind, digest, size, diff_id)

    def _unpack(self, record: MountRecord, source: str, into: Path) -> None:
        with ExitStack() as stack:
            tars: list[Readable] = []
            for layer in record.layers:
                descriptor, blobs = layer.descriptor, self._store.blobs
                if not blobs.has(layer.blob):
                    stack.callback(blobs.remove, layer.blob)
                self._remote.fetch(self._store, descriptor, source)
                verify_blob(self._store, descriptor, layer.diff_id)
                file = stack.enter_context(blobs.path(layer.blob).open("rb"))
                compression = LAYER_COMPRESSION[layer.media_type]
                tars.append(stack.enter_context(open_decompressed(file, compression)))
            unpack(_Chained(tars), into, self._layer_store.ownership)

    def _synced(self, mount: str, source: str) -> _Synced:
        data = self._answers.find(_question(mount, source))
        return msgspec.msgpack.decode(data, type=_Synced) if data else _Synced(0, frozenset())

    def _note(self, mount: str, source: str, record: MountRecord) -> None:
        blobs = frozenset(each.blob for each in record.layers)
        synced = _Synced(time.time_ns() - _TICK_NS, blobs)
        self._answers.keep(_question(mount, source), msgspec.msgpack.encode(synced))


def mount_key(mount: str) -> bytes:
    """Return the key of a mount, from its id."""
    return raw(sha256_digest(b"jettison-mount-1\0" + mount.encode()))


def _question(mount: str, source: str) -> Digest:
    return selector_digest("cache mount", mount, source)


def _link(source: str, target: str, ownership: Ownership, since_ns: int) -> int:
    """Link what changed since a time into an empty directory; return how many files that is."""
    count = 0
    with os.scandir(source) as entries:
        for entry in entries:
            st = entry.stat(follow_symlinks=False)
            place = f"{target}/{entry.name}"
            if stat.S_ISDIR(st.st_mode):
                os.mkdir(place)
                below = _link(entry.path, place, ownership, since_ns)
                if not below and since_ns:
                    os.rmdir(place)
                    continue
                count += below
                known = ownership.effective_stat(st, entry.path)
                ownership.chown(place, (known.st_uid, known.st_gid))
                ownership.set_mode(place, stat.S_IMODE(known.st_mode))
                os.utime(place, ns=(st.st_atime_ns, st.st_mtime_ns))
            elif st.st_ctime_ns > since_ns and (
                stat.S_ISREG(st.st_mode) or stat.S_ISLNK(st.st_mode)
            ):
                os.link(entry.path, place, follow_symlinks=False)
                count += 1
    return count


class _Chained:
    """Several tars as one: the zeros between them are left out."""

    def __init__(self, tars: Sequence[Readable]) -> None:
        self._tars = list(tars)
        self._held = b""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        while self._tars:
            data = self._tars[0].read(size)
            if data:
                whole = self._held + data
                out, self._held = whole[:-_END_BYTES], whole[-_END_BYTES:]
                if out:
                    return out
                continue
            self._tars.pop(0)
            held, self._held = self._held, b""
            if held.strip(b"\0") or not self._tars:
                return held
        return b""
