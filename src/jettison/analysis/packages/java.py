"""Java archives: the coordinates that Maven wrote into them, or their manifest.

Source: JAR file specification, META-INF/MANIFEST.MF; Maven's ``pom.properties``; Spring Boot's
"executable jars" and the servlet specification for archives in archives.

Security: an archive's directory is read only if it is small enough, entries are read up to a limit
whatever size they say, archives in archives are opened to a depth of two, so many of them and so
many bytes in all.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from jettison.analysis.packages.base import (
    NOTHING,
    Details,
    PackageRecord,
    Reading,
    fields,
    text,
)

if TYPE_CHECKING:
    from zipfile import ZipFile

SUFFIXES = (".jar", ".war", ".ear")
_POM = re.compile(r"META-INF/maven/[^/]+/[^/]+/pom\.properties$")
_MANIFEST = "META-INF/MANIFEST.MF"
_MAX_ARCHIVE = 512 << 20
_MAX_ENTRIES = 100_000
_MAX_ENTRY = 64 << 10
_MAX_POMS = 1000
_TAIL = 64 << 10
_MAX_INNER = 48 << 20
_MAX_INNER_BYTES = 256 << 20
_MAX_INNER_ARCHIVES = 2000
_MAX_DEPTH = 2
_METHODS = frozenset({0, 8})
"""Stored and deflated, as archives of Java are; others take memory as the archive likes."""


class _Found(NamedTuple):
    """What an archive says it is, or has in it."""

    name: str
    version: str
    licence: str
    path: str


class _Limit:
    """What may still be read of archives in archives of one file."""

    def __init__(self) -> None:
        self.archives = _MAX_INNER_ARCHIVES
        self.bytes = _MAX_INNER_BYTES
        self.is_reached = False


def java_packages(reading: Reading, path: str) -> Iterator[PackageRecord]:
    """Yield what an archive says it consists of; the archive counts for the first."""
    size = reading.files.entries[path].size
    if size > _MAX_ARCHIVE:
        reading.note(path, f"too large: more than {_MAX_ARCHIVE >> 20} MiB")
        return
    file = reading.files.open(path)
    if file is None:
        return
    limit = _Limit()
    with file:
        found = _archive(file, path, limit, 0)
    if limit.is_reached:
        reading.note(path, "too large: some of the archives in it are left out")
    owned = reading.owned([path])
    for each in dict.fromkeys(found):
        details = Details(licence=each.licence, scope=path)
        made = reading.record("java", each.name, each.version, each.path, owned, details)
        if made is not None:
            yield made
            # The others are known by the archive that they are in, and add nothing to its bytes.
            owned = NOTHING._replace(sample=owned.sample)


def _archive(file: BinaryIO | io.BytesIO, path: str, limit: _Limit, depth: int) -> list[_Found]:
    """Return what an open archive is, and what is in it; nothing if it cannot be read."""
    import zlib
    from zipfile import BadZipFile, ZipFile  # few images have archives

    file.seek(0, io.SEEK_END)
    file.seek(max(0, file.tell() - _TAIL))
    if not _is_small(file.read(_TAIL)):
        return []
    try:
        with ZipFile(file) as archive:
            found = list(_coordinates(archive, path)) or [_by_manifest(archive, path)]
            for name in archive.namelist():
                if name.endswith(SUFFIXES) and depth < _MAX_DEPTH:
                    found += _inner(archive, name, path, limit, depth)
            return found
    except (BadZipFile, OSError, ValueError, EOFError, RuntimeError, zlib.error):
        return []


def _inner(archive: ZipFile, name: str, path: str, limit: _Limit, depth: int) -> list[_Found]:
    if limit.archives <= 0 or limit.bytes <= 0:
        limit.is_reached = True
        return []
    limit.archives -= 1
    data = _entry(archive, name, min(_MAX_INNER, limit.bytes) + 1)
    limit.bytes -= len(data)
    if len(data) > _MAX_INNER or limit.bytes < 0:
        limit.is_reached = True
        return []
    return _archive(io.BytesIO(data), f"{path}:{name}", limit, depth + 1)


def _is_small(tail: bytes) -> bool:
    """Tell whether the end of an archive says that it has not too many entries to be listed."""
    at = tail.rfind(b"PK\x05\x06")
    return at >= 0 and int.from_bytes(tail[at + 12 : at + 16], "little") <= _MAX_ENTRIES * 64


def _coordinates(archive: ZipFile, path: str) -> Iterator[_Found]:
    poms = [name for name in archive.namelist() if _POM.match(name)]
    for name in poms[:_MAX_POMS]:
        lines = text(_entry(archive, name)).splitlines()
        known = dict(line.split("=", 1) for line in lines if "=" in line)
        group, artifact = known.get("groupId", ""), known.get("artifactId", "")
        if artifact:
            yield _Found(f"{group}:{artifact}".strip(":"), known.get("version", ""), "", path)


def _by_manifest(archive: ZipFile, path: str) -> _Found:
    try:
        known = fields(text(_entry(archive, _MANIFEST)))
    except KeyError:
        known = {}
    stem = path.rpartition("/")[2].rpartition(".")[0]
    name, _, version = stem.rpartition("-") if re.search(r"-\d[^-]*$", stem) else (stem, "", "")
    return _Found(
        known.get("Bundle-SymbolicName", "").partition(";")[0] or name or stem,
        known.get("Implementation-Version", "") or known.get("Bundle-Version", "") or version,
        known.get("Bundle-License", "").partition(";")[0],
        path,
    )


def _entry(archive: ZipFile, name: str, limit: int = _MAX_ENTRY) -> bytes:
    """Return the first bytes of an entry, none if they cannot be read.

    Raises:
        KeyError: there is no such entry.
    """
    import zlib
    from zipfile import BadZipFile

    if archive.getinfo(name).compress_type not in _METHODS:
        return b""
    try:
        with archive.open(name) as file:
            return file.read(limit)
    except (BadZipFile, OSError, ValueError, EOFError, RuntimeError, zlib.error):
        return b""
