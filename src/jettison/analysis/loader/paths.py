"""Paths in a tree as the kernel walks them: what is not there has no ``..``.

In:  the files of a tree.
Out: paths without links of what exists.

``fs.resolve`` keeps components that do not exist, as COPY needs it; loaders get an error there.
"""

from __future__ import annotations

from jettison.analysis.files import Files

_MAX_LINKS = 40
_MAX_PATH = 4096
_MAX_KNOWN = 50_000
_MAX_STEPS, _MAX_STEPS_OF_ALL = 1_000_000, 8_000_000
"""Look-ups of one program, and of all of a tree: a second, and some."""


class SearchLimitError(Exception):
    """A search takes longer than that of any program that somebody means to start."""


class Paths:
    """Looks paths up; directories are looked up once.

    Args:
        files: Of the tree.
    """

    def __init__(self, files: Files) -> None:
        self.files = files
        self._directories: dict[str, str | None] = {}
        self._loops: set[str] = set()
        self._spent = 0
        self._limit = _MAX_STEPS

    def begin(self) -> None:
        """Begin the search for one program."""
        self._limit = min(self._spent + _MAX_STEPS, _MAX_STEPS_OF_ALL)

    def spend(self, steps: int) -> None:
        """Count steps of a search.

        Raises:
            SearchLimitError: there were too many.
        """
        self._spent += steps
        if self._spent > self._limit:
            raise SearchLimitError

    def find(self, path: str) -> str | None:
        """Return where an absolute path leads; None if there is nothing, or links are a loop.

        Raises:
            SearchLimitError: there were too many look-ups.
        """
        self.spend(1)
        directory, _, name = path.rpartition("/")
        if name in {"", ".", ".."}:
            return self._walk(path)
        parent = self.directory(directory)
        if parent is None:
            return None
        found = f"{parent}/{name}"
        st = self.files.entries.get(found)
        if st is None:
            return None
        if not st.is_symlink:
            return found
        target = self._walk(found)
        if target is None and found in self._loops:
            self._loops.add(path)
        return target

    def directory(self, path: str) -> str | None:
        """Return where a path leads if that is a directory; the root is the empty path.

        Raises:
            SearchLimitError: there were too many look-ups.
        """
        self.spend(1)
        if path in self._directories:
            return self._directories[path]
        found = self._walk(path)
        if found is not None and found and not self.files.entries[found].is_dir:
            found = None
        if len(self._directories) < _MAX_KNOWN:
            self._directories[path] = found
        return found

    def is_loop(self, path: str) -> bool:
        """Tell whether links in a path that was looked up are a loop."""
        return path in self._loops

    def is_file(self, path: str) -> bool:
        """Tell whether there is a regular file at a path without links."""
        st = self.files.entries.get(path)
        return st is not None and st.is_file

    def _walk(self, path: str) -> str | None:
        if len(path) > _MAX_PATH:
            return None
        pending = path.split("/")[::-1]
        self.spend(len(pending))
        current, links = "", 0
        while pending:
            part = pending.pop()
            if current and not self.files.entries[current].is_dir:
                return None
            if part in {"", "."}:
                continue
            if part == "..":
                current = current.rpartition("/")[0]
                continue
            below = f"{current}/{part}"
            st = self.files.entries.get(below)
            if st is None:
                return None
            if not st.is_symlink:
                current = below
                continue
            links += 1
            try:
                target = self.files.readlink(below)
            except OSError:
                return None
            if links > _MAX_LINKS:
                self._loops.add(path)
                return None
            if not target or len(target) > _MAX_PATH:
                return None
            if target.startswith("/"):
                current = ""
            parts = target.split("/")[::-1]
            self.spend(len(parts))
            pending += parts
        return current
