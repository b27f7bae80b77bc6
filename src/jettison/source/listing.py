"""One directory of a build context as it was listed: names and packed stat results.

In:  entries of a directory that is being read.
Out: ``Listing``.

A build looks at every file of its context, and mostly finds that nothing changed. So stat results
stay packed, which costs a tenth of the objects, until somebody asks for those of one file.
"""

from __future__ import annotations

import hashlib
import os
import stat
from itertools import starmap

import msgspec

from jettison.fs.tree import FileStat, HostStat, host_stat

_TYPE = 0o170000
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODER = msgspec.msgpack.Decoder(list[FileStat])


class Listing:
    """A directory: what is in it, and which excluded directories may hold something."""

    __slots__ = (
        "_files",
        "_names",
        "_packed",
        "_seen",
        "directories",
        "has_exceptions",
        "listed_ns",
        "maybe",
        "state",
    )

    def __init__(self, state: int, names: list[str], stats: list[HostStat], listed_ns: int) -> None:
        self.state = state
        self.listed_ns = listed_ns
        self.maybe: dict[str, FileStat] = {}
        self.has_exceptions = False
        self.directories = {
            name: FileStat(*each)
            for name, each in zip(names, stats, strict=True)
            if each[0] & _TYPE == stat.S_IFDIR
        }
        self._names = names
        self._seen = b""
        self._files: dict[str, FileStat] | None = None
        try:
            self._packed = _ENCODE(stats)
        except OverflowError:  # a time before 1678 or after 2554
            self._packed = repr(stats).encode()
            self._files = dict(zip(names, starmap(FileStat, stats), strict=True))

    def exclude(self, names: list[str], stats: list[HostStat]) -> None:
        """Add directories that are excluded, and may hold something that is not."""
        self.maybe = dict(zip(names, starmap(FileStat, stats), strict=True))
        self.has_exceptions = True

    @property
    def files(self) -> dict[str, FileStat]:
        """Stat results by name, those in ``maybe`` not among them."""
        if self._files is None:
            stats = _DECODER.decode(self._packed)
            self._files = dict(zip(self._names, stats, strict=True))
        return self._files

    def newest_ns(self) -> int:
        """Return the newest time of anything in it."""
        return max((max(each.mtime_ns, each.ctime_ns) for each in self.files.values()), default=0)

    @property
    def seen(self) -> bytes:
        """A digest of all names and stat results, in the order in which they were listed."""
        if not self._seen:
            names = "/".join(self._names).encode("utf-8", "surrogateescape")
            self._seen = hashlib.sha256(self._packed + names).digest()
        return self._seen


def look_at(entries: list[os.DirEntry[str]]) -> tuple[list[str], list[HostStat]]:
    """Return names and stat results of what is still there."""
    try:
        stats = [host_stat(entry.stat(follow_symlinks=False)) for entry in entries]
        return [entry.name for entry in entries], stats
    except FileNotFoundError:
        there = [entry for entry in entries if _is_there(entry)]
    return [entry.name for entry in there], [
        host_stat(entry.stat(follow_symlinks=False)) for entry in there
    ]


def _is_there(entry: os.DirEntry[str]) -> bool:
    try:
        entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True  # and it remembers its stat result
