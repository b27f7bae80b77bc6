"""Which file a module comes from.

In:  a search path, dotted names.
Out: ``Module``.

Source: CPython's ``importlib/_bootstrap_external.py``, ``FileFinder``; PEP 420 for packages
without ``__init__``.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from jettison.analysis.python.interpreters import Interpreter
from jettison.analysis.python.lookup import Lookup
from jettison.analysis.python.search_path import SearchPath

if TYPE_CHECKING:
    from zipfile import ZipFile

_GONE = (
    "_bootlocale asynchat asyncore binhex distutils dummy_threading formatter imp lib2to3 macpath"
    " parser smtpd symbol aifc audioop cgi cgitb chunk crypt imghdr mailcap msilib nis nntplib"
    " ossaudiodev pipes sndhdr spwd sunau telnetlib uu xdrlib"
)
_ADDED = "annotationlib compression"
STANDARD = frozenset(sys.stdlib_module_names) | set(f"{_GONE} {_ADDED}".split())
"""Modules of the standard library of any Python 3: they are never missed."""
_OPAQUE = {"standard", "archive", "extension"}
"""Kinds of modules that have others in them which no file shows."""
_MAX_ARCHIVE = 256 << 20
_MAX_ARCHIVE_NAMES = 100_000
_TAIL = 66 << 10


class Module(msgspec.Struct, frozen=True):
    """A module.

    Args:
        name: Dotted.
        path: Its file; empty for packages without one, and for what is in an archive.
        kind: ``source``, ``extension``, ``bytecode``, ``namespace``, ``archive`` or ``standard``.
        places: Directories of its submodules, if it is a package.
        entry: Of the search path.
    """

    name: str
    path: str = ""
    kind: str = "source"
    places: tuple[str, ...] = ()
    entry: str = ""


class Modules:
    """Finds modules on one search path.

    Args:
        lookup: In the tree.
        interpreter: Whose search path it is.
        path: It.
        without: Files that cannot be loaded: as if they were not there.
    """

    def __init__(
        self,
        lookup: Lookup,
        interpreter: Interpreter,
        path: SearchPath,
        without: Collection[str] = (),
    ) -> None:
        self.lookup = lookup
        self.interpreter = interpreter
        self.path = path
        self._without = frozenset(without)
        self._found: dict[str, Module | None] = {}
        self._archives: dict[str, frozenset[str]] = {}
        library = interpreter.library
        self._standard = {lookup.directory(library), lookup.directory(f"{library}/lib-dynload")}
        extensions = interpreter.suffixes or (".so",)
        self._suffixes = (
            *((each, "extension") for each in extensions),
            (".py", "source"),
            (".pyc", "bytecode"),
        )

    @cached_property
    def own(self) -> tuple[str, ...]:
        """The entries that packages are not installed in."""
        return tuple(each for each in self.path.entries if each not in set(self.path.site))

    def find(self, name: str) -> Module | None:
        """Return a module; None if there is none of the name.

        Of what is in an archive, the standard library or an extension, that is returned.
        """
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def _find(self, name: str) -> Module | None:
        parent = name.rpartition(".")[0]
        if parent:
            above = self.find(parent)
            if above is None or (above.kind in _OPAQUE and not above.places):
                return above
            return self._below(name, above)
        mapped = self.path.mapped.get(name)
        if mapped is not None:
            directory, _, stem = mapped.rpartition("/")
            place = self.lookup.directory(directory)
            found = self._in(place, stem.removesuffix(".py")) if place is not None else None
            if found is not None:
                return Module(name, found[0], found[1], found[2], directory)
        ours = self._search(name, name, self.path.entries)
        if ours is not None and ours.kind != "namespace":
            return Module(name, kind="standard") if ours.entry in self._standard else ours
        return Module(name, kind="standard") if name in STANDARD else ours

    def _below(self, name: str, above: Module) -> Module | None:
        entry = "" if above.kind == "namespace" else above.entry
        last = name.rpartition(".")[2]
        return self._search(name, last, above.places, entry) if above.places else None

    def _search(
        self, name: str, last: str, places: tuple[str, ...], entry: str = ""
    ) -> Module | None:
        portions: list[str] = []
        first = ""
        for place in places:
            if place.endswith((".zip", ".egg", ".whl", ".pyz", ".pex")) and last in self._archive(
                place
            ):
                return Module(name, kind="archive", entry=entry or place)
            found = self._in(place, last)
            if found is None:
                continue
            if found[1] != "namespace":
                return Module(name, *found, entry or self._entry(place))
            portions += found[2]
            first = first or place
        if not portions:
            return None
        return Module(name, "", "namespace", tuple(portions), entry or first)

    def _entry(self, place: str) -> str:
        """Return the entry of the search path that a directory is below."""
        above = place
        while above and above not in self.path.entries:
            above = above.rpartition("/")[0]
        return above or place

    def _in(self, place: str, name: str) -> tuple[str, str, tuple[str, ...]] | None:
        """Return (file, kind, places of submodules) of what a directory has of a name."""
        package = f"{place}/{name}"
        directory = self.lookup.directory(package) if package in self.lookup.files.entries else None
        if directory is not None:
            for suffix, kind in self._suffixes:
                path = self.lookup.file(directory, "__init__" + suffix)
                if path is not None:
                    return path, kind, (directory,)
        for suffix, kind in self._suffixes:
            path = self.lookup.file(place, name + suffix)
            if path is not None and path not in self._without:
                return path, kind, ()
        return ("", "namespace", (directory,)) if directory is not None else None

    def _archive(self, path: str) -> frozenset[str]:
        """Return the names of top modules in an archive."""
        if path not in self._archives:
            self._archives[path] = frozenset(_tops(self.lookup, path))
        return self._archives[path]


def _tops(lookup: Lookup, path: str) -> set[str]:
    found: set[str] = set()
    for name in archive_names(lookup, path):
        top = name.partition("/")[0]
        found.add(top.partition(".")[0] if "/" not in name else top)
    return found


def archive_names(lookup: Lookup, path: str) -> list[str]:
    """Return the names in a zip archive, as far as its directory is small enough to be read."""
    length = lookup.files.size(path)
    is_there = path in lookup.files.entries
    file = lookup.files.open(path) if is_there and length <= _MAX_ARCHIVE else None
    if file is None:
        return []
    from zipfile import BadZipFile, ZipFile  # few images have archives

    with file:
        try:
            file.seek(max(0, length - _TAIL))
            tail = file.read(_TAIL)
            at = tail.rfind(b"PK\x05\x06")
            size = int.from_bytes(tail[at + 12 : at + 16], "little")
            if at < 0 or size > _MAX_ARCHIVE_NAMES * 64:
                return []
            with ZipFile(file) as archive:
                return _first_names(archive)
        except (BadZipFile, OSError, ValueError, NotImplementedError, EOFError, RuntimeError):
            return []


def _first_names(archive: ZipFile) -> list[str]:
    return archive.namelist()[:_MAX_ARCHIVE_NAMES]
