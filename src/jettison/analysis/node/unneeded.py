"""Installed packages that only development needs.

In:  a project's directory in a tree; where its manifest and its lock file are.
Out: ``Unneeded``: the packages with their bytes.

What a lock file says counts; without one that of ``node_modules`` itself, by following what the
installed packages need: those that ``devDependencies`` lead to and ``dependencies`` do not.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from jettison.analysis.node.locks import (
    MAX_LOCK,
    Named,
    npm_development,
    pnpm_development,
    yarn_development,
)
from jettison.analysis.node.manifest import Manifest
from jettison.analysis.node.modules import Modules
from jettison.analysis.node.packages import package_directory, package_graph

_CACHE = "/.yarn/cache/"


class UnneededPackage(msgspec.Struct, frozen=True):
    """A package that is installed.

    Args:
        name: Of the package.
        path: Its directory, or its archive.
        bytes: What it holds, without packages in it.
    """

    name: str
    path: str
    bytes: int


class Unneeded(msgspec.Struct, frozen=True):
    """What of a project only development needs.

    Args:
        project: Directory that ``node_modules`` is in.
        packages: Sorted by path.
        source: The file that says so: a lock file or ``package.json``.
        manager: ``npm``, ``yarn``, ``yarn berry`` or ``pnpm``.
    """

    project: str
    packages: tuple[UnneededPackage, ...]
    source: str
    manager: str

    @property
    def bytes(self) -> int:
        """Of all packages."""
        return sum(each.bytes for each in self.packages)


def unneeded(
    modules: Modules, project: str, declared: Modules | None = None, place: str = ""
) -> Unneeded | None:
    """Return what is installed for development only.

    Args:
        modules: Of the tree.
        project: The directory that ``node_modules`` is in; links followed, the root is empty.
        declared: Of the tree that manifest and lock files are in; that of the packages if None.
        place: Directory of these files in it.

    Returns:
        None if nothing says what is for development.
    """
    if declared is None:
        declared, place = modules, project
    manifest = declared.manifest(place)
    if manifest is not None and not manifest.development:
        return None
    for find in (_by_npm, _by_pnpm, _by_yarn):
        found = find(modules, project, declared, place, manifest)
        if found is not None:
            return found
    if manifest is None:
        return None
    roots = _installed(modules, project, manifest.development)
    kept = _installed(modules, project, manifest.needed | manifest.optional | manifest.peers)
    graph = package_graph(modules, roots)
    paths = graph.packages.keys() - package_graph(modules, kept).packages.keys()
    inside = (each for each in paths if package_directory(each) == each)
    manager = manifest.manager.partition("@")[0]
    return _result(
        modules, project, inside, f"{place}/package.json", manager if manager in _PRUNES else "npm"
    )


_PRUNES = frozenset({"npm", "yarn", "pnpm"})


def _by_npm(
    modules: Modules, project: str, declared: Modules, place: str, _manifest: Manifest | None
) -> Unneeded | None:
    for tree, at in (
        (modules, f"{project}/node_modules/.package-lock.json"),
        (declared, f"{place}/package-lock.json"),
        (declared, f"{place}/npm-shrinkwrap.json"),
    ):
        data = tree.files.read(at, MAX_LOCK)
        paths = npm_development(data) if data is not None else None
        if paths is not None:
            real = (modules.directory(f"{project}/{each}") for each in paths)
            return _result(modules, project, (each for each in real if each), at, "npm")
    return None


def _by_pnpm(
    modules: Modules, project: str, declared: Modules, place: str, _manifest: Manifest | None
) -> Unneeded | None:
    at = f"{place}/pnpm-lock.yaml"
    data = declared.files.read(at, MAX_LOCK)
    if data is None:
        return None
    named = pnpm_development(data.decode("utf-8", "replace"))
    store = f"{project}/node_modules/.pnpm"
    names = {name for name, _ in named}
    inside = (f"{store}/{each}/node_modules" for each in modules.files.tree.names(store))
    paths = (f"{each}/{name}" for each in inside for name in _names(modules, each) if name in names)
    real = {each for each in paths if modules.directory(each) == each}
    return _result(modules, project, _of_versions(modules, real, named), at, "pnpm")


def _by_yarn(
    modules: Modules, project: str, declared: Modules, place: str, manifest: Manifest | None
) -> Unneeded | None:
    at = f"{place}/yarn.lock"
    data = declared.files.read(at, MAX_LOCK) if manifest is not None else None
    if data is None or manifest is None:
        return None
    text = data.decode("utf-8", "replace")
    named = yarn_development(text, manifest)
    names = {name for name, _ in named}
    prefix = f"{project}/node_modules/"
    paths = {
        each
        for each, st in modules.files.entries.items()
        if st.is_dir and each.startswith(prefix) and package_directory(each) == each
    }
    found = {each for each in paths if each.rpartition("/node_modules/")[2] in names}
    real = list(_of_versions(modules, found, named))
    manager = "yarn berry" if "__metadata:" in text else "yarn"
    return _result(modules, project, [*real, *_archives(modules, project, named)], at, manager)


def _archives(modules: Modules, project: str, named: Iterable[Named]) -> list[str]:
    """Return the archives of packages that Plug'n'Play reads: ``left-pad-npm-1.3.0-….zip``."""
    heads = tuple(
        f"{project}{_CACHE}{name.replace('/', '-')}-npm-{version}-" for name, version in named
    )
    cache = project + _CACHE
    below = modules.files.tree.names(cache.rstrip("/"))
    return [f"{cache}{name}" for name in below if f"{cache}{name}".startswith(heads)]


def _installed(modules: Modules, project: str, names: Iterable[str]) -> list[str]:
    found = (modules.package(name, project) for name in names)
    return [each for each in found if each is not None]


def _names(modules: Modules, directory: str) -> list[str]:
    """Return the names of packages in a ``node_modules``."""
    tree = modules.files.tree
    found: list[str] = []
    for name in tree.names(directory):
        if name.startswith("@"):
            found += [f"{name}/{each}" for each in tree.names(f"{directory}/{name}")]
        else:
            found.append(name)
    return found


def _of_versions(modules: Modules, paths: Iterable[str], named: frozenset[Named]) -> Iterable[str]:
    for path in paths:
        known = modules.manifest(path)
        if known is not None and (path.rpartition("/node_modules/")[2], known.version) in named:
            yield path


def _result(
    modules: Modules, project: str, paths: Iterable[str], source: str, manager: str
) -> Unneeded:
    entries = modules.files.entries
    found = []
    for path in sorted(set(paths)):
        st = entries.get(path)
        if st is not None:
            whole = modules.files.total
            size = (
                modules.files.size(path) if st.is_file else whole(path, without="node_modules")[0]
            )
            name = path.rpartition("/node_modules/")[2] if st.is_dir else path.rpartition("/")[2]
            found.append(UnneededPackage(name, path, size))
    return Unneeded(project, tuple(found), source, manager)
