"""Entries of jars, read one by one.

In:  the path of an archive in a tree.
Out: ``Archive``: the manifest, names and bytes of entries.

Security: the number of entries is looked at before they are listed, an entry is read up to a limit
whatever it says of its size, and archives in archives are not opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jettison.analysis.files import Files

if TYPE_CHECKING:
    from zipfile import ZipFile

MAX_ARCHIVE = 512 << 20
MAX_DIRECTORY = 32 << 20
"""Bytes of the list of entries; a longer one is not read."""
_TAIL = 66 << 10
_MAX_MANIFEST = 256 << 10
_MANIFEST = "META-INF/MANIFEST.MF"


class Archive:
    """An open archive."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self._names = frozenset(archive.namelist())

    @property
    def names(self) -> frozenset[str]:
        """Of all entries."""
        return self._names

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the first bytes of an entry, None if there is none that can be read."""
        if name not in self._names:
            return None
        import zlib
        from lzma import LZMAError
        from zipfile import BadZipFile

        try:
            with self._archive.open(name) as file:
                return file.read(limit)
        except (BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
            return None
        except (RuntimeError, zlib.error, LZMAError, KeyError):
            return None

    def manifest(self) -> dict[str, str]:
        """Return the main section of the manifest."""
        data = self.read(_MANIFEST, _MAX_MANIFEST)
        return parse_jar_manifest((data or b"").decode("utf-8", "replace"))


def parse_jar_manifest(text: str) -> dict[str, str]:
    r"""Return the main section of a manifest; long values go on in lines that begin with a blank.

    >>> parse_jar_manifest("Main-Class: a.\r\n B\r\n\r\nName: x\r\n")
    {'Main-Class': 'a.B'}
    """
    found: dict[str, str] = {}
    last = ""
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line:
            break
        if line.startswith(" "):
            if last:
                found[last] += line[1:]
            continue
        last, colon, value = line.partition(":")
        if colon:
            found[last] = value.removeprefix(" ")
        else:
            last = ""
    return found


@contextmanager
def open_archive(files: Files, path: str) -> Iterator[Archive | None]:
    """Open an archive; None is what cannot be read as one."""
    import struct
    from zipfile import BadZipFile, ZipFile

    found = files.find(path)
    size = files.size(found) if found is not None else MAX_ARCHIVE + 1
    file = files.open(path) if size <= MAX_ARCHIVE else None
    if file is None:
        yield None
        return
    with file:
        archive = None
        try:
            file.seek(max(0, size - _TAIL))
            if _is_small(file.read(_TAIL)):
                archive = ZipFile(file)
        except (BadZipFile, OSError, ValueError, NotImplementedError, struct.error):
            archive = None
        yield Archive(archive) if archive is not None else None


def _is_small(tail: bytes) -> bool:
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 16:
        return False
    return int.from_bytes(tail[at + 12 : at + 16], "little") <= MAX_DIRECTORY
