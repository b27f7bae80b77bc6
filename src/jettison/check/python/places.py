"""Where a module is that is not found: in a tree, whatever interpreter looks there.

In:  a root file system, names of modules.
Out: ``Place``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import msgspec

from jettison.analysis.files import Files
from jettison.analysis.python.distributions import Distribution, distributions, owners
from jettison.analysis.python.interpreters import Interpreter, interpreters
from jettison.analysis.python.lookup import lookup
from jettison.analysis.python.search_path import site_directories
from jettison.analysis.python.venvs import venvs
from jettison.analysis.rootfs import Rootfs

_SITE = re.compile(r"/(?:lib(?:64)?/)?python(\d(?:\.\d{1,2})?)t?/(?:site|dist)-packages$")
_MAX_PLACES = 50


class Place(msgspec.Struct, frozen=True):
    """A directory that has a module.

    Args:
        directory: It, without links.
        version: ``X.Y`` of the Python whose packages it holds; empty if it does not say.
        resolves: Whether an interpreter of the same tree looks there: of a virtual environment
            its own.
        is_site: Whether packages are installed in it.
    """

    directory: str
    version: str = ""
    resolves: bool = False
    is_site: bool = False

    @property
    def rank(self) -> tuple[bool, bool, str]:
        """Orders places, the most convincing first."""
        return not self.resolves, not self.is_site, self.directory


def site_version(directory: str) -> str:
    """Return the ``X.Y`` that a directory of packages is for; empty without one.

    >>> site_version("/app/.venv/lib/python3.11/site-packages")
    '3.11'
    """
    found = _SITE.search(directory)
    return found[1] if found and "." in found[1] else ""


def places(root: Rootfs, names: Collection[str]) -> dict[str, list[Place]]:
    """Return where modules of some names are, the most convincing places first.

    Args:
        root: Where to look.
        names: Of modules at the top.
    """
    look = root.fact(lookup)
    seen = root.fact(_looked_in)
    found: dict[str, list[Place]] = {}
    for name, directory in _directories(root.files, frozenset(names)):
        version = site_version(directory) or seen.get(directory, "")
        here = look.names(directory)
        is_site = bool(_SITE.search(directory)) or any(each.endswith("-info") for each in here)
        place = Place(directory, version, directory in seen, is_site)
        known = found.setdefault(name, [])
        if place not in known and len(known) < _MAX_PLACES:
            known.append(place)
    return {name: sorted(each, key=lambda one: one.rank) for name, each in found.items()}


def owners_in(root: Rootfs, directory: str) -> dict[str, Distribution]:
    """Return names of modules in a directory to the distributions that own them."""
    look = root.fact(lookup)
    return owners(look, distributions(look, [directory]).values())


def same_version(root: Rootfs, version: str) -> Interpreter | None:
    """Return an interpreter of a version that works; None if a tree has none."""
    known = root.fact(_interpreters)
    return next((each for each in known if each.version == version and each.library), None)


def looking_in(root: Rootfs, directory: str) -> Interpreter | None:
    """Return an interpreter that looks for packages in a directory; None without one."""
    look = root.fact(lookup)
    for each in root.fact(_interpreters):
        if each.library and directory in map(look.directory, site_directories(each)):
            return each
    return None


def versions(root: Rootfs) -> tuple[str, ...]:
    """Return the versions of all interpreters of a tree that work."""
    return tuple(sorted({each.version for each in root.fact(_interpreters) if each.library}))


def _interpreters(root: Rootfs) -> tuple[Interpreter, ...]:
    return interpreters(root.files)


def _looked_in(root: Rootfs) -> dict[str, str]:
    """Return the directories of packages that interpreters of a tree look in, and their version."""
    look = root.fact(lookup)
    found: dict[str, str] = {}
    for each in root.fact(_interpreters):
        for site in site_directories(each) if each.library else ():
            place = look.directory(site)
            if place is not None:
                found.setdefault(place, each.version)
    for one in venvs(root.files):
        place = look.directory(one.site) if one.site and one.interpreter else None
        if place is not None:
            found.setdefault(place, one.version)
    return found


def _directories(files: Files, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield (name, directory) of what looks like a module at the top."""
    entries = files.entries
    for path, st in entries.items():
        parent, _, last = path.rpartition("/")
        stem, dot, ending = last.partition(".")
        if stem not in names or f"{parent}/__init__.py" in entries:
            continue
        if st.is_dir:
            if not dot and (_SITE.search(parent) or _is_package(files, path)):
                yield stem, parent
        elif ending in {"py", "pyc"} or (dot and ending.endswith("so")):
            yield stem, parent


def _is_package(files: Files, path: str) -> bool:
    if f"{path}/__init__.py" in files.entries or f"{path}/__init__.pyc" in files.entries:
        return True
    try:
        names = files.tree.names(path)
    except OSError:
        return False
    return any(each.endswith((".py", ".so")) for each in names)
