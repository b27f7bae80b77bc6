"""A build context: a directory of the host without what its ignore file excludes.

In:  the directory, a matcher of ignored paths.
Out: ``fs.tree.Tree``; everything belongs to 0:0.

Directories are listed when they are first asked for, and once: one build sees one state of a
file. An excluded directory is there only if something below it is not excluded.

Security: every directory is opened without following links, and must be the one that was seen in
its parent: nothing outside the root is ever listed, even if somebody puts links in its place.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from jettison.errors import ContextError
from jettison.fs.digest import FileDigests
from jettison.fs.pattern import PatternMatcher
from jettison.fs.tree import FileStat, Scanned
from jettison.fs.walk import sorted_names
from jettison.fs.xattr import read_xattrs

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class _Listing:
    """A directory: what is in it, and which excluded directories may hold something."""

    __slots__ = ("facts", "maybe", "state")

    def __init__(self, state: int) -> None:
        self.facts: dict[str, os.stat_result] = {}
        self.maybe: dict[str, os.stat_result] = {}
        self.state = state


class LocalContext:
    """A tree over a directory of the host; threads may share it.

    Args:
        root: The directory; links in its own path are followed.
        ignored: Selects what is not part of the context.
        digests: Remembers digests of files between builds.

    Raises:
        ContextError: it is no directory.
    """

    def __init__(
        self,
        root: Path,
        *,
        ignored: PatternMatcher | None = None,
        digests: FileDigests | None = None,
    ) -> None:
        self.root = Path(os.path.realpath(root))
        self._root = os.fspath(self.root).rstrip("/")
        self._ignored = ignored
        self._digests = digests if digests is not None else FileDigests(self.root)
        self._listings: dict[str, _Listing | None] = {}
        try:
            self._facts = os.stat(self._root or "/")
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            raise ContextError(
                f"unable to prepare context: path `{root}`: {reason}",
                hint="give a directory, a git or http URL, or `-`",
            ) from error
        if not stat.S_ISDIR(self._facts.st_mode):
            raise ContextError(
                f"unable to prepare context: path `{root}` is not a directory",
                hint="give the directory, and its Dockerfile with `-f`",
            )

    # Tree --------------------------------------------------------------------------------------

    def lstat(self, path: str) -> FileStat | None:
        """Return the facts of a path, or None when there is nothing."""
        facts = self._lstat(path)
        return _file_stat(facts) if facts is not None else None

    def scan(self, path: str) -> list[Scanned]:
        """Return what is in a directory at once; see ``fs.tree.Scanning``."""
        path = "" if path == "/" else path
        listing = self._listing(path)
        if listing is None:
            return []
        is_plain = self._digests.is_plain
        return [
            (
                name,
                _file_stat(facts := listing.facts[name]),
                stat.S_ISREG(facts.st_mode) and is_plain(f"{path}/{name}", facts),
            )
            for name in self.names(path)
        ]

    def names(self, path: str) -> list[str]:
        """Return the names in a directory, sorted by their bytes; empty if it is none."""
        path = "" if path == "/" else path
        listing = self._listing(path)
        if listing is None:
            return []
        for name in list(listing.maybe):
            self._decide(listing, path, name)
        return sorted_names(list(listing.facts))

    def readlink(self, path: str) -> str:
        """Return the target of a symbolic link."""
        return os.readlink(self.host_path(path))

    def host_path(self, path: str) -> str:
        """Return where a file is on the host."""
        if self._lstat(path) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._root + path

    def xattrs(self, path: str) -> dict[str, bytes]:
        """Return the extended attributes that belong to images."""
        facts = self._lstat(path)
        try:
            found = read_xattrs(self._root + path)
        except (FileNotFoundError, NotADirectoryError):
            if facts is None:
                raise
            return {}  # it has gone since it was seen, which whoever opens it will tell
        if not found and facts is not None and stat.S_ISREG(facts.st_mode):
            self._digests.note_plain(path, facts)
        return found

    def file_digest(self, path: str) -> bytes:
        """Return the sha256 of a regular file's bytes."""
        facts = self._lstat(path)
        if facts is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._digests.digest(path, facts)

    # More --------------------------------------------------------------------------------------

    def ignored_by(self, path: str) -> str | None:
        """Return the pattern of the ignore file that hides a path which is there, or None."""
        if self._ignored is None or path in {"", "/"} or self._lstat(path) is not None:
            return None
        if not os.path.lexists(self._root + path):
            return None
        return self._ignored.reason(path[1:])

    def save_digests(self) -> None:
        """Keep the digests of files for the next build."""
        self._digests.save()

    # Own ---------------------------------------------------------------------------------------

    def _lstat(self, path: str) -> os.stat_result | None:
        if path in {"", "/"}:
            return self._facts
        parent, _, name = path.rpartition("/")
        listing = self._listings.get(parent)
        if listing is None:
            listing = self._listing(parent)
            if listing is None:
                return None
        facts = listing.facts.get(name)
        if facts is None and name in listing.maybe:
            facts = self._decide(listing, parent, name)
        return facts

    def _listing(self, path: str) -> _Listing | None:
        """Return a directory of the context, None when there is none."""
        if path in self._listings:
            return self._listings[path]
        # Downwards from the nearest directory that is known: depth costs no stack.
        unknown = [path]
        while unknown[-1] and unknown[-1].rpartition("/")[0] not in self._listings:
            unknown.append(unknown[-1].rpartition("/")[0])
        for each in reversed(unknown):
            self._listings.setdefault(each, self._load(each))
        return self._listings[path]

    def _load(self, path: str) -> _Listing | None:
        """List a directory whose parent was listed."""
        if not path:
            return self._read(path, self._facts, 0)
        parent, _, name = path.rpartition("/")
        above = self._listings[parent]
        if above is None:
            return None
        facts = above.facts.get(name) or above.maybe.get(name)
        if facts is None or not stat.S_ISDIR(facts.st_mode):
            return None
        state = self._ignored.step(path[1:], above.state) if self._ignored is not None else 0
        return self._read(path, facts, state)

    def _read(self, path: str, facts: os.stat_result, state: int) -> _Listing | None:
        ignored = self._ignored
        listing = _Listing(state)
        try:
            descriptor = os.open(self._root + path or "/", _OPEN_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            found = os.fstat(descriptor)
            if (found.st_dev, found.st_ino) != (facts.st_dev, facts.st_ino):
                raise ContextError(
                    f"directory `{path or '/'}` of the build context changed while it was read",
                    hint="build again when no other program writes to the build context",
                )
            below = path[1:] + "/" if path else ""
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    name = entry.name
                    kept = listing.facts
                    if ignored is not None:
                        relative = below + name
                        if not entry.is_dir(follow_symlinks=False):
                            if ignored.matches_file(relative, state):
                                continue
                        elif ignored.selects(inside := ignored.step(relative, state)):
                            if not ignored.may_change_below(relative, inside):
                                continue
                            kept = listing.maybe
                    try:
                        kept[name] = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
        finally:
            os.close(descriptor)
        return listing

    def _decide(self, listing: _Listing, path: str, name: str) -> os.stat_result | None:
        """Find out whether an excluded directory holds something that is not."""
        facts = listing.maybe.get(name)
        if facts is None:  # another thread was faster
            return listing.facts.get(name)
        if self._holds_something(f"{path}/{name}"):
            listing.facts[name] = facts
        listing.maybe.pop(name, None)
        return listing.facts.get(name)

    def _holds_something(self, path: str) -> bool:
        pending = [path]
        while pending:
            each = pending.pop()
            try:
                below = self._listing(each)
            except PermissionError:
                continue  # what is excluded need not be readable
            if below is None:
                continue
            if below.facts:
                return True
            pending += [f"{each}/{name}" for name in below.maybe]
        return False


def _file_stat(facts: os.stat_result) -> FileStat:
    """Return the facts of a file of a context: it belongs to 0:0."""
    return FileStat(
        facts.st_mode,
        0,
        0,
        facts.st_size,
        facts.st_mtime_ns,
        facts.st_rdev,
        facts.st_nlink,
        (facts.st_dev, facts.st_ino),
        facts.st_ctime_ns,
    )
