"""Layers as overlay directories: written once, committed by renaming.

In:  upper directories that an overlay mount, an unpacker or a copier has filled.
Out: layers named by content, each in its directory.

On disk::

    snapshots/<kind><hex>/fs      the overlay layer directory; never written again
    snapshots/<kind><hex>/meta    msgpack ``LayerInfo``
    snapshots/<kind><hex>/digests msgpack, sha256 by path, of layers of many copied files
    snapshots/<kind><hex>/listing its entries (``fs.listing``)
    tmp/<owner>/<n>/{fs,work}     an active snapshot

``kind`` is ``c`` (change made here) or ``d`` (diff ID): an image's tar must never be able to take
the name of a change made here. Names are short since overlay mounts of many layers are limited
by the length of their options.

Concurrency: ``rename`` onto a layer that is there fails, so of two processes that commit an equal
change one wins and the other uses that layer. Nothing is synced to disk: thousands of files would
cost seconds, and a killed process loses none; ``snapshot.recovery`` is for lost power.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jettison.errors import StorageError
from jettison.fs.atomic import write_atomically
from jettison.fs.os_errors import storage_errors
from jettison.fs.overlay_form import PLAIN_ROOT_MODE, is_plain_root, root_in_effect
from jettison.fs.ownership import Ownership
from jettison.fs.remove import remove_tree
from jettison.fs.xattr import read_xattrs, set_xattr
from jettison.snapshot.base import NOTHING_KNOWN, ActiveSnapshot, Change, LayerInfo
from jettison.snapshot.recovery import recover_after_boot
from jettison.store.layer import LayerId, made_layer_id
from jettison.store.layers import LayerFacts
from jettison.store.store import Store

if TYPE_CHECKING:
    from jettison.fs.listing import Listing
    from jettison.snapshot.digests import ChangeDigests

_MANY_FILES = 200
"""From here on linking what did not change is worth keeping digests."""

_META = msgspec.msgpack.Decoder(LayerInfo)


_LATEST_NS = (1 << 63) - 1
"""In the year 2262: what the facts of a layer can hold."""


class OverlayLayerStore:
    """Keeps layers below ``snapshots`` of a store; thread-safe.

    Making one verifies the store after a reboot (``snapshot.recovery``).

    Args:
        store: The open store.
        ownership: How this process keeps owners.
        other: Keep house of the layers with the other kind of owners, which this process can
            neither make nor mount: they are listed, described and removed.

    Attributes:
        ownership: See above.
        root: The directory that has the layers.

    Raises:
        StorageError: that is due, and the store cannot be read or written.
    """

    def __init__(self, store: Store, ownership: Ownership, *, other: bool = False) -> None:
        self.ownership = ownership
        self._store = store
        self.root = store.recorded_snapshots if ownership.is_recorded != other else store.snapshots
        self._root = os.fspath(self.root)
        # The root of a committed layer is plain for ever or never.
        self._has_plain_root = cache(partial(is_plain_root, ownership=ownership))
        if not other:
            if ownership.is_recorded:
                with storage_errors(self.root):
                    self.root.mkdir(0o700, exist_ok=True)
            recover_after_boot(store, self.root, ownership)

    def prepare(self, below: Sequence[LayerId] = ()) -> ActiveSnapshot:
        """Make an empty active snapshot.

        Args:
            below: The stack that it will be mounted on, all of whose layers are here as files.
                A mount shows the root directory of its top, so that takes over mode, owner and
                attributes. A layer that is made without its base (COPY) has none below: what it
                is must not depend on what is here.

        Raises:
            StorageError: it cannot be made.
        """
        path = self._store.tmp()
        upper, work = path / "fs", path / "work"
        with storage_errors(path):
            upper.mkdir()
            work.mkdir()
            self._take_over_root(upper, below)
        return ActiveSnapshot(path=path, upper=upper, work=work)

    def commit(
        self,
        active: ActiveSnapshot,
        change: Change = NOTHING_KNOWN,
        *,
        digests: ChangeDigests | None = None,
    ) -> LayerInfo:
        """Digest an active snapshot and make it a layer by renaming; an equal layer wins.

        Args:
            active: It; gone afterwards.
            change: What is known about it.
            digests: Its digests, if they were computed already (``snapshot.streaming_digest``).

        Raises:
            StorageError: it cannot be read or renamed.
        """
        with storage_errors(active.upper):
            if digests is None:
                from jettison.snapshot.changes import change_digests

                digests = change_digests(
                    active.upper,
                    self.ownership,
                    change.known,
                    change.below,
                    clock_ns=change.clock_ns,
                )
            previous = change.previous(digests.content) if change.previous is not None else None
            if previous is not None:
                self.discard(active)
                return previous
            if len(change.known) >= _MANY_FILES:
                (active.path / "digests").write_bytes(msgspec.msgpack.encode(change.known))
            (active.path / "listing").write_bytes(digests.listing)
        facts = digests.facts
        info = LayerInfo(
            made_layer_id(digests.identity),
            facts.size_bytes,
            facts.entries,
            digests.content,
            max(-_LATEST_NS, min(change.clock_ns, _LATEST_NS)),
        )
        return self._place(active, info)

    def commit_as(
        self, active: ActiveSnapshot, layer: LayerId, facts: LayerFacts | None = None
    ) -> LayerInfo:
        """Make an active snapshot the layer of a given name (unpacked image layers).

        Args:
            active: It; gone afterwards.
            layer: The name; a layer that has it already wins.
            facts: Its facts where the caller knows them; else the files are counted.

        Raises:
            StorageError: it cannot be read or renamed.
        """
        if facts is None:
            from jettison.snapshot.changes import layer_facts

            with storage_errors(active.upper):
                facts = layer_facts(active.upper, self.ownership)
        return self._place(active, LayerInfo(layer, facts.size_bytes, facts.entries))

    def discard(self, active: ActiveSnapshot) -> None:
        """Remove an active snapshot; it may be gone already."""
        self._store.trash(active.path)

    def info(self, layer: LayerId) -> LayerInfo | None:
        """Return the facts of a layer, or None when it is not here as files."""
        try:
            with open(self._path(layer) + "/meta", "rb") as file:
                return _META.decode(file.read())
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise StorageError(
                f"the layer `{self._path(layer)}` is damaged",
                hint="remove that directory: the layer is then pulled or built again",
            ) from error

    def directory(self, layer: LayerId) -> Path:
        """Return the overlay directory of a layer that is here."""
        return Path(self._path(layer), "fs")

    def digests(self, layer: LayerId) -> dict[str, bytes]:
        """Return digests of files of a layer by path, as far as they were kept."""
        try:
            with open(self._path(layer) + "/digests", "rb") as file:
                return msgspec.msgpack.decode(file.read(), type=dict[str, bytes])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}

    def listing(self, layer: LayerId) -> Listing | None:
        """Return the entries of a layer, None when it is not here as files.

        Where no listing was kept (a layer of a base image, or of an older version) it is made.

        Raises:
            StorageError: the files cannot be read.
        """
        from jettison.fs.listing import decode_listing  # a cached build reads none

        place = Path(self._path(layer))
        with suppress(OSError, ValueError):
            return decode_listing((place / "listing").read_bytes())
        if not (place / "meta").exists():
            return None
        from jettison.snapshot.changes import layer_listing

        with storage_errors(place):
            data = layer_listing(place / "fs", self.ownership)
            write_atomically(place / "listing", data, mode=0o600, staging=self._store.tmp())
        return decode_listing(data)

    def has_listing(self, layer: LayerId) -> bool:
        """Tell whether a listing was kept, so that ``listing`` reads no files of the layer."""
        return os.path.exists(self._path(layer) + "/listing")

    def remove(self, layer: LayerId) -> None:
        """Forget a layer's files; nobody may use them any more.

        Raises:
            StorageError: they cannot be moved away.
        """
        self._store.trash(Path(self._path(layer)))

    def all(self) -> list[LayerId]:
        """Return the names of all layers that are here as files, sorted."""
        found = []
        for name in os.listdir(self._root) if os.path.isdir(self._root) else []:
            kind = {"c": "content", "d": "diff"}.get(name[:1])
            algorithm = {64: "sha256", 128: "sha512"}.get(len(name) - 1)
            if kind and algorithm:
                found.append(LayerId(f"{kind}:{algorithm}:{name[1:]}"))
        return sorted(found)

    def _path(self, layer: LayerId) -> str:
        kind, _, digest = layer.partition(":")
        return f"{self._root}/{kind[:1]}{digest.partition(':')[2]}"

    def _place(self, active: ActiveSnapshot, info: LayerInfo) -> LayerInfo:
        """Give an active snapshot its name, or drop it when there is an equal layer."""
        layer = info.id
        self._store.lease((layer,))  # before anybody can see that it is there
        existing = self.info(layer)
        if existing is not None:
            self.discard(active)
            return existing
        with storage_errors(active.path):
            for name in os.listdir(active.path):
                if name not in {active.upper.name, "digests", "listing"}:
                    remove_tree(active.path / name)
            (active.path / "meta").write_bytes(msgspec.msgpack.encode(info))
            try:
                active.path.rename(self._path(layer))
            except OSError as error:
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                    raise
                self.discard(active)
        self._store.layers.set_facts(layer, LayerFacts(info.size_bytes, info.entries), info.content)
        return info

    def _take_over_root(self, upper: Path, below: Sequence[LayerId]) -> None:
        """Make the root of an upper directory what the root of the stack below it is."""
        upper.chmod(PLAIN_ROOT_MODE)
        roots = [f"{self._path(layer)}/fs" for layer in below]
        if not roots:
            return
        source = roots[root_in_effect(roots, self._has_plain_root)]
        ownership = self.ownership
        st = ownership.effective_stat(os.lstat(source), source)
        owner = (st.st_uid, st.st_gid)
        if owner != ownership.new_owner(os.geteuid(), os.getegid()):
            ownership.chown(os.fspath(upper), owner)
        ownership.set_mode(os.fspath(upper), st.st_mode & 0o7777)
        for name, value in read_xattrs(source).items():
            set_xattr(os.fspath(upper), name, value)
