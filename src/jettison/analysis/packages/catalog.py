"""All packages of a tree, whatever database knows them.

In:  a root file system.
Out: ``PackageRecord`` values one by one, or ``Catalog``.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from jettison.analysis.packages import chisel, dotnet, java, named
from jettison.analysis.packages.apk import apk_packages
from jettison.analysis.packages.base import MAX_PACKAGES, Package, PackageRecord, Reading
from jettison.analysis.packages.dpkg import deb_packages
from jettison.analysis.packages.elf import module_packages, noted_packages
from jettison.analysis.packages.lockfiles import is_lockfile, lockfile_packages
from jettison.analysis.packages.npm import npm_package
from jettison.analysis.packages.python import is_metadata, python_package
from jettison.analysis.packages.rpm.databases import rpm_packages
from jettison.analysis.programs import Programs
from jettison.analysis.rootfs import Rootfs


class Catalog(msgspec.Struct, frozen=True):
    """What is installed.

    Args:
        packages: Sorted; one of a kind, name and version counts once, with the bytes of all.
        unread: Paths of what could not be read, or not to its end; the root stands for the rest of
            a tree that has more packages than are listed.
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
    """Return what a root file system has installed; what is only declared is not."""
    reading = Reading(root.files)
    merged: dict[tuple[str, str, str], Package] = {}
    for each in package_records(reading, root.programs):
        if each.is_declared:
            continue
        found = each.package
        key = (found.kind, found.name, found.version)
        other = merged.get(key)
        if other is not None:
            size, count = other.bytes + found.bytes, other.files + found.files
            found = msgspec.structs.replace(found, bytes=size, files=count)
        merged[key] = found
    return Catalog(tuple(sorted(merged.values())), tuple(sorted(reading.unread)))


def package_records(reading: Reading, programs: Programs) -> Iterator[PackageRecord]:
    """Yield what databases, documents and programs say, 100,000 at most; with a note if more do.

    Args:
        reading: Of the tree.
        programs: Of the tree.
    """
    for number, each in enumerate(_records(reading, programs)):
        if number == MAX_PACKAGES:
            reading.note("/", f"it has more than {MAX_PACKAGES} packages: the rest is left out")
            return
        yield each


def _records(reading: Reading, programs: Programs) -> Iterator[PackageRecord]:
    noted = [path for path, elf in programs.elves.items() if elf.package is not None]
    reading.watch(noted)
    yield from deb_packages(reading)
    yield from apk_packages(reading)
    yield from rpm_packages(reading)
    unclaimed = reading.unclaimed()
    yield from _by_path(reading)
    seen = set()
    for path, elf in programs.elves.items():
        identity = reading.files.entries[path].identity
        if identity not in seen and (elf.go is not None or elf.crates or path in unclaimed):
            seen.add(identity)
            yield from module_packages(reading, path, elf)
            if path in unclaimed:
                yield from noted_packages(reading, path, elf)


def _by_path(reading: Reading) -> Iterator[PackageRecord]:
    for path, st in reading.files.entries.items():
        if not path.endswith(_SUFFIXES) or not st.is_file:
            continue
        one: PackageRecord | None = None
        if path.endswith("/package.json"):
            one = npm_package(reading, path)
        elif path.endswith(java.SUFFIXES):
            yield from java.java_packages(reading, path)
        elif path.endswith(named.COMPOSER):
            yield from named.composer_packages(reading, path)
        elif path.endswith(dotnet.SUFFIX):
            yield from dotnet.dotnet_packages(reading, path)
        elif path.endswith(chisel.NAME):
            yield from chisel.chisel_packages(reading, path)
        elif path.endswith(".gemspec"):
            one = named.gem_package(reading, path)
        elif is_metadata(path):
            one = python_package(reading, path)
        elif is_lockfile(path):
            yield from lockfile_packages(reading, path)
        else:
            one = named.conda_package(reading, path)
        if one is not None:
            yield one


_SUFFIXES = (
    *("/package.json", "/METADATA", "/PKG-INFO", ".egg-info", ".gemspec", ".json"),
    *("/yarn.lock", "/pnpm-lock.yaml", chisel.NAME),
    *java.SUFFIXES,
)
