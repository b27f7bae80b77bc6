"""Finds known values of secrets in bytes, files and layers, in whatever form they are there.

In:  values by name; bytes; the directory of a layer.
Out: ``Sighting`` values: whose, where, in what form.

Looked at are contents and names of files, link targets and extended attributes, and what streams
of gzip, xz and zstd and deflated members of zip archives hold (``analysis.secrets.inflate``), for
values in any form (``analysis.secrets.encodings``), also wrapped. What else is compressed, or
encrypted, is not seen. Each file is read once.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path

import msgspec

from jettison.analysis.secrets.encodings import LONGEST, Needle, forms, is_wrapped
from jettison.analysis.secrets.inflate import Inflating, inflater
from jettison.analysis.secrets.matching import Matcher
from jettison.fs.walk import walk
from jettison.fs.xattr import read_xattrs

_CHUNK = 256 << 10
_LINE = 64
_BASE64 = re.compile(rb"[A-Za-z0-9+/]+=*")
"""A long value of these is written in lines of any length, such as a key."""
_INFLATED_BYTES = 64 << 20
"""Of one file."""
_ALL_INFLATED_BYTES = 512 << 20
"""Of one layer."""
MAX_SIGHTINGS = 1000
"""So many are listed of one layer."""


class Sighting(msgspec.Struct, frozen=True):
    """A secret in a file.

    Args:
        secret: Its name.
        path: Absolute, in which crosses stand for a value; empty for bytes that are no file.
        form: How it is written: ``as it is``, ``base64``, …; ``compressed`` is said, too.
    """

    secret: str
    path: str
    form: str


class Searcher:
    """Looks for values.

    Args:
        secrets: Values by name.
    """

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        sought: dict[Needle, tuple[str, str]] = {}
        for name, value in secrets.items():
            for text, form in forms(value).items():
                # Who wrote all of a value wrote its beginning.
                wrapped = is_wrapped(form) or (len(text) > _LINE and _BASE64.fullmatch(text))
                sought[Needle(text[:LONGEST], bool(wrapped))] = (name, form)
        self._names = tuple(sought.values())
        self._matcher = Matcher(tuple(sought), whole=True)

    def in_bytes(self, data: bytes) -> Iterator[tuple[str, str]]:
        """Yield name and form of what is in bytes, each name once."""
        seen = set()
        for _, _, needle in self._matcher.hits(data):
            found = self._names[needle]
            if found[0] not in seen:
                seen.add(found[0])
                yield found

    def in_layer(self, layer: Path) -> Iterator[Sighting]:
        """Yield what is in a layer's directory, each name once a file, up to a limit.

        Raises:
            OSError: a file cannot be read.
        """
        if not self._names:
            return
        budget = _Budget(_ALL_INFLATED_BYTES)
        count = 0
        for path, st in walk(layer):
            seen: set[str] = set()
            for name, form in self._of_entry(os.fspath(layer / path), path, st, budget):
                if name not in seen:
                    seen.add(name)
                    yield Sighting(name, f"/{self.without_values(path)}", form)
                    count += 1
            if count >= MAX_SIGHTINGS:
                return

    def _of_entry(
        self, place: str, path: str, st: os.stat_result, budget: _Budget
    ) -> Iterator[tuple[str, str]]:
        yield from self.in_bytes(os.fsencode(path))
        if stat.S_ISREG(st.st_mode):
            if st.st_size:
                yield from self._in_file(place, budget)
        elif stat.S_ISLNK(st.st_mode):
            yield from self.in_bytes(os.fsencode(os.readlink(place)))
        for name, value in read_xattrs(place).items():
            yield from self.in_bytes(name.encode() + b"\0" + value)

    def _in_file(self, path: str, budget: _Budget) -> Iterator[tuple[str, str]]:
        with open(path, "rb", buffering=0) as file:
            plain = _Stream(self)
            inflated = _Stream(self)
            inside: Inflating | None = None
            began = False
            for chunk in _data(file):
                if not began:
                    began = True
                    inside = inflater(chunk, min(_INFLATED_BYTES, budget.left))
                yield from plain.feed(chunk)
                if inside is None:
                    continue
                for data in inside.feed(chunk):
                    budget.left -= len(data)
                    for name, form in inflated.feed(data):
                        yield name, f"compressed, {form}"

    @property
    def overlap(self) -> int:
        """So many bytes of a chunk may belong to a value that ends in the next."""
        return self._matcher.overlap

    def without_values(self, text: str) -> str:
        """Return a text, or a path, with crosses in the place of each value."""
        data = os.fsencode(text)
        for begin, end in reversed(self._matcher.spans(data)):
            data = data[:begin] + b"***" + data[end:]
        return os.fsdecode(data)


class _Budget:
    """What may still be decompressed of a layer."""

    def __init__(self, left: int) -> None:
        self.left = left


class _Stream:
    """Bytes that come in chunks, each of which is searched with the end of the one before."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[tuple[str, str]]:
        data = self._rest + chunk
        yield from self._searcher.in_bytes(data)
        self._rest = data[-self._searcher.overlap :]


def _data(file: FileIO) -> Iterator[bytes]:
    """Yield the bytes of a file in chunks; holes, which may be huge, are left out."""
    position, size = 0, os.fstat(file.fileno()).st_size
    while position < size:
        try:
            begin = os.lseek(file.fileno(), position, os.SEEK_DATA)
            position = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                return
            raise
        file.seek(begin)
        while begin < position and (chunk := file.read(min(_CHUNK, position - begin))):
            yield chunk
            begin += len(chunk)
