"""Distributions that are installed in a directory, what they own and what they require.

In:  directories of a search path.
Out: ``Distribution``.

Source: the PyPA specification "Recording installed projects"; setuptools' egg-info before it.
"""

from __future__ import annotations

import csv
import posixpath
import re
from collections.abc import Iterable, Iterator

import msgspec

from jettison.analysis.packages.base import text
from jettison.analysis.python.lookup import Lookup
from jettison.analysis.python.requirements import normal_name

_MAX_METADATA = 256 << 10
_MAX_RECORD = 16 << 20
_MAX_OWNED = 200_000
_MAX_REQUIRES = 1000
_NAMED = re.compile(r"(.+?)-([^-]+?)(?:-py\d[^-]*(?:-.+)?)?\.(?:dist|egg)-info")


class Distribution(msgspec.Struct, frozen=True):
    """A distribution.

    Args:
        name: Normalised.
        version: As its metadata says.
        site: Directory in which it is installed.
        metadata: Its ``dist-info`` or ``egg-info``: a directory, or an old one's only file.
        requires: Lines of ``Requires-Dist``.
    """

    name: str
    version: str
    site: str
    metadata: str
    requires: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Name and version, for people."""
        return f"{self.name} {self.version}".strip()


def distributions(lookup: Lookup, sites: Iterable[str]) -> dict[str, Distribution]:
    """Return what is installed by name; of two of one name, that which comes first is seen."""
    found: dict[str, Distribution] = {}
    for site in sites:
        for name in lookup.names(site):
            if name.endswith((".dist-info", ".egg-info")):
                each = _read(lookup, site, name)
                if each is not None:
                    found.setdefault(each.name, each)
            elif name.endswith(".egg-link"):
                each = _linked(lookup, site, name)
                if each is not None:
                    found.setdefault(each.name, each)
    return found


def owned(lookup: Lookup, one: Distribution) -> Iterator[str]:
    """Yield the paths of files that a distribution owns, as far as it says."""
    record = lookup.files.read(f"{one.metadata}/RECORD", _MAX_RECORD)
    if record is not None:
        lines = text(record).replace("\0", "").splitlines()[:_MAX_OWNED]
        try:
            rows = [row[0] for row in csv.reader(lines) if row]
        except csv.Error:
            rows = [line.partition(",")[0] for line in lines]
        base = one.site
    else:
        listed = lookup.files.read(f"{one.metadata}/installed-files.txt", _MAX_RECORD)
        rows, base = text(listed or b"").splitlines()[:_MAX_OWNED], one.metadata
    for row in rows:
        if row and (row[0] in "./" or "/." in row or "//" in row):
            yield posixpath.normpath(posixpath.join(base, row))
        elif row:
            yield f"{base}/{row}"


def tops(lookup: Lookup, one: Distribution) -> tuple[str, ...]:
    """Return names in ``one.site`` that belong to a distribution: files and directories."""
    prefix = one.site + "/"
    found = dict.fromkeys(
        path.removeprefix(prefix).partition("/")[0]
        for path in owned(lookup, one)
        if path.startswith(prefix)
    )
    if not found:
        listed = lookup.files.read(f"{one.metadata}/top_level.txt", _MAX_METADATA)
        for name in text(listed or b"").split():
            for each in (name, name + ".py"):
                if lookup.has(prefix + each):
                    found.setdefault(each)
        found.setdefault(one.metadata.removeprefix(prefix).partition("/")[0])
    return tuple(each for each in found if each != "__pycache__")


def owners(lookup: Lookup, known: Iterable[Distribution]) -> dict[str, Distribution]:
    """Return module names at the top of a directory to the distribution that owns them."""
    found: dict[str, Distribution] = {}
    for one in known:
        for name in tops(lookup, one):
            if not name.endswith((".dist-info", ".egg-info")):
                found.setdefault(name.partition(".")[0], one)
    return found


def _read(lookup: Lookup, site: str, name: str) -> Distribution | None:
    path = f"{site}/{name}"
    directory = lookup.directory(path)
    file = path
    if directory is not None:
        file = f"{path}/{'METADATA' if name.endswith('.dist-info') else 'PKG-INFO'}"
    data = lookup.files.read(file, _MAX_METADATA, whole=False)
    named = _NAMED.fullmatch(name)
    if data is None or (directory is not None and name == ".egg-info"):
        return None
    head = text(data).replace("\r\n", "\n").partition("\n\n")[0]
    fields = _fields(head)
    title = (fields.get("name") or [named[1] if named else ""])[0]
    version = (fields.get("version") or [named[2] if named else ""])[0]
    if not title or not (title + version).isprintable() or len(title + version) > 400:
        return None
    requires = fields.get("requires-dist", [])
    if not requires and name.endswith(".egg-info") and directory is not None:
        requires = list(
            _old_requires(text(lookup.files.read(f"{path}/requires.txt", _MAX_METADATA) or b""))
        )
    return Distribution(normal_name(title), version, site, path, tuple(requires[:_MAX_REQUIRES]))


def _linked(lookup: Lookup, site: str, name: str) -> Distribution | None:
    """Return the distribution that an ``.egg-link`` leads to; a dangling one is known by name."""
    lines = text(lookup.files.read(f"{site}/{name}", _MAX_METADATA) or b"").splitlines()
    place = lookup.directory(posixpath.join(site, lines[0].strip())) if lines else None
    for each in lookup.names(place) if place is not None else ():
        if place is not None and each.endswith(".egg-info"):
            found = _read(lookup, place, each)
            if found is not None:
                return found
    title = name.removesuffix(".egg-link")
    return Distribution(normal_name(title), "", site, f"{site}/{name}") if title else None


def _fields(head: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in head.split("\n"):
        name, colon, value = line.partition(":")
        if colon and name[:1] not in {"", " ", "\t"}:
            found.setdefault(name.lower(), []).append(value.strip())
    return found


def _old_requires(content: str) -> Iterator[str]:
    """Yield the lines of a ``requires.txt``: sections are extras, or conditions."""
    marker = ""
    for raw in content.splitlines():
        line = raw.strip()
        if line.startswith("["):
            extra, _, condition = line.strip("[]").partition(":")
            tests = [f'extra == "{extra}"'] if extra else []
            tests += [f"({condition})"] if condition else []
            marker = " and ".join(tests)
        elif line:
            yield f"{line} ; {marker}" if marker else line
