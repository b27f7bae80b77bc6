"""What a Node program loads from its first file on, and what of that is not there.

In:  the file that is started.
Out: ``Closure``.

Files of the program are read, and those of workspaces that ``node_modules`` links to. Of installed
packages only ``package.json`` is read, unless something that they need is not there: then the
packages on the way to it are read like the program, to see whether it is loaded.

Security: files, bytes and what is reported are bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from jettison.analysis.node.modules import Modules, Outcome, Resolution
from jettison.analysis.node.packages import PackageGraph, package_directory, package_graph
from jettison.analysis.node.scan import MAX_SOURCE, Load, Scan, scan

MAX_FILES = 5_000
MAX_BYTES = 16 << 20
MAX_PACKAGE_BYTES = 3 << 20
"""So much is read of files of installed packages."""
MAX_MISSING = 200
_SOURCES = (".js", ".cjs", ".mjs")
_HOOKS_NAMES = (
    "module-alias app-module-path tsconfig-paths esm ts-node tsx jiti pirates proxyquire "
    "@babel/register @babel/node @swc/register @swc-node/register esbuild-register sucrase "
    "require-hook better-module-alias tsm @esbuild-kit/cjs-loader @esbuild-kit/esm-loader "
    "pnpapi"
)
_HOOKS = frozenset(_HOOKS_NAMES.split())
"""Packages that change how modules are found."""
_LOADERS = frozenset(
    {"bindings", "node-gyp-build", "@mapbox/node-pre-gyp", "node-pre-gyp", "pkg-prebuilds"}
)
_THROWS = ("throw loadError", "Failed to load native binding", "Cannot find native binding")
"""How the loaders that napi-rs writes end, where no add-on can be loaded."""
_HOOKING = (
    "._resolveFilename",
    "._initPaths",
    "._load",
    "require.extensions",
    "module.paths",
    "_nodeModulePaths",
    "registerHooks",
)


class Missing(msgspec.Struct, frozen=True):
    """What a file loads and is not there.

    Args:
        load: How it is written.
        importer: The file, links followed.
        resolution: Whose ``name`` is that of the package; whose ``package`` its directory if it is
            there, and only the file in it is not.
        certain: Whether it is loaded whenever the program starts.
    """

    load: Load
    importer: str
    resolution: Resolution
    certain: bool


class Closure(msgspec.Struct, frozen=True):
    """What a program loads.

    Args:
        entry: Its first file.
        files: Of the program, that were read.
        packages: Directories of packages that it may load, each with whether it surely does.
        missing: What is not there, what is loaded for certain first.
        is_hooked: Whether something changes how modules are found: then ``missing`` is empty.
        loaders: Directories of packages whose files load add-ons, or what they compute, at once.
        is_whole: Whether there is no more.
    """

    entry: str
    files: tuple[str, ...] = ()
    packages: dict[str, bool] = {}
    missing: tuple[Missing, ...] = ()
    is_hooked: bool = False
    loaders: frozenset[str] = frozenset()
    is_whole: bool = True


def closure(modules: Modules, entries: Iterable[str], suspects: Iterable[str] = ()) -> Closure:
    """Return what a program loads.

    Args:
        modules: Of the tree.
        entries: The file that is started, and those that are loaded before it, links followed.
        suspects: Directories of packages of which it is to be known whether they are surely loaded.
    """
    walk = _Walk(modules)
    starts = list(entries)
    for each in starts:
        walk.start(each)
    walk.run()
    graph = package_graph(modules, walk.packages)
    bad = [each.directory for each in graph.packages.values() if each.absent]
    walk.deep = graph.leading_to([*bad, *suspects])
    if walk.deep and not walk.is_hooked:
        walk.resume()
        walk.run()
    return _result(starts, walk, graph)


class _Walk:
    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._seen: dict[str, bool] = {}
        self._pending: deque[str] = deque()
        self._put_off: dict[str, bool] = {}
        self._left = MAX_BYTES
        self._left_of_packages = MAX_PACKAGE_BYTES
        self._missing: dict[tuple[str, str], Missing] = {}
        self.packages: dict[str, bool] = {}
        self.loaders: set[str] = set()
        self.deep: frozenset[str] = frozenset()
        self.is_hooked = False
        self.is_whole = True

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(self._seen)

    @property
    def missing(self) -> list[Missing]:
        return sorted(self._missing.values(), key=lambda each: not each.certain)

    def start(self, path: str) -> None:
        self._reach(path, certain=True)

    def resume(self) -> None:
        """Go on with files of packages that are read now."""
        put_off, self._put_off = self._put_off, {}
        for path, certain in put_off.items():
            self._reach(path, certain=certain)

    def run(self) -> None:
        while self._pending:
            path = self._pending.popleft()
            if len(self._seen) > MAX_FILES or self._left < 0:
                self.is_whole = False
                return
            self._read(path, certain=self._seen[path])

    def _reach(self, path: str, *, certain: bool) -> None:
        package = package_directory(path)
        if package:
            self.packages[package] = certain or self.packages.get(package, False)
            if package not in self.deep:
                self._put_off[path] = certain or self._put_off.get(path, False)
                return
        known = self._seen.get(path)
        if known is None or (certain and not known):
            self._seen[path] = certain
            self._pending.append(path)

    def _read(self, path: str, *, certain: bool) -> None:
        if not path.endswith(_SOURCES) and "." in path.rpartition("/")[2]:
            self.is_hooked = self.is_hooked or path.endswith((".ts", ".tsx", ".mts", ".cts"))
            return
        package = package_directory(path)
        if package and (not certain or self._left_of_packages < 0):
            return  # what packages load in some cases is often not meant to be there
        data = self._modules.files.read(path, MAX_SOURCE)
        if data is None:
            self.is_whole = False
            return
        source = data.decode("utf-8", "replace")
        if package:
            self._left_of_packages -= len(data)
        else:
            self._left -= len(data)
            self.is_hooked = self.is_hooked or any(each in source for each in _HOOKING)
        found = scan(source)
        if package and _loads_addon(source, found):
            self.loaders.add(package)
        for load in found.loads:
            if load.certain or not package:
                self._follow(load, path, package, certain=certain and load.certain)

    def _follow(self, load: Load, importer: str, package: str, *, certain: bool) -> None:
        found = self._modules.resolve(load.specifier, importer, load.how)
        if found.name in _HOOKS and not package:
            self.is_hooked = True
        if found.outcome is Outcome.FILE:
            self._reach(found.path, certain=certain)
            return
        if found.outcome is not Outcome.MISSING or load.guarded or not load.specifier:
            return
        key = (importer, load.specifier)
        known = self._missing.get(key)
        if len(self._missing) < MAX_MISSING and (known is None or not known.certain):
            self._missing[key] = Missing(load, importer, found, certain)


def _loads_addon(source: str, found: Scan) -> bool:
    """Tell whether a file of a package fails when its add-on cannot be loaded."""
    if any(certain for _, certain in found.computed) or any(each in source for each in _THROWS):
        return True
    return any(
        each.certain and (each.specifier in _LOADERS or each.specifier.endswith(".node"))
        for each in found.loads
    )


def _result(entries: list[str], walk: _Walk, graph: PackageGraph) -> Closure:
    packages = dict.fromkeys(graph.packages, False) | walk.packages
    return Closure(
        entries[0] if entries else "",
        tuple(each for each in walk.files if not package_directory(each)),
        packages,
        () if walk.is_hooked else tuple(walk.missing),
        is_hooked=walk.is_hooked,
        loaders=frozenset(walk.loaders),
        is_whole=walk.is_whole and graph.is_whole,
    )
