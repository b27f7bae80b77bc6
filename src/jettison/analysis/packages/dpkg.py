"""Debian packages: ``/var/lib/dpkg/status``, and ``status.d`` of images without a dpkg.

Source: dpkg(1), deb-control(5); ``status.d`` as distroless images have it, one file a package with
the list of files beside it (``NAME.md5sums``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from jettison.analysis.packages.base import (
    MAX_DATABASE,
    MAX_DOCUMENT,
    MAX_LIST,
    NOTHING,
    Details,
    Owned,
    PackageRecord,
    Reading,
    fields,
    text,
)

_DIRECTORY = "/var/lib/dpkg"
_SOURCE = re.compile(r"(\S+)(?:\s+\((\S+)\))?$")
_NAME = re.compile(r"\s*([a-z0-9][a-z0-9+.-]*)", re.ASCII)


def deb_packages(reading: Reading) -> Iterator[PackageRecord]:
    """Yield installed packages; those that left their configuration only are not."""
    path = reading.files.find(f"{_DIRECTORY}/status")
    info = reading.resolved(f"{_DIRECTORY}/info")
    data = reading.read(path, MAX_DATABASE) if path is not None else b""
    for paragraph in reading.paragraphs(path or "", data):
        known = fields(paragraph)
        if known.get("Status", "").split()[-1:] != ["installed"]:
            continue
        name = known.get("Package", "")
        lists = (name, f"{name}:{known.get('Architecture', '')}")
        found = _record(reading, known, path or "", _owned(reading, info, lists))
        if found is not None:
            yield found
    yield from _without_dpkg(reading)


def _owned(reading: Reading, info: str, lists: tuple[str, ...]) -> Owned:
    for each in lists:
        path = f"{info}/{each}.list"
        if "/" not in each and path in reading.files.entries:
            return reading.owned(reading.lines(path, reading.read(path, MAX_LIST)))
    return NOTHING


def _without_dpkg(reading: Reading) -> Iterator[PackageRecord]:
    for path in reading.files.below(f"{_DIRECTORY}/status.d"):
        if path.endswith(".md5sums"):
            continue
        known = fields(text(reading.read(path, MAX_DOCUMENT)))
        sums = reading.read(f"{path}.md5sums", MAX_LIST)
        owned = ("/" + line[34:].lstrip("./") for line in reading.lines(path, sums) if line[34:])
        found = _record(reading, known, path, reading.owned(owned))
        if found is not None:
            yield found


def _record(
    reading: Reading, known: Mapping[str, str], path: str, owned: Owned
) -> PackageRecord | None:
    name, version = known.get("Package", ""), known.get("Version", "")
    source = _SOURCE.match(known.get("Source", ""))
    details = Details(
        architecture=known.get("Architecture", ""),
        source=source[1] if source is not None else "",
        source_version=(source[2] or "") if source is not None else "",
        supplier=known.get("Maintainer", ""),
        needs=_needs(f"{known.get('Pre-Depends', '')},{known.get('Depends', '')}"),
        gives=_needs(known.get("Provides", "")),
    )
    return reading.record("deb", name, version, path, owned, details)


def _needs(line: str) -> Iterator[str]:
    """Yield the names of a list such as ``libc6 (>= 2.36), awk | mawk:any``."""
    for each in line.split(","):
        found = [name for name in map(_NAME.match, each.split("|")) if name is not None]
        if found:
            yield "|".join(name[1] for name in found)
