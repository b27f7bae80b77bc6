"""RPM packages: ``rpmdb.sqlite``, the form that RPM has written since 4.16.

The forms before it (Berkeley DB) and SUSE's (NDB) are not read; ``UNREAD`` names their files, so
that a report can say so.

Source: RPM, ``lib/backend/sqlite.c`` for the table, "RPM Package File Structure" for headers.

Security: the database is opened read-only, its schema is not trusted (no views, triggers or
functions of it take effect), and statements end after a number of steps.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from jettison.analysis.files import Files
from jettison.analysis.packages.base import Measure, Owned, Package, package, text

_DIRECTORIES = ("/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm")
UNREAD = tuple(f"{each}/{name}" for each in _DIRECTORIES for name in ("Packages", "Packages.db"))
_MAX_DATABASE = 1 << 30
_MAX_HEADER = 32 << 20
_MAX_ENTRIES = 4096
_MAX_STRINGS = 1_000_000
_STEPS = 200_000_000
_STEPS_AT_ONCE = 1_000_000
_NAME, _VERSION, _RELEASE, _DIR_INDEXES, _BASE_NAMES, _DIR_NAMES = (
    1000,
    1001,
    1002,
    1116,
    1117,
    1118,
)
_INT32, _STRING, _STRINGS = 4, 6, 8
_PSEUDO = "gpg-pubkey"

_Header = dict[int, tuple[str, ...] | tuple[int, ...]]


def rpm_packages(files: Files, measure: Measure) -> Iterator[Package]:
    """Yield installed packages."""
    found = [files.find(f"{each}/rpmdb.sqlite") for each in _DIRECTORIES]
    for path in dict.fromkeys(filter(None, found)):
        if files.entries[path].size > _MAX_DATABASE:
            continue
        for blob in _blobs(Path(files.tree.host_path(path))):
            try:
                header = _header(blob)
            except (struct.error, ValueError, IndexError):
                continue
            name = _first(header, _NAME)
            version = f"{_first(header, _VERSION)}-{_first(header, _RELEASE)}"
            if name != _PSEUDO:
                each = package("rpm", name, version, _owned(header, measure))
                if each is not None:
                    yield each


def unread(files: Files) -> list[str]:
    """Return the paths of databases in forms that are not read."""
    return [path for path in UNREAD if files.find(path) == path]


def _blobs(path: Path) -> Iterator[bytes]:
    import sqlite3  # few images have it

    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += _STEPS_AT_ONCE
        return steps > _STEPS

    try:
        uri = f"file:{quote(str(path))}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as database:
            database.execute("PRAGMA trusted_schema=OFF")
            database.execute("PRAGMA cell_size_check=ON")
            database.set_progress_handler(count, _STEPS_AT_ONCE)
            kinds = database.execute("SELECT type FROM sqlite_schema WHERE name = 'Packages'")
            if kinds.fetchall() != [("table",)]:
                return
            rows = database.execute(
                "SELECT blob FROM Packages WHERE length(blob) <= ?", (_MAX_HEADER,)
            )
            for (blob,) in rows:
                if isinstance(blob, bytes):
                    yield blob
    except sqlite3.Error:
        return


def _header(blob: bytes) -> _Header:
    """Return the entries of a header that are of interest."""
    count, size = struct.unpack_from(">II", blob)
    if count > _MAX_ENTRIES or 8 + 16 * count + size > len(blob):
        raise ValueError("a header that is larger than its blob")
    data = blob[8 + 16 * count :]
    found: _Header = {}
    for index in range(count):
        tag, kind, offset, number = struct.unpack_from(">IIII", blob, 8 + 16 * index)
        if tag in {_NAME, _VERSION, _RELEASE, _BASE_NAMES, _DIR_NAMES} and kind in {
            _STRING,
            _STRINGS,
        }:
            found[tag] = _strings(data, offset, number)
        elif tag == _DIR_INDEXES and kind == _INT32 and number <= _MAX_STRINGS:
            found[tag] = struct.unpack_from(f">{number}I", data, offset)
    return found


def _strings(data: bytes, offset: int, number: int) -> tuple[str, ...]:
    if number > _MAX_STRINGS:
        raise ValueError("more strings than a package has")
    return tuple(map(text, data[offset:].split(b"\0", number)[:number]))


def _first(header: _Header, tag: int) -> str:
    return str(header.get(tag, ("",))[0])


def _owned(header: _Header, measure: Measure) -> Owned:
    directories = header.get(_DIR_NAMES, ())
    names, indexes = header.get(_BASE_NAMES, ()), header.get(_DIR_INDEXES, ())
    return measure.of_paths(
        f"{directories[index]}{name}"
        for name, index in zip(names, indexes, strict=False)
        if isinstance(index, int) and index < len(directories)
    )
