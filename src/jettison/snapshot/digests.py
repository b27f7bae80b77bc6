"""The digests of a change, from its entries: what it is, and what keys may know of it.

In:  the entries of a layer directory, in the order of ``fs.walk``.
Out: ``ChangeDigests``.

Three digests, each over the one before:

- *bytes and attributes*: the version, then every entry: path, kind, permissions, owner, size,
  sha256 of the bytes, link target, device, image xattrs, whether it is opaque, and for a further
  name of an inode the first name. Each entry is MessagePack, so every field has its length. Inode
  numbers and overlayfs' own attributes do not count; neither do sockets, which no layer can hold.
- *identity*: that, and the modification time of every entry. It names the layer.
- *content*: that, and those times that say something: what runs on the layer is keyed by it. A time
  that the clock gave while the layer was made, or a context's file, says only when that was; it is
  not older than ``clock_ns``, which is where the layer's own times begin.

Times are whole seconds, as the tar of a layer has them: so all three are found again from a layer
that went through a registry.

A change without entries has no times, and one digest for all three.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import NamedTuple

import msgspec

from jettison.fs.layer_file import LayerFile
from jettison.fs.listing import ListingBuilder
from jettison.fs.overlay_form import PLAIN_ROOT_MODE, is_whiteout
from jettison.fs.tree import SECOND_NS
from jettison.oci.digest import Digest
from jettison.store.layers import LayerFacts

CONTENT_VERSION = b"jettison-content-1\0"
_IDENTITY_VERSION = b"jettison-identity-2\0"
_FORMER_VERSION = b"jettison-identity-1\0"
_TIMES_VERSION = b"jettison-times-2\0"

_PERMISSIONS = 0o7777


class ChangeDigests(NamedTuple):
    """The digests of a change, and its facts; ``plain`` is the one without any times.

    ``listing`` is the stored form of its entries (``fs.listing``). ``former`` is the identity that
    versions gave which counted parts of seconds.
    """

    identity: Digest
    content: Digest
    plain: Digest
    facts: LayerFacts
    listing: bytes
    former: Digest


class ChangeHasher:
    """Digests a change entry by entry.

    Args:
        clock_ns: Times from here on, nanoseconds since the epoch, say only when the layer was
            made.
    """

    def __init__(self, clock_ns: int = 0) -> None:
        self._clock_s = clock_ns // SECOND_NS
        self._hasher = hashlib.sha256(CONTENT_VERSION)
        self._encode = msgspec.msgpack.Encoder().encode
        self._times: list[int] = []
        self._telling: list[tuple[int, bytes]] = []
        self._size = 0
        self._entries = -1  # the root is none
        self._listing = ListingBuilder()

    def add(self, file: LayerFile) -> None:
        """Take the next entry; the first is the root."""
        self._entries += 1
        self._listing.add(file)
        self._hasher.update(self._encode(fields(file)))
        st = file.stat
        if stat.S_IFMT(st.st_mode) == stat.S_IFREG:
            if file.first:
                return
            self._size += st.st_size
        elif file.first or is_whiteout(st) or (not file.path and _is_plain(file)):
            return  # in a tar, nothing tells of a plain root
        mtime_s = st.st_mtime_ns // SECOND_NS
        self._times.append(st.st_mtime_ns)
        if mtime_s < self._clock_s:
            self._telling.append((self._entries, b"%d" % mtime_s))

    def digests(self) -> ChangeDigests:
        """Return the digests, once the last entry was taken."""
        plain = self._hasher.digest()
        identity = content = former = plain
        if self._times:  # of any size: file systems differ
            seconds = ",".join([str(each // SECOND_NS) for each in self._times]).encode()
            identity = hashlib.sha256(_IDENTITY_VERSION + plain + seconds).digest()
            exact = ",".join(map(str, self._times)).encode()
            former = hashlib.sha256(_FORMER_VERSION + plain + exact).digest()
        if self._telling:
            telling = self._encode(self._telling)
            content = hashlib.sha256(_TIMES_VERSION + plain + telling).digest()
        facts = LayerFacts(size_bytes=self._size, entries=self._entries)
        listing = self._listing.stored()
        return ChangeDigests(
            _named(identity), _named(content), _named(plain), facts, listing, _named(former)
        )


def fields(file: LayerFile) -> tuple[object, ...]:
    """Return what is digested of one entry but its time."""
    name, st, mode = file.path, file.stat, file.stat.st_mode
    if file.first:
        return (name, "link", file.first)
    attributes: tuple[tuple[bytes, bytes], ...] = ()
    if file.xattrs:
        attributes = tuple((os.fsencode(each), value) for each, value in file.xattrs.items())
    common = (mode & _PERMISSIONS, st.st_uid, st.st_gid, attributes)
    if stat.S_IFMT(mode) == stat.S_IFREG:  # as most are
        return (name, "file", *common, st.st_size, file.sha256)
    if is_whiteout(st):
        return (name, "whiteout")
    match stat.S_IFMT(mode):
        case stat.S_IFDIR:
            return (name, "directory", *common, file.opaque)
        case stat.S_IFLNK:
            return (name, "symlink", *common[1:], file.target)
        case stat.S_IFIFO:
            return (name, "fifo", *common)
        case _:
            kind = "block" if stat.S_ISBLK(mode) else "character"
            device = (os.major(st.st_rdev), os.minor(st.st_rdev))
            return (name, kind, *common, device)


def _is_plain(root: LayerFile) -> bool:
    st = root.stat
    owner = (st.st_uid, st.st_gid)
    return st.st_mode & _PERMISSIONS == PLAIN_ROOT_MODE and owner == (0, 0) and not root.xattrs


def _named(digest: bytes) -> Digest:
    return Digest("sha256:" + digest.hex())
