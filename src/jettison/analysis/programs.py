"""The programs of a root file system: ELF files and scripts, each file opened once.

In:  entries of a tree or of a layer, and what opens them.
Out: ``Programs``; ``LayerPrograms``, which whoever asks keeps by layer.

A program is what can be executed, and begins as one does: with the magic number of ELF, or with
``#!``. Libraries, which need not be executable, are known by their names.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from functools import cached_property

import msgspec

from jettison.analysis.elf.model import Elf
from jettison.analysis.elf.parse import parse
from jettison.analysis.elf.reader import HEAD
from jettison.analysis.files import Files, Open, may_be_program
from jettison.analysis.shebang import HEAD_BYTES, Script, script_of
from jettison.fs.listing import Listing

Program = Elf | Script

_MAX_STORED = 256 << 20


class LayerPrograms(msgspec.Struct, frozen=True, array_like=True):
    """The programs of a layer, by the number of the entry in its listing."""

    elves: dict[int, Elf] = {}
    scripts: dict[int, Script] = {}

    def find(self, entry: int) -> Program | None:
        """Return what an entry is, None if it is no program."""
        return self.elves.get(entry) or self.scripts.get(entry)


FindLayer = Callable[[int], LayerPrograms]
"""Finds the programs of a layer by its number in the stack."""


class Programs:
    """The programs of a tree.

    Args:
        files: Of the tree.
        find_layer: Of a tree of layers, whose stat results have the number of the layer as device
            and that of the entry as inode; without it files are read when they are asked for.
    """

    def __init__(self, files: Files, find_layer: FindLayer | None = None) -> None:
        self._files = files
        self._find_layer = find_layer
        self._layers: dict[int, LayerPrograms] = {}
        self._read: dict[tuple[int, int], Program | None] = {}

    def find(self, path: str) -> Program | None:
        """Return what a file is; None if it is no program.

        Args:
            path: In the tree, without links.
        """
        st = self._files.entries.get(path)
        if st is None or not may_be_program(path, st.mode):
            return None
        if self._find_layer is not None:
            layer = self._layers.get(st.device)
            if layer is None:
                layer = self._layers[st.device] = self._find_layer(st.device)
            return layer.find(st.inode)
        if st.identity not in self._read:
            self._read[st.identity] = self._open(path)
        return self._read[st.identity]

    def elf(self, path: str) -> Elf | None:
        """Return what an ELF file says; None if it is none."""
        found = self.find(path)
        return found if isinstance(found, Elf) else None

    def script(self, path: str) -> Script | None:
        """Return the first line of a script; None if it is none."""
        found = self.find(path)
        return found if isinstance(found, Script) else None

    @cached_property
    def elves(self) -> dict[str, Elf]:
        """All ELF files by path, in the order of the tree; a file with several names has each."""
        found = ((path, self.elf(path)) for path in self._files.programs)
        return {path: elf for path, elf in found if elf is not None}

    @cached_property
    def scripts(self) -> dict[str, Script]:
        """All scripts that may be executed by path, in the order of the tree."""
        found = ((path, self.script(path)) for path in self._files.programs)
        return {path: script for path, script in found if script is not None}

    def _open(self, path: str) -> Program | None:
        file = self._files.open(path)
        if file is None:
            return None
        with file:
            return read_program(file.fileno())


def read_program(descriptor: int) -> Program | None:
    """Return what an open file is; None if it is no program, or cannot be read."""
    try:
        head = os.pread(descriptor, HEAD, 0)
    except OSError:
        return None
    return parse(descriptor, head) or script_of(head[:HEAD_BYTES])


def scan_layer(listing: Listing, open_file: Open) -> LayerPrograms:
    """Return the programs of a layer.

    Args:
        listing: Its entries; of a file with several names the first is opened.
        open_file: Opens one of them.
    """
    elves: dict[int, Elf] = {}
    scripts: dict[int, Script] = {}
    links = listing.links
    for entry, (path, mode) in enumerate(zip(listing.paths, listing.modes, strict=True)):
        if not may_be_program(path, mode) or entry in links:
            continue
        descriptor = open_file(path)
        if descriptor is None:
            continue
        try:
            found = read_program(descriptor)
        finally:
            os.close(descriptor)
        if isinstance(found, Elf):
            elves[entry] = found
        elif found is not None:
            scripts[entry] = found
    return LayerPrograms(elves, scripts)


_decoder = msgspec.msgpack.Decoder(LayerPrograms)


def encode_programs(programs: LayerPrograms) -> bytes:
    """Return the stored form."""
    return zlib.compress(msgspec.msgpack.encode(programs), 1)


def decode_programs(data: bytes) -> LayerPrograms | None:
    """Return the programs of a layer from their stored form; None if it is damaged."""
    try:
        return _decoder.decode(zlib.decompressobj().decompress(data, _MAX_STORED))
    except (zlib.error, msgspec.DecodeError):
        return None
