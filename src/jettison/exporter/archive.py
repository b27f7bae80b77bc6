"""Tars that exports write: few members, no times, the same bytes for the same images.

In:  names with bytes or files.
Out: an uncompressed tar.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from jettison.errors import ExportError
from jettison.exporter.destination import copy_bytes
from jettison.layer.header import BLOCK, DIRECTORY, FILE, TarEntry, format_entry


class ArchiveWriter:
    """Writes one tar; directories are made as they are needed.

    Args:
        sink: Gets it; stays open.
    """

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._names: set[str] = set()

    def add(self, name: str, data: bytes) -> None:
        """Add a member; one of that name that is there already is the same and stays."""
        if self._begin(name, len(data)):
            self._sink.write(data)
            self._pad(len(data))

    def add_file(self, name: str, path: Path, size: int) -> None:
        """Add a member with the bytes of a file.

        Raises:
            ExportError: the file has another size.
        """
        if not self._begin(name, size):
            return
        with path.open("rb") as file:
            if (found := file.seek(0, 2)) != size:
                raise ExportError(f"`{path}` has {found} bytes instead of {size}")
            file.seek(0)
            copy_bytes(file, self._sink)
        self._pad(size)

    def close(self) -> None:
        """Write the end of the archive."""
        self._sink.write(bytes(2 * BLOCK))
        self._sink.flush()

    def _begin(self, name: str, size: int) -> bool:
        if name in self._names:
            return False
        parts = name.split("/")
        for depth in range(1, len(parts)):
            directory = "/".join(parts[:depth]) + "/"
            if directory not in self._names:
                self._names.add(directory)
                self._sink.write(
                    format_entry(TarEntry(directory.encode(), DIRECTORY, 0o755, 0, 0, 0, 0))
                )
        self._names.add(name)
        entry = TarEntry(name.encode(), FILE, 0o644, 0, 0, size, 0, stored_size=size)
        self._sink.write(format_entry(entry))
        return True

    def _pad(self, size: int) -> None:
        self._sink.write(bytes(-size % BLOCK))
