"""Where the files of a COPY's layer come from: rules by prefix, written while it is made.

In:  what a copier planned.
Out: ``CopyOrigins``; an ``Origin`` for each path of the layer.

A directory that is copied whole is one rule, however many files it has. What the layer has besides
(directories on the way to the destination) matches no rule: the instruction itself made it.
"""

from __future__ import annotations

import enum
import os
import zlib
from functools import cached_property
from typing import NamedTuple

import msgspec

_MAX_BYTES = 1 << 28
_SMALL_BYTES = 512


class SourceKind(enum.Enum):
    """What a source of a COPY or ADD is."""

    FILE = "file"
    DIRECTORY = "directory"
    ARCHIVE = "archive"
    INLINE = "inline"


class CopiedSource(msgspec.Struct, frozen=True, array_like=True):
    """One source, after wildcards.

    Args:
        kind: A file, a directory whose contents were copied, an archive that was unpacked, or a
            heredoc.
        input: Index into the step's inputs; -1 for a heredoc.
        root: Its path there, without links; the name of a heredoc.
        target: Where it went: of a directory or an archive the directory that takes its contents.
            The root directory is empty text.
    """

    kind: SourceKind
    input: int
    root: str
    target: str


class Origin(NamedTuple):
    """Where a path of the layer was before: in an input, or as a member of an archive there."""

    source: CopiedSource
    path: str
    member: str = ""


class CopyOrigins(msgspec.Struct, frozen=True, dict=True):
    """The origins of all that a COPY or ADD put into its layer.

    Args:
        sources: In the order in which they were copied.
        rules: Path of the layer → index of the source that it and what is below it came from; the
            longest path that matches counts.
    """

    sources: tuple[CopiedSource, ...]
    rules: tuple[tuple[str, int], ...]

    @cached_property
    def _rules(self) -> dict[str, int]:
        return dict(self.rules)

    def find(self, path: str) -> Origin | None:
        """Return where a path came from, None if the instruction made it itself.

        The directory that takes the contents of another, or of an archive, is its own.

        >>> source = CopiedSource(SourceKind.DIRECTORY, 0, "/src", "/app")
        >>> CopyOrigins((source,), (("/app", 0),)).find("/app/a/b").path
        '/src/a/b'
        """
        rules, prefix = self._rules, path
        while prefix not in rules:
            if not prefix:
                return None
            prefix = prefix.rpartition("/")[0]
        source = self.sources[rules[prefix]]
        below = path[len(source.target) :]
        if not below and source.kind in _TAKEN_APART:
            return None
        if source.kind is SourceKind.ARCHIVE:
            return Origin(source, source.root, below[1:])
        return Origin(source, source.root.rstrip("/") + below)


_TAKEN_APART = {SourceKind.DIRECTORY, SourceKind.ARCHIVE}


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """The stored form; names need not be UTF-8."""

    sources: list[tuple[str, int, bytes, bytes]]
    rules: list[tuple[bytes, int]]


_decoder = msgspec.msgpack.Decoder(_Stored)


def encode_origins(origins: CopyOrigins) -> bytes:
    """Return the stored form."""
    stored = _Stored(
        [
            (each.kind.value, each.input, os.fsencode(each.root), os.fsencode(each.target))
            for each in origins.sources
        ],
        [(os.fsencode(path), index) for path, index in origins.rules],
    )
    data = msgspec.msgpack.encode(stored)
    return b"\0" + data if len(data) < _SMALL_BYTES else b"\1" + zlib.compress(data)


def decode_origins(data: bytes) -> CopyOrigins:
    """Return origins from their stored form.

    Raises:
        ValueError: it is damaged.
    """
    packed, body = data[:1], data[1:]
    try:
        if packed == b"\1":
            body = zlib.decompressobj().decompress(body, _MAX_BYTES)
        stored = _decoder.decode(body)
        sources = tuple(
            CopiedSource(SourceKind(kind), index, os.fsdecode(root), os.fsdecode(target))
            for kind, index, root, target in stored.sources
        )
    except (msgspec.DecodeError, zlib.error) as error:
        raise ValueError(f"damaged origins: {error}") from error
    if any(index >= len(sources) for _, index in stored.rules):
        raise ValueError("origins name a source that is not there")
    return CopyOrigins(sources, tuple((os.fsdecode(path), index) for path, index in stored.rules))
