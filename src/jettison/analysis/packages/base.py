"""What the readers of package databases give, and what they share.

In:  names, versions and owned paths, all of them hostile text.
Out: ``Package``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from jettison.analysis.files import Files
from jettison.fs.resolve import resolve

MAX_DATABASE = 64 << 20
"""A larger database of a distribution is not read."""
MAX_DOCUMENT = 1 << 20
"""Larger metadata of one package is not read."""
_MAX_TEXT = 200


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


def package(kind: str, name: str, version: str, owned: Owned | None = None) -> Package | None:
    """Return a package; None if the name is empty. Names and versions are cut to 200 characters."""
    name, version = name.strip()[:_MAX_TEXT], version.strip()[:_MAX_TEXT]
    if not name or not (name + version).isprintable():
        return None
    size, count = owned if owned is not None else (0, 0)
    return Package(kind, name, version, size, count)


Owned = tuple[int, int]
"""Bytes and number of files."""


class Measure:
    """Adds up what paths that databases name hold.

    Directories in them may be links, such as ``/lib`` in a merged ``/usr``; these are no files.

    Args:
        files: Of the tree.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._directories: dict[str, str] = {}

    def of_paths(self, paths: Iterable[str]) -> Owned:
        """Return what the regular files at absolute paths hold."""
        size = count = 0
        seen: set[tuple[int, int]] = set()
        for path in paths:
            parent, _, name = path.rpartition("/")
            st = self._files.entries.get(f"{self._resolved(parent)}/{name}")
            if st is None or not st.is_file:
                continue
            count += 1
            if st.identity not in seen:
                seen.add(st.identity)
                size += st.size
        return size, count

    def _resolved(self, directory: str) -> str:
        found = self._directories.get(directory)
        if found is None:
            try:
                found = resolve(self._files, directory).rstrip("/")
            except OSError:
                found = directory
            self._directories[directory] = found
        return found


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


def paragraphs(data: bytes) -> Iterator[str]:
    """Yield the paragraphs of a database: what is between empty lines."""
    for each in text(data).split("\n\n"):
        if each.strip():
            yield each
