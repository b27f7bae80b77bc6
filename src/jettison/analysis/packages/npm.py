"""Packages of Node below ``node_modules``.

Source: npm's documentation of ``package.json``.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from jettison.analysis.packages.base import (
    MAX_DOCUMENT,
    Details,
    PackageRecord,
    Reading,
    as_names,
    as_text,
)

_NPM = re.compile(r"/node_modules/(?:@[^/]+/)?[^/@.][^/]*/package\.json$")


class _Manifest(msgspec.Struct):
    """What counts of a ``package.json``; what may be of any type is looked at later."""

    name: str = ""
    version: str = ""
    license: Any = None
    licenses: Any = None
    dependencies: Any = None
    optionalDependencies: Any = None  # noqa: N815 - npm's name of it


def npm_package(reading: Reading, path: str) -> PackageRecord | None:
    """Return the package whose ``package.json`` is at a path; None if it is no package's.

    Its scope is its directory: what it needs is looked for upwards from there.
    """
    if not _NPM.search(path):
        return None
    try:
        manifest = msgspec.json.decode(reading.read(path, MAX_DOCUMENT), type=_Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    directory = path.rpartition("/")[0]
    details = Details(
        licence=npm_licence(manifest.license) or npm_licence(manifest.licenses),
        needs=as_names(manifest.dependencies) + as_names(manifest.optionalDependencies),
        scope=directory,
    )
    owned = reading.below(directory, without="node_modules")
    return reading.record("npm", manifest.name, manifest.version, path, owned, details)


def npm_licence(value: object) -> str:
    """Return the licence that a ``package.json`` names; older ones have objects, or lists of them.

    >>> npm_licence("MIT"), npm_licence([{"type": "MIT"}, {"type": "ISC"}])
    ('MIT', 'MIT OR ISC')
    """
    if isinstance(value, dict):
        return as_text(value.get("type"))
    if isinstance(value, list):
        return " OR ".join(filter(None, map(npm_licence, value[:8])))
    return as_text(value)
