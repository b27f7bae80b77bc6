"""RPM's databases, wherever distributions put them.

In:  the files of a tree.
Out: ``PackageRecord`` values.

Source: RPM's macros ``_dbpath`` and ``_db_backend``; the lists that distroless images of Azure
Linux have in place of a database.

Security: what databases hold is bounded together, however often one header is named in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jettison.analysis.packages.base import (
    MAX_LIST,
    Details,
    PackageRecord,
    Reading,
)
from jettison.analysis.packages.rpm.bdb import bdb_headers
from jettison.analysis.packages.rpm.header import rpm_record
from jettison.analysis.packages.rpm.ndb import ndb_headers
from jettison.analysis.packages.rpm.sqlite import sqlite_headers

_DIRECTORIES = ("/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm")
_SQLITE, _NDB, _BDB = "rpmdb.sqlite", "Packages.db", "Packages"
_MANIFEST = "/var/lib/rpmmanifest/container-manifest-2"
_MAX_DATABASE = 1 << 30
_MAX_HEADERS = 512 << 20
_NONE = "(none)"


def rpm_packages(reading: Reading) -> Iterator[PackageRecord]:
    """Yield installed packages; of several databases in a directory the newest form counts."""
    seen = set()
    for directory in _DIRECTORIES:
        for name in (_SQLITE, _NDB, _BDB):
            path = reading.files.find(f"{directory}/{name}")
            if path is not None:
                if path not in seen:
                    seen.add(path)
                    yield from _of_database(reading, path, name)
                break
    yield from _of_manifest(reading)


def _of_database(reading: Reading, path: str, name: str) -> Iterator[PackageRecord]:
    if reading.files.entries[path].size > _MAX_DATABASE:
        reading.note(path, f"too large: more than {_MAX_DATABASE >> 30} GiB")
        return
    left = _MAX_HEADERS
    try:
        for blob in _headers(reading, path, name):
            left -= len(blob)
            if left < 0:
                reading.note(path, "too large: the rest of its packages is left out")
                return
            found = rpm_record(reading, blob, path)
            if found is not None:
                yield found
    except (ValueError, OSError) as error:
        reading.note(path, f"damaged: {error}")


def _headers(reading: Reading, path: str, name: str) -> Iterator[bytes]:
    if name == _SQLITE:
        yield from sqlite_headers(Path(reading.files.tree.host_path(path)))
        return
    file = reading.files.open(path)
    if file is not None:
        with file:
            yield from (ndb_headers if name == _NDB else bdb_headers)(file)


def _of_manifest(reading: Reading) -> Iterator[PackageRecord]:
    """Yield the packages of a list that ``rpm --queryformat`` wrote, a line each."""
    path = reading.files.find(_MANIFEST)
    for line in reading.lines(_MANIFEST, reading.read(_MANIFEST, MAX_LIST)):
        columns = [column if column != _NONE else "" for column in line.split("\t")]
        if len(columns) < 10 or path is None:
            continue
        name, version, _, _, vendor, _, _, architecture, epoch, source = columns[:10]
        details = Details(
            architecture=architecture,
            source=source,
            supplier=vendor,
            qualifiers=[("epoch", epoch)] if epoch.isdigit() and int(epoch) else (),
        )
        found = reading.record("rpm", name, version, path, details=details)
        if found is not None:
            yield found
