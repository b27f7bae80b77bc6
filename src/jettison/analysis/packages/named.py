"""Packages that lie in directories of their own: gems, Composer, Conda.

Source: RubyGems' ``specifications``; Composer's ``installed.json``; Conda's ``conda-meta``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from jettison.analysis.packages.base import (
    MAX_DOCUMENT,
    MAX_LIST,
    Details,
    PackageRecord,
    Reading,
    as_names,
    as_text,
    text,
)

_GEM = re.compile(r"/specifications/(?:default/)?([^/]+?)-(\d[^-/]*)(?:-([^/]+))?\.gemspec$")
_GEM_LICENCES = re.compile(r"\.licenses? = \[?([^\]\n]*)")
_GEM_NEEDS = re.compile(r"\.add_(?:runtime_)?dependency\(?\s*(?:%q<|[\"'])([\w.-]+)")
_QUOTED = re.compile(r"[\"']([^\"']+)[\"']")
_CONDA = re.compile(r"/conda-meta/([^/]+)-([^-/]+)-[^-/]+\.json$")
COMPOSER = "/vendor/composer/installed.json"
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Composer(msgspec.Struct):
    """An entry of Composer's list; what may be of any type is looked at later."""

    name: str = ""
    version: str = ""
    license: Any = None
    require: Any = None


class _ComposerList(msgspec.Struct):
    packages: list[_Composer] = []


class _Conda(msgspec.Struct):
    """What counts of a record of Conda; what may be of any type is looked at later."""

    build: Any = None
    channel: Any = None
    subdir: Any = None
    license: Any = None
    depends: Any = None
    files: Any = None


def gem_package(reading: Reading, path: str) -> PackageRecord | None:
    """Return the gem whose specification is at a path."""
    found = _GEM.search(path)
    if found is None:
        return None
    name, version, platform = found.groups()
    stem = path.rpartition("/")[2].removesuffix(".gemspec")
    home = path[: found.start()]
    specification = text(reading.read(path, MAX_DOCUMENT))
    licences = _GEM_LICENCES.search(specification)
    details = Details(
        licence=" OR ".join(_QUOTED.findall(licences[1])) if licences is not None else "",
        needs=_GEM_NEEDS.findall(specification),
        scope=home,
        qualifiers=[("platform", platform)] if platform else (),
    )
    return reading.record("gem", name, version, path, reading.below(f"{home}/gems/{stem}"), details)


def conda_package(reading: Reading, path: str) -> PackageRecord | None:
    """Return the package whose record is at a path."""
    found = _CONDA.search(path)
    if found is None:
        return None
    try:
        known = msgspec.json.decode(reading.read(path, MAX_LIST), type=_Conda)
    except _UNREADABLE:
        return None
    prefix = path[: found.start()]
    files = known.files if isinstance(known.files, list) else []
    needs = known.depends if isinstance(known.depends, list) else []
    channel = as_text(known.channel).rstrip("/")
    subdir = as_text(known.subdir)
    details = Details(
        licence=as_text(known.license),
        needs=[each.split()[0] for each in needs if isinstance(each, str) and each.strip()],
        scope=prefix,
        qualifiers=[
            ("build", as_text(known.build)),
            ("channel", channel.removesuffix(f"/{subdir}").rpartition("/")[2]),
            ("subdir", subdir),
        ],
    )
    owned = reading.owned(f"{prefix}/{each}" for each in files if isinstance(each, str))
    return reading.record("conda", found[1], found[2], path, owned, details)


def composer_packages(reading: Reading, path: str) -> Iterator[PackageRecord]:
    """Yield the packages of a Composer list."""
    data = reading.read(path, MAX_LIST)
    try:
        decoded = msgspec.json.decode(data, type=_ComposerList | list[_Composer])
    except _UNREADABLE:
        return
    vendor = path.removesuffix("/composer/installed.json")
    for each in decoded if isinstance(decoded, list) else decoded.packages:
        licences = each.license if isinstance(each.license, list) else [each.license]
        details = Details(
            licence=" OR ".join(filter(None, map(as_text, licences[:8]))),
            needs=as_names(each.require),
            scope=vendor,
        )
        owned = reading.below(f"{vendor}/{each.name}")
        found = reading.record("composer", each.name, each.version, path, owned, details)
        if found is not None:
            yield found
