"""Packages that lie in directories of their own: npm, gems, Composer, Conda.

Source: npm's ``package.json``; RubyGems' ``specifications``; Composer's ``installed.json``; Conda's
``conda-meta``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from jettison.analysis.files import Files
from jettison.analysis.packages.base import MAX_DATABASE, MAX_DOCUMENT, Package, package

_NPM = re.compile(r"/node_modules/(?:@[^/]+/)?[^/@.][^/]*/package\.json$")
_GEM = re.compile(r"/specifications/(?:default/)?([^/]+?)-(\d[^-/]*)(?:-([^/]+))?\.gemspec$")
_CONDA = re.compile(r"/conda-meta/([^/]+)-([^-/]+)-[^-/]+\.json$")
COMPOSER = "/vendor/composer/installed.json"


class _Manifest(msgspec.Struct):
    """What counts of a ``package.json``, and of an entry of Composer's list."""

    name: str = ""
    version: str = ""


class _Composer(msgspec.Struct):
    packages: list[_Manifest] = []


def npm_package(files: Files, path: str) -> Package | None:
    """Return the package whose ``package.json`` is at a path; None if it is no package's."""
    if not _NPM.search(path):
        return None
    data = files.read(path, MAX_DOCUMENT)
    try:
        manifest = msgspec.json.decode(data or b"", type=_Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    owned = files.total(path.rpartition("/")[0], without="node_modules")
    return package("npm", manifest.name, manifest.version, owned)


def gem_package(files: Files, path: str) -> Package | None:
    """Return the gem whose specification is at a path."""
    found = _GEM.search(path)
    if found is None:
        return None
    name, version, _ = found.groups()
    stem = path.rpartition("/")[2].removesuffix(".gemspec")
    home = path[: found.start()]
    return package("gem", name, version, files.total(f"{home}/gems/{stem}"))


def conda_package(path: str) -> Package | None:
    """Return the package whose record is at a path; its name says all."""
    found = _CONDA.search(path)
    return package("conda", found[1], found[2]) if found is not None else None


def composer_packages(files: Files, path: str) -> Iterator[Package]:
    """Yield the packages of a Composer list."""
    data = files.read(path, MAX_DATABASE)
    try:
        decoded = msgspec.json.decode(data or b"", type=_Composer | list[_Manifest])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    vendor = path.removesuffix("/composer/installed.json")
    for each in decoded if isinstance(decoded, list) else decoded.packages:
        directory = f"{vendor}/{each.name}"
        found = package("composer", each.name, each.version, files.total(directory))
        if found is not None:
            yield found
