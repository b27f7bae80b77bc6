"""A build context: a directory of the host without what its ignore file excludes.

In:  the directory, a matcher of ignored paths.
Out: ``fs.tree.Tree``; everything belongs to 0:0.

Directories are listed when they are first asked for, and once: one build sees one state of a
file. Stat results are kept packed until somebody asks for those of one file: mostly a note that an
earlier build made about the directory tells all. An excluded directory is there only if something
below it is not excluded.

Security: every directory is opened without following links, and must be the one that was seen in
its parent: nothing outside the root is ever listed, even if somebody puts links in its place.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

from jettison.errors import ContextError
from jettison.fs.digest import FileDigests, is_racy
from jettison.fs.pattern import PatternMatcher
from jettison.fs.tree import FileStat, Noted, Scanned, file_stat
from jettison.fs.walk import sorted_names
from jettison.fs.xattr import read_xattrs
from jettison.source.listing import Listing, look_at

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class LocalTree:
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
        self.ignored = ignored
        self._digests = digests if digests is not None else FileDigests(self.root)
        self._listings: dict[str, Listing | None] = {}
        self._xattrs: dict[str, dict[str, bytes]] = {}
        try:
            self._stat = file_stat(os.stat(self._root or "/"))
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            raise ContextError(
                f"unable to prepare context: path `{root}`: {reason}",
                hint="give a directory, a git or http URL, or `-`",
            ) from error
        if not self._stat.is_dir:
            raise ContextError(
                f"unable to prepare context: path `{root}` is not a directory",
                hint="give the directory, and its Dockerfile with `-f`",
            )

    # Tree --------------------------------------------------------------------------------------

    def lstat(self, path: str) -> FileStat | None:
        """Return the stat result of a path, or None when there is nothing."""
        if path in {"", "/"}:
            return self._stat
        parent, _, name = path.rpartition("/")
        listing = self._listings.get(parent)
        if listing is None:
            listing = self._listing(parent)
            if listing is None:
                return None
        st = listing.files.get(name)
        if st is None and name in listing.maybe:
            st = self._decide(listing, parent, name)
        return st

    def scan(self, path: str) -> list[Scanned]:
        """Return what is in a directory at once; see ``fs.tree.Scanning``."""
        path = "" if path == "/" else path
        names, listing = self.names(path), self._listing(path)
        if listing is None:
            return []
        files = listing.files
        if self.noted(path) is not None:
            return [(name, files[name], True) for name in names]
        is_plain = self._digests.is_plain
        return [
            (
                name,
                st := files[name],
                stat.S_ISREG(st.mode) and is_plain(f"{path}/{name}", st),
            )
            for name in names
        ]

    def noted(self, path: str) -> Noted | None:
        """Return the note about a directory that is what it was; see ``fs.tree.Scanning``."""
        path = "" if path == "/" else path
        listing = self._listing(path)
        if listing is None or listing.has_exceptions:
            return None
        seen = listing.seen
        note = self._digests.note(path, seen)
        if note is None:
            return None
        return Noted(note, sorted_names(list(listing.directories)), seen)

    def note(self, path: str, note: bytes) -> None:
        """Note something about a directory; see ``fs.tree.Scanning``."""
        path = "" if path == "/" else path
        listing = self._listing(path)
        if listing is None or listing.has_exceptions:
            return
        if is_racy(listing.newest_ns(), listing.listed_ns):
            return
        known = self._digests.is_plain
        for name, st in listing.files.items():
            if st.is_file and not known(f"{path}/{name}", st):
                return  # what was read is not what was listed
        self._digests.set_note(path, listing.seen, note)

    def names(self, path: str) -> list[str]:
        """Return the names in a directory, sorted by their bytes; empty if it is none."""
        path = "" if path == "/" else path
        listing = self._listing(path)
        if listing is None:
            return []
        for name in list(listing.maybe):
            self._decide(listing, path, name)
        return sorted_names(list(listing.files))

    def readlink(self, path: str) -> str:
        """Return the target of a symbolic link.

        Raises:
            ContextError: it is another link than the one that was listed.
        """
        place = self.host_path(path)
        target = os.readlink(place)
        if file_stat(os.lstat(place)) != self.lstat(path):
            raise _changed("link", path)
        return target

    def host_path(self, path: str) -> str:
        """Return where a file is on the host."""
        self._present(path)
        return self._root + path

    def xattrs(self, path: str) -> dict[str, bytes]:
        """Return the extended attributes that belong to images, the same for a whole build."""
        found = self._xattrs.get(path)
        if found is not None:
            return found
        st = self.lstat(path)
        try:
            found = read_xattrs(self._root + path)
        except (FileNotFoundError, NotADirectoryError):
            if st is None:
                raise
            return {}  # it has gone since it was seen, which whoever opens it will tell
        if st is None:
            return found
        if found or st.is_dir:
            self._xattrs[path] = found
        elif st.is_file:
            self._digests.note_plain(path, st)
        return found

    def file_digest(self, path: str) -> bytes:
        """Return the sha256 of a regular file's bytes."""
        return self._digests.digest(path, self._present(path))

    # More --------------------------------------------------------------------------------------

    def ignored_by(self, path: str) -> str | None:
        """Return the pattern of the ignore file that hides a path which is there, or None."""
        if self.ignored is None or path in {"", "/"} or self.lstat(path) is not None:
            return None
        if not os.path.lexists(self._root + path):
            return None
        return self.ignored.reason(path[1:])

    def save_digests(self) -> None:
        """Keep the digests of files for the next build."""
        self._digests.save()

    # Own ---------------------------------------------------------------------------------------

    def _present(self, path: str) -> FileStat:
        st = self.lstat(path)
        if st is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return st

    def _listing(self, path: str) -> Listing | None:
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

    def _load(self, path: str) -> Listing | None:
        """List a directory whose parent was listed."""
        if not path:
            return self._read(path, self._stat, 0)
        parent, _, name = path.rpartition("/")
        above = self._listings[parent]
        if above is None:
            return None
        st = above.directories.get(name) or above.maybe.get(name)
        if st is None:
            return None
        state = self.ignored.step(path[1:], above.state) if self.ignored is not None else 0
        return self._read(path, st, state)

    def _read(self, path: str, st: FileStat, state: int) -> Listing | None:
        listed_ns = time.time_ns()
        try:
            descriptor = os.open(self._root + path or "/", _OPEN_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            found = os.fstat(descriptor)
            if (found.st_dev, found.st_ino) != st.identity:
                raise _changed("directory", path)
            with os.scandir(descriptor) as names:
                entries = list(names)
            excluded = self._drop_ignored(entries, path, state)
            listing = Listing(state, *look_at(entries), listed_ns)
            if excluded:
                listing.exclude(*look_at(excluded))
            return listing
        finally:
            os.close(descriptor)

    def _drop_ignored(
        self, entries: list[os.DirEntry[str]], path: str, state: int
    ) -> list[os.DirEntry[str]]:
        """Remove what is excluded; return those directories of it that may hold something."""
        ignored = self.ignored
        if ignored is None:
            return []
        below = path[1:] + "/" if path else ""
        kept, maybe = [], []
        for entry in entries:
            relative = below + entry.name
            if not entry.is_dir(follow_symlinks=False):
                if not ignored.matches_file(relative, state):
                    kept.append(entry)
            elif not ignored.selects(inside := ignored.step(relative, state)):
                kept.append(entry)
            elif ignored.may_change_below(relative, inside):
                maybe.append(entry)
        entries[:] = kept
        return maybe

    def _decide(self, listing: Listing, path: str, name: str) -> FileStat | None:
        """Find out whether an excluded directory holds something that is not."""
        st = listing.maybe.get(name)
        if st is None:  # another thread was faster
            return listing.files.get(name)
        if self._holds_something(f"{path}/{name}"):
            listing.files[name] = listing.directories[name] = st
        listing.maybe.pop(name, None)
        return listing.files.get(name)

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
            if below.files:
                return True
            pending += [f"{each}/{name}" for name in below.maybe]
        return False


def _changed(kind: str, path: str) -> ContextError:
    return ContextError(
        f"{kind} `{path or '/'}` of the build context changed while it was read",
        hint="build again when no other program writes to the build context",
    )
