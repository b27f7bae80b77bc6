"""Lock files: which installed packages only development needs.

In:  a lock file, and the manifest that it belongs to.
Out: names with versions, or paths, of what is needed by ``devDependencies`` alone.

Source: npm, "package-lock.json" (``packages``, ``dev``); Yarn's lock files, version 1 and later;
pnpm's lock file, versions 5 to 9.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from jettison.analysis.node.indented import Map, child, parse_indented, word
from jettison.analysis.node.manifest import Manifest, decode_object, is_package_name

MAX_LOCK = 32 << 20
"""A larger lock file is not read."""
MAX_ENTRIES = 200_000

Named = tuple[str, str]
"""Name and version."""

_PNPM_KEY = re.compile(r"/?((?:@[^/@]+/)?[^/@]+)[@/]([^(_]+)")


def npm_development(data: bytes) -> frozenset[str] | None:
    """Return the paths that npm installed for development only, relative to the project.

    Args:
        data: Of ``package-lock.json``, or of npm's own in ``node_modules``.

    Returns:
        None if it is of version 1, or no lock file.
    """
    packages = (decode_object(data) or {}).get("packages")
    if not isinstance(packages, dict):
        return None
    return frozenset(
        path
        for path, says in packages.items()
        if path
        and isinstance(says, dict)
        and says.get("dev") is True
        and ".." not in path.split("/")
    )


def yarn_development(text: str, manifest: Manifest) -> frozenset[Named]:
    """Return what a ``yarn.lock`` has for the development of a project only."""
    known = parse_indented(text)
    entries: dict[str, Map] = {}
    for key, entry in known.items():
        if isinstance(entry, dict) and key != "__metadata":
            for pattern in key.split(","):
                entries[pattern.strip().strip('"')] = entry

    def find(name: str, wanted: str) -> Map | None:
        return entries.get(f"{name}@{wanted}") or entries.get(f"{name}@npm:{wanted}")

    def walk(names: Iterable[str]) -> frozenset[Named]:
        roots = [(name, manifest.ranges.get(name, "")) for name in names]
        return _closure(roots, lambda each: _yarn_entry(each, find))

    production = manifest.needed | manifest.optional | manifest.peers
    return walk(manifest.development) - walk(production)


def _yarn_entry(
    wanted: Named, find: Callable[[str, str], Map | None]
) -> tuple[Named, list[Named]] | None:
    entry = find(*wanted)
    if entry is None:
        return None
    uses = [
        (name, str(wanted))
        for field in ("dependencies", "optionalDependencies")
        for name, wanted in child(entry, field).items()
    ]
    return (wanted[0], word(entry, "version")), uses


def pnpm_development(text: str, project: str = ".") -> frozenset[Named]:
    """Return what a ``pnpm-lock.yaml`` has for the development of a project only.

    Args:
        text: Of the file.
        project: Directory of the project, relative to the file.
    """
    known = parse_indented(text)
    packages = child(known, "packages")
    flags = [word(each, "dev") for each in packages.values()]
    if any(flags):  # until version 6
        return frozenset(
            named
            for key, entry in packages.items()
            if word(entry, "dev") == "true" and (named := _pnpm_named(key)) is not None
        )
    snapshots = child(known, "snapshots") or packages
    importer = child(child(known, "importers"), project) or known

    def roots(*fields: str) -> Iterator[Named]:
        for field in fields:
            for name, says in child(importer, field).items():
                yield name, word(says, "version") or (says if isinstance(says, str) else "")

    def find(wanted: Named) -> tuple[Named, list[Named]] | None:
        name, version = wanted
        entry = snapshots.get(f"{name}@{version}")
        if entry is None:
            entry = snapshots.get(version)  # an alias: `npm:other@1`
            named = _pnpm_named(version)
        else:
            named = (name, version.partition("(")[0])
        if entry is None or named is None:
            return None
        uses = [
            (each, str(version))
            for field in ("dependencies", "optionalDependencies")
            for each, version in child(entry, field).items()
        ]
        return named, uses

    development = _closure(roots("devDependencies"), find)
    return development - _closure(roots("dependencies", "optionalDependencies"), find)


def _pnpm_named(key: str) -> Named | None:
    found = _PNPM_KEY.match(key)
    if found is None or not is_package_name(found[1]):
        return None
    return found[1], found[2]


def _closure(
    roots: Iterable[Named], find: Callable[[Named], tuple[Named, list[Named]] | None]
) -> frozenset[Named]:
    """Return names and versions of all that is wanted, and of what that wants."""
    seen: set[Named] = set()
    found: set[Named] = set()
    pending = list(roots)
    while pending and len(seen) < MAX_ENTRIES:
        wanted = pending.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        entry = find(wanted)
        if entry is not None:
            found.add(entry[0])
            pending += entry[1]
    return frozenset(found)
