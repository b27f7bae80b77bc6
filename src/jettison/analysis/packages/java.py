"""Java archives: the coordinates that Maven wrote into them, or their manifest.

Source: JAR file specification, META-INF/MANIFEST.MF; Maven's ``pom.properties``.

Security: an archive's directory is read only if it is small enough, entries are read up to a limit
whatever size they say, and archives in archives are not opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jettison.analysis.files import Files
from jettison.analysis.packages.base import Package, fields, package, text

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


def java_packages(files: Files, path: str) -> Iterator[Package]:
    """Yield what an archive says it consists of; the archive counts for the first."""
    size = files.entries[path].size
    file = files.open(path) if size <= _MAX_ARCHIVE else None
    if file is None:
        return
    from zipfile import BadZipFile, ZipFile  # few images have archives

    with file:
        file.seek(max(0, size - _TAIL))
        if not _is_small(file.read(_TAIL)):
            return
        try:
            with ZipFile(file) as archive:
                found = list(_coordinates(archive)) or [_by_manifest(archive, path)]
        except (BadZipFile, OSError, ValueError, NotImplementedError, EOFError, RuntimeError):
            return
    owned = (size, 1)
    for name, version in dict.fromkeys(found):
        each = package("java", name, version, owned)
        if each is not None:
            yield each
            owned = (0, 0)


def _is_small(tail: bytes) -> bool:
    """Tell whether the end of an archive says that it has not too many entries to be listed."""
    at = tail.rfind(b"PK\x05\x06")
    return at >= 0 and int.from_bytes(tail[at + 12 : at + 16], "little") <= _MAX_ENTRIES * 64


def _coordinates(archive: ZipFile) -> Iterator[tuple[str, str]]:
    poms = [name for name in archive.namelist() if _POM.match(name)]
    for name in poms[:_MAX_POMS]:
        lines = _entry(archive, name).splitlines()
        known = dict(line.split("=", 1) for line in lines if "=" in line)
        group, artifact = known.get("groupId", ""), known.get("artifactId", "")
        if artifact:
            yield f"{group}:{artifact}".strip(":"), known.get("version", "")


def _by_manifest(archive: ZipFile, path: str) -> tuple[str, str]:
    try:
        known = fields(_entry(archive, _MANIFEST))
    except KeyError:
        known = {}
    stem = path.rpartition("/")[2].rpartition(".")[0]
    name, _, version = stem.rpartition("-") if re.search(r"-\d[^-]*$", stem) else (stem, "", "")
    return (
        known.get("Bundle-SymbolicName", "").partition(";")[0] or name or stem,
        known.get("Implementation-Version", "") or known.get("Bundle-Version", "") or version,
    )


def _entry(archive: ZipFile, name: str) -> str:
    with archive.open(name) as file:
        return text(file.read(_MAX_ENTRY))
