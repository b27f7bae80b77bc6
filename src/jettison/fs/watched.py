"""Listings that note which sizes and bytes are looked at: no answer depends on any other.

In:  listings, by layer.
Out: ``Watch``: what was looked at; ``WatchedListing``.

Everything else that a listing says (paths, modes, owners, links, attributes) is not noted: readers
are taken to depend on all of it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from jettison.fs.listing import Listing


class Watch:
    """What was looked at.

    Attributes:
        files: Entries of layers whose size or bytes were looked at, by layer.
        facts: What else was asked for that depends on sizes, by layer and name: a digest of each.
        count: How many times sizes or digests of all files of a layer were asked for.
        is_whole: Whether nothing was missing that somebody asked for.
    """

    def __init__(self) -> None:
        self.files: dict[str, set[int]] = {}
        self.facts: dict[str, dict[str, bytes]] = {}
        self.count = 0
        self.is_whole = True

    def one(self, layer: str, entry: int) -> None:
        """Note that the size or the bytes of one file were looked at."""
        self.files.setdefault(layer, set()).add(entry)

    def all(self) -> None:
        """Note that somebody looked at sizes or digests of all files."""
        self.count += 1

    def fact(self, layer: str, name: str, digest: bytes) -> None:
        """Note that somebody asked for something of a layer that depends on sizes."""
        self.facts.setdefault(layer, {})[name] = digest

    def missed(self) -> None:
        """Note that something was not here."""
        self.is_whole = False

    def listing(self, layer: str, listing: Listing) -> Listing:
        """Return a listing that tells what is looked at in it."""
        held = {name: getattr(listing, name) for name in Listing.__struct_fields__}
        found = WatchedListing(**{**held, "sizes": [], "raw_digests": b""})
        found.__dict__.update(watch=self, layer=layer, bare=listing)
        return found


class WatchedListing(Listing, frozen=True, dict=True):
    """A listing as ``Watch.listing`` makes it: columns of sizes and digests are another's."""

    @property
    def plain(self) -> Listing:
        """The same listing, which notes nothing."""
        bare: Listing = self.__dict__["bare"]
        return bare

    @property  # type: ignore[misc]
    def sizes(self) -> list[int]:
        """Bytes of all files, which is noted."""
        self._watch.all()
        return self.plain.sizes

    @property  # type: ignore[misc]
    def raw_digests(self) -> bytes:
        """Digests of all files, which is noted."""
        self._watch.all()
        return self.plain.raw_digests

    @property
    def digests(self) -> Mapping[int, bytes]:
        """Digests of all files by entry, which is noted."""
        self._watch.all()
        return self.plain.digests

    def size(self, entry: int) -> int:
        """Return the bytes of one file, which is noted."""
        self.look(entry)
        return self.plain.size(entry)

    def digest(self, entry: int) -> bytes:
        """Return the digest of one file, which is noted."""
        self.look(entry)
        return self.plain.digest(entry)

    def look(self, entry: int) -> None:
        """Note that the bytes of a file are looked at."""
        self._watch.one(self.__dict__["layer"], entry)

    @property
    def _watch(self) -> Watch:
        watch: Watch = self.__dict__["watch"]
        return watch


def without_sizes(listing: Listing) -> Listing:
    """Return a listing that knows no size and no digest: who asks for one fails."""
    return msgspec.structs.replace(listing.plain, sizes=[], raw_digests=b"")
