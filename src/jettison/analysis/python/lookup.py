"""What is at a path of a tree, links followed; directories are resolved once.

In:  the files of a tree.
Out: paths without links.
"""

from __future__ import annotations

from jettison.analysis.files import Files
from jettison.analysis.rootfs import Rootfs
from jettison.fs.resolve import resolve

MAX_NAMES = 50_000
"""So many names of one directory are looked at."""


class Lookup:
    """Finds files and directories.

    Args:
        files: Of the tree.
    """

    def __init__(self, files: Files) -> None:
        self.files = files
        self._directories: dict[str, str | None] = {}
        self._names: dict[str, tuple[str, ...]] = {}

    def directory(self, path: str) -> str | None:
        """Return where a directory is; None if there is none. The root is the empty string."""
        if path not in self._directories:
            self._directories[path] = self._directory(path)
        return self._directories[path]

    def file(self, directory: str, name: str) -> str | None:
        """Return where a regular file is.

        Args:
            directory: Without links.
            name: In it.
        """
        path = f"{directory}/{name}"
        st = self.files.entries.get(path)
        if st is None or st.is_dir:
            return None
        return path if st.is_file else self.files.find(path)

    def has(self, path: str) -> bool:
        """Tell whether there is a file or a directory."""
        parent, _, name = path.rstrip("/").rpartition("/")
        found = self.directory(parent)
        if found is None:
            return False
        return self.file(found, name) is not None or self.directory(path) is not None

    def names(self, directory: str) -> tuple[str, ...]:
        """Return the names in a directory without links, sorted; empty if it cannot be read."""
        if directory not in self._names:
            try:
                names = self.files.tree.names(directory or "/")[:MAX_NAMES]
            except OSError:
                names = []
            self._names[directory] = tuple(names)
        return self._names[directory]

    def _directory(self, path: str) -> str | None:
        try:
            found = resolve(self.files, path).rstrip("/")
        except OSError:
            return None
        st = self.files.entries.get(found)
        return found if not found or (st is not None and st.is_dir) else None


def lookup(root: Rootfs) -> Lookup:
    """Return the lookup in a root file system."""
    return Lookup(root.files)
