"""All packages of a tree, whatever database knows them.

In:  a root file system.
Out: ``Catalog``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

import msgspec

from jettison.analysis.files import Files
from jettison.analysis.packages import java, named
from jettison.analysis.packages.apk import apk_packages
from jettison.analysis.packages.base import Measure, Package
from jettison.analysis.packages.dpkg import deb_packages
from jettison.analysis.packages.elf import module_packages
from jettison.analysis.packages.python import is_metadata, python_package
from jettison.analysis.packages.rpm import rpm_packages, unread
from jettison.analysis.rootfs import Rootfs

MAX_PACKAGES = 100_000


class Catalog(msgspec.Struct, frozen=True):
    """What is installed.

    Args:
        packages: Sorted; one of a kind, name and version counts once, with the bytes of all.
        unread: Paths of databases in forms that are not read.
    """

    packages: tuple[Package, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Kind to how many."""
        counts: dict[str, int] = {}
        for each in self.packages:
            counts[each.kind] = counts.get(each.kind, 0) + 1
        return counts


def find_packages(root: Rootfs) -> Catalog:
    """Return what a root file system has installed."""
    files = root.files
    measure = Measure(files)
    found = chain(
        deb_packages(files, measure),
        apk_packages(files, measure),
        rpm_packages(files, measure),
        _by_path(files, measure),
        _modules(root),
    )
    merged: dict[tuple[str, str, str], Package] = {}
    for each in islice(found, MAX_PACKAGES):
        key = (each.kind, each.name, each.version)
        other = merged.get(key)
        if other is not None:
            size, count = other.bytes + each.bytes, other.files + each.files
            merged[key] = msgspec.structs.replace(each, bytes=size, files=count)
        else:
            merged[key] = each
    return Catalog(tuple(sorted(merged.values())), tuple(unread(files)))


def _modules(root: Rootfs) -> Iterator[Package]:
    """Yield what programs say they were built from."""
    seen = set()
    for path, elf in root.programs.elves.items():
        st = root.files.entries[path]
        if (elf.go is not None or elf.crates) and st.identity not in seen:
            seen.add(st.identity)
            yield from module_packages(elf, (st.size, 1))


def _by_path(files: Files, measure: Measure) -> Iterator[Package]:
    for path, st in files.entries.items():
        if not path.endswith(_SUFFIXES) or not st.is_file:
            continue
        one: Package | None = None
        if path.endswith("/package.json"):
            one = named.npm_package(files, path)
        elif path.endswith(java.SUFFIXES):
            yield from java.java_packages(files, path)
        elif path.endswith(named.COMPOSER):
            yield from named.composer_packages(files, path)
        elif path.endswith(".gemspec"):
            one = named.gem_package(files, path)
        elif is_metadata(path):
            one = python_package(files, measure, path)
        else:
            one = named.conda_package(path)
        if one is not None:
            yield one


_SUFFIXES = (
    *("/package.json", "/METADATA", "/PKG-INFO", ".egg-info", ".gemspec", ".json"),
    *java.SUFFIXES,
)
