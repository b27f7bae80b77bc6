"""The packages that installed packages say they need, and those that are not there.

In:  directories of packages.
Out: ``PackageGraph``.

Only their ``package.json`` are read. That one which is needed is not there proves nothing yet: what
is never loaded may have been left out on purpose, as tools do that trace files.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from jettison.analysis.node.manifest import Manifest
from jettison.analysis.node.modules import Modules

MAX_PACKAGES = 20_000


class InstalledPackage(msgspec.Struct, frozen=True):
    """A package in ``node_modules``.

    Args:
        directory: Links followed.
        manifest: What it says.
        uses: Directories of the packages that it needs or can use, as far as they are there.
        absent: Names of those it needs that are not there.
    """

    directory: str
    manifest: Manifest
    uses: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


class PackageGraph(msgspec.Struct, frozen=True):
    """All packages that others lead to.

    Args:
        packages: By directory.
        is_whole: Whether there are no more.
    """

    packages: dict[str, InstalledPackage]
    is_whole: bool = True

    def leading_to(self, directories: Iterable[str]) -> frozenset[str]:
        """Return directories of packages from which some of the given ones are reached."""
        users: dict[str, list[str]] = {}
        for each in self.packages.values():
            for used in each.uses:
                users.setdefault(used, []).append(each.directory)
        found = {each for each in directories if each in self.packages}
        pending = list(found)
        while pending:
            for user in users.get(pending.pop(), ()):
                if user not in found:
                    found.add(user)
                    pending.append(user)
        return frozenset(found)


def package_graph(modules: Modules, roots: Iterable[str]) -> PackageGraph:
    """Return the packages in directories, and all that they use."""
    found: dict[str, InstalledPackage] = {}
    pending = list(roots)
    while pending:
        directory = pending.pop()
        if directory in found:
            continue
        if len(found) >= MAX_PACKAGES:
            return PackageGraph(found, is_whole=False)
        known = modules.manifest(directory) or Manifest()
        uses: dict[str, str] = {}
        absent = []
        for name in sorted(known.needed | known.optional | known.peers):
            place = modules.package(name, directory)
            if place is not None:
                uses[name] = place
            elif name in known.needed and not modules.is_opaque(directory):
                absent.append(name)
        found[directory] = InstalledPackage(directory, known, tuple(uses.values()), tuple(absent))
        pending += uses.values()
    return PackageGraph(found)


def package_directory(path: str) -> str:
    """Return the directory of the installed package that a file is of; empty if it is of none.

    >>> package_directory("/app/node_modules/@a/b/lib/c.js"), package_directory("/app/dist/a.js")
    ('/app/node_modules/@a/b', '')
    """
    above, folder, inside = path.rpartition("/node_modules/")
    if not folder:
        return ""
    parts = inside.split("/")
    count = 2 if inside.startswith("@") else 1
    return f"{above}{folder}{'/'.join(parts[:count])}"
