"""What the readers of package databases give, and what they share.

In:  names, versions and owned paths, all of them hostile text.
Out: ``PackageRecord`` for each package that a database has; ``Package``, which says less.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from sys import intern
from typing import NamedTuple

import msgspec

from jettison.analysis.files import Files
from jettison.fs.resolve import resolve

MAX_DATABASE = 64 << 20
"""A larger database of a distribution is not read."""
MAX_DOCUMENT = 1 << 20
"""Larger metadata of one package is not read."""
MAX_LIST = 16 << 20
"""A larger document about many packages is not read."""
MAX_PACKAGES = 100_000
"""So many packages of a tree are read."""
_MAX_PARAGRAPHS = 2 * MAX_PACKAGES
_MAX_TEXT = 200
_MAX_LICENCE = 2000
_MAX_NEEDS = 4096
_MAX_UNREAD = 1000
_MAX_LINES = 1_000_000
_SHORT = 1 << 18
_MAX_OWNED = 5_000_000
_MAX_NAMES = 1_000_000


class Package(msgspec.Struct, frozen=True, order=True):
    """A package that is installed.

    Args:
        kind: Of its database: ``deb``, ``apk``, ``rpm``, ``python`` …
        bytes: Of its files as far as its database names them, hard links once.
        files: How many regular files.
    """

    kind: str
    name: str
    version: str
    bytes: int = 0
    files: int = 0


class Owned(NamedTuple):
    """The regular files of a package that are there.

    Args:
        bytes: Of them, hard links once.
        files: How many.
        reached: How many of them are among the paths that were asked for.
        sample: One of them; empty if there is none, or none is known.
    """

    bytes: int = 0
    files: int = 0
    reached: int = 0
    sample: str = ""


NOTHING = Owned()


class PackageRecord(msgspec.Struct, frozen=True):
    """What a database says of a package.

    Args:
        kind: Of its database, as in ``Package``.
        name: Its name; of Java ``group:artifact``.
        version: As its database writes it.
        path: Of the database, or of the file that is about this package only.
        owned: Its files.
        architecture: As its database names it.
        source: The source package, if it has another name or version.
        source_version: Of the source package, if it is another one.
        licence: As its database writes it.
        supplier: Who made or distributes it.
        needs: What it depends on: names in the sense of ``gives``; ``a|b`` is one of them.
        gives: What others may name when they depend on it, beside its name.
        scope: Only packages of one scope can depend on each other.
        qualifiers: What else tells it apart from packages of its name and version.
        is_declared: A list says that it is to be installed; nothing of it was found.
    """

    kind: str
    name: str
    version: str
    path: str = ""
    owned: Owned = NOTHING
    architecture: str = ""
    source: str = ""
    source_version: str = ""
    licence: str = ""
    supplier: str = ""
    needs: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    scope: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()
    is_declared: bool = False

    @property
    def package(self) -> Package:
        """What reports keep of it."""
        return Package(self.kind, self.name, self.version, self.owned.bytes, self.owned.files)


class Details(NamedTuple):
    """What else a database may say of a package; see ``PackageRecord``."""

    architecture: str = ""
    source: str = ""
    source_version: str = ""
    licence: str = ""
    supplier: str = ""
    needs: Iterable[str] = ()
    gives: Iterable[str] = ()
    scope: str = ""
    qualifiers: Iterable[tuple[str, str]] = ()
    is_declared: bool = False


NO_DETAILS = Details()


def _shown(value: str, most: int = _MAX_TEXT) -> str:
    value = value.strip()[:most]
    return value if value.isprintable() else ""


class Reading:
    """One look at the packages of a tree: reads of its files, and sums of what packages own.

    Directories that databases name may be links, such as ``/lib`` in a merged ``/usr``.

    Args:
        files: Of the tree.
        reached: Paths that are counted apart (``Owned.reached``).

    Attributes:
        unread: Paths of what could not be read, with the reason; at most 1000.
    """

    def __init__(self, files: Files, reached: Collection[str] = ()) -> None:
        self.files = files
        self.unread: dict[str, str] = {}
        self._reached = reached
        self._directories: dict[str, str] = {}
        self._reached_below: dict[str, int] | None = None
        self._unclaimed: set[str] = set()
        self._left = _MAX_OWNED
        self._left_names = _MAX_NAMES

    def note(self, path: str, why: str) -> None:
        """Take note of what could not be read."""
        if len(self.unread) < _MAX_UNREAD:
            self.unread.setdefault(path, why)

    def record(
        self,
        kind: str,
        name: str,
        version: str,
        path: str,
        owned: Owned = NOTHING,
        details: Details = NO_DETAILS,
    ) -> PackageRecord | None:
        """Return what is known of a package; None if it has no name, or one that cannot be shown.

        Names and versions are cut to 200 characters; other text that cannot be shown is left out.
        """
        name, version = name.strip()[:_MAX_TEXT], version.strip()[:_MAX_TEXT]
        if not name or not (name + version).isprintable():
            return None
        if details is NO_DETAILS:
            return PackageRecord(kind, name, version, path, owned)
        qualifiers = [(key, _shown(value)) for key, value in details.qualifiers]
        return PackageRecord(
            kind,
            name,
            version,
            path,
            owned,
            _shown(details.architecture),
            _shown(details.source),
            _shown(details.source_version),
            _shown(details.licence, _MAX_LICENCE),
            _shown(details.supplier),
            self._names(details.needs),
            self._names(details.gives),
            details.scope,
            tuple((key, value) for key, value in qualifiers if value),
            details.is_declared,
        )

    def _names(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return names of packages, each of them once in memory, as long as there are not many."""
        if not self._left_names:
            return ()
        found = tuple([intern(name) for name in islice(names, min(_MAX_NEEDS, self._left_names))])
        self._left_names -= len(found)
        if not self._left_names:
            self.note("/", f"it has more than {_MAX_NAMES} dependencies: the rest is left out")
        return found

    def read(self, path: str, limit: int) -> bytes:
        """Return the bytes of a file, none if it is not there or, with a note, too large."""
        data = self.files.read(path, limit)
        if data is not None:
            return data
        found = self.files.find(path)
        if found is not None:
            self.note(found, f"not readable, or larger than {limit >> 20} MiB")
        return b""

    def paragraphs(self, path: str, data: bytes) -> Iterator[str]:
        """Yield the paragraphs of a database: what is between empty lines; 200,000 at most.

        Args:
            path: Of the database, for a note if there are more.
            data: Its bytes.
        """
        found = self._parts(path, data, b"\n\n", _MAX_PARAGRAPHS)
        return (each for each in found if each.strip())

    def lines(self, path: str, data: bytes) -> Iterator[str]:
        """Yield the lines of a list, a million at most; a return before the end is none of it.

        Args:
            path: Of the list, for a note if there are more.
            data: Its bytes.
        """
        if len(data) <= _SHORT:
            return iter(text(data).replace("\r\n", "\n").split("\n"))
        return (each.removesuffix("\r") for each in self._parts(path, data, b"\n", _MAX_LINES))

    def _parts(self, path: str, data: bytes, between: bytes, most: int) -> Iterator[str]:
        """Yield what is between separators, one by one: a list would take many times the data."""
        start = 0
        for _ in range(most):
            if start >= len(data):
                return
            end = data.find(between, start)
            end = end if end >= 0 else len(data)
            yield text(data[start:end])
            start = end + len(between)
        if start < len(data):
            self.note(path, f"too long: more than {most} entries")

    def owned(self, paths: Iterable[str]) -> Owned:
        """Return what the regular files at absolute paths are."""
        entries, directories = self.files.entries, self._directories
        sizes: dict[tuple[int, int], int] = {}
        found: list[str] = []
        asked = 0
        for path in islice(paths, self._left):
            asked += 1
            parent, _, name = path.rpartition("/")
            directory = directories.get(parent)
            place = f"{self.resolved(parent) if directory is None else directory}/{name}"
            st = entries.get(place)
            if st is not None and st.is_file:
                found.append(place)
                sizes[st.identity] = st.size
        self._left -= asked
        if not found:
            return NOTHING
        if self._unclaimed:
            self._unclaimed.difference_update(found)
        reached = sum(place in self._reached for place in found) if self._reached else 0
        return Owned(sum(sizes.values()), len(found), reached, found[0])

    def watch(self, paths: Iterable[str]) -> None:
        """Look for packages that own some files; ``unclaimed`` says which of them nobody does."""
        self._unclaimed.update(paths)

    def unclaimed(self) -> frozenset[str]:
        """Return the files that were watched and that no package owned until now."""
        return frozenset(self._unclaimed)

    def below(self, directory: str, *, without: str = "") -> Owned:
        """Return what is in a directory, at any depth.

        Args:
            directory: In the tree, without links.
            without: Name of a directory in it that does not count.
        """
        size, count = self.files.total(directory, without=without)
        if not self._reached or not count:
            return Owned(size, count)
        reached = self._reached_in(directory)
        if without:
            reached -= self._reached_in(f"{directory}/{without}")
        return Owned(size, count, reached)

    def resolved(self, directory: str) -> str:
        """Return where a directory really is; the root is the empty path."""
        found = self._directories.get(directory)
        if found is None:
            try:
                found = resolve(self.files, directory).rstrip("/")
            except OSError:
                found = directory
            self._directories[directory] = found
        return found

    def _reached_in(self, directory: str) -> int:
        if self._reached_below is None:
            sums: dict[str, int] = {}
            for path in self.files.entries:
                if path in self._reached:
                    parent = path
                    while parent:
                        parent = parent.rpartition("/")[0]
                        sums[parent] = sums.get(parent, 0) + 1
            self._reached_below = sums
        return self._reached_below.get(directory, 0)


def fields(paragraph: str) -> dict[str, str]:
    r"""Return the fields of a paragraph ``Name: value``; lines that go on are left out.

    >>> fields("Package: bash\nDescription: shell\n more\nVersion: 5.2")
    {'Package': 'bash', 'Description': 'shell', 'Version': '5.2'}
    """
    found: dict[str, str] = {}
    for line in paragraph.split("\n"):
        name, colon, value = line.partition(":")
        if colon and name[:1] not in {"", " ", "\t"}:
            found.setdefault(name, value.strip())
    return found


def text(data: bytes) -> str:
    """Return bytes as text, whatever they are."""
    return data.decode("utf-8", "replace")


def as_text(value: object) -> str:
    """Return a value of a JSON document if it is text; empty if it is anything else."""
    return value if isinstance(value, str) else ""


def as_names(value: object) -> list[str]:
    """Return the keys of an object of a JSON document; none if it is anything else."""
    return [key for key in value if isinstance(key, str)] if isinstance(value, dict) else []
