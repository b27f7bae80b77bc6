"""Packages of Node that a lock file names, where nothing is installed beside it.

They are only declared: whoever runs the package manager there gets them.

Source: npm's documentation of ``package-lock.json`` (versions 1 to 3); the lock files of yarn, in
its first form and in that of Berry; pnpm's ``pnpm-lock.yaml`` (versions 5 to 9).

Security: the YAML of these files is read by lines, as their programs write it; there are no
anchors, and nothing of a document is nested deeper than it is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from jettison.analysis.packages.base import (
    MAX_LIST,
    MAX_PACKAGES,
    Details,
    PackageRecord,
    Reading,
    as_names,
    as_text,
)
from jettison.analysis.packages.npm import npm_licence

_MAX_DEPTH = 16
_YARN_KEY = re.compile(r'"?((?:@[^/@"]+/)?[^@"]+)@')
_WORDS = re.compile(r'"([^"]*)"|([^\s:"]+)')
_PNPM_KEY = re.compile(r"['\"]?/?((?:@[^/]+/)?[^/@]+)[@/]([^('\":/_]+)")


class _Locked(NamedTuple):
    """A package of a lock file; ``gives`` are the names by which others of it need it."""

    name: str
    version: str
    licence: str
    needs: list[str]
    gives: list[str]


class _PackageLock(msgspec.Struct):
    """What counts of a ``package-lock.json``; what may be of any type is looked at later."""

    packages: dict[str, Any] = {}
    dependencies: dict[str, Any] = {}


def lockfile_packages(reading: Reading, path: str) -> Iterator[PackageRecord]:
    """Yield the packages of a lock file, none where a ``node_modules`` is beside it."""
    directory, _, name = path.rpartition("/")
    if f"{directory}/node_modules" in reading.files.entries or "/node_modules/" in path:
        return
    for each in _READERS[name](reading, path):
        details = Details(
            licence=each.licence, needs=each.needs, gives=each.gives, scope=path, is_declared=True
        )
        found = reading.record("npm", each.name, each.version, path, details=details)
        if found is not None:
            yield found


def is_lockfile(path: str) -> bool:
    """Tell whether a path is that of a lock file."""
    return path.rpartition("/")[2] in _READERS


def _package_lock(reading: Reading, path: str) -> Iterator[_Locked]:
    try:
        known = msgspec.json.decode(reading.read(path, MAX_LIST), type=_PackageLock)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    for key, value in known.packages.items():
        name = key.rpartition("node_modules/")[2]
        if "node_modules/" in key and isinstance(value, dict) and not value.get("link"):
            name = as_text(value.get("name")) or name
            yield _locked(name, value, "dependencies", "optionalDependencies")
    pending = [] if known.packages else [(known.dependencies, 0)]
    while pending:
        level, depth = pending.pop()
        for name, value in level.items():
            if isinstance(value, dict):
                yield _locked(name, value, "requires")
                inner = value.get("dependencies")
                if isinstance(inner, dict) and depth < _MAX_DEPTH:
                    pending.append((inner, depth + 1))


def _locked(name: str, value: dict[str, Any], *needs: str) -> _Locked:
    wanted = [each for kind in needs for each in as_names(value.get(kind))]
    licence = npm_licence(value.get("license"))
    return _Locked(name, as_text(value.get("version")), licence, wanted, [])


def _yarn(reading: Reading, path: str) -> Iterator[_Locked]:
    """Yield the packages of a ``yarn.lock``: entries at the margin, what is about them below."""
    found: _Locked | None = None
    section = ""
    for line in reading.lines(path, reading.read(path, MAX_LIST)):
        if not line.strip() or line.startswith("#"):
            continue
        words = [quoted or plain for quoted, plain in _WORDS.findall(line)]
        if not line.startswith(" "):
            if found is not None:
                yield found
            found, section = _yarn_entry(line), ""
        elif found is None or not words:
            continue
        elif not line.startswith("   "):
            section = words[0]
            if section == "version" and len(words) > 1:
                found = found._replace(version=words[1])
            elif section == "resolution" and "@workspace:" in line:
                found = None  # the project itself
        elif section in {"dependencies", "optionalDependencies"} and len(words) > 1:
            found.needs.append(f"{words[0]}@{words[1].removeprefix('npm:')}")
    if found is not None:
        yield found


def _yarn_entry(line: str) -> _Locked | None:
    key = _YARN_KEY.match(line)
    if key is None:
        return None
    ranges = [each.strip().strip('"') for each in line.rstrip(": ").split(",")]
    return _Locked(key[1], "", "", [], [each.replace("@npm:", "@", 1) for each in ranges])


def _pnpm(reading: Reading, path: str) -> Iterator[_Locked]:
    """Yield the packages of a ``pnpm-lock.yaml``: keys of ``packages``, needs of ``snapshots``."""
    packages: dict[str, _Locked] = {}
    section = part = ""
    found: _Locked | None = None
    for line in reading.lines(path, reading.read(path, MAX_LIST)):
        depth = len(line) - len(line.lstrip(" "))
        if not line.strip():
            continue
        if depth == 0:
            section, found = line.partition(":")[0], None
        elif depth == 2 and section in {"packages", "snapshots"}:
            found = _pnpm_entry(line, packages)
        elif depth == 4:
            part = line.strip().partition(":")[0]
        elif depth == 6 and found is not None and part in {"dependencies", "optionalDependencies"}:
            name, _, version = line.strip().partition(": ")
            name = name.strip("'\"")
            found.needs.append(f"{name}@{re.split(r'[(_]', version.strip(chr(39)))[0]}")
    yield from packages.values()


def _pnpm_entry(line: str, packages: dict[str, _Locked]) -> _Locked | None:
    key = _PNPM_KEY.match(line.strip())
    if key is None or len(packages) >= MAX_PACKAGES:
        return None
    full = f"{key[1]}@{key[2]}"
    return packages.setdefault(full, _Locked(key[1], key[2], "", [], [full]))


_READERS: dict[str, Callable[[Reading, str], Iterator[_Locked]]] = {
    "package-lock.json": _package_lock,
    "npm-shrinkwrap.json": _package_lock,
    "yarn.lock": _yarn,
    "pnpm-lock.yaml": _pnpm,
}
