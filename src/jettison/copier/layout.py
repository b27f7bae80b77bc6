"""What a layer will hold, planned before anything is written.

In:  the base tree, and directories and files to be put at paths of it.
Out: ``PlannedLayer``: every directory and file of the layer, by absolute path (the root is empty).

Later files replace earlier ones, as they do when sources are copied one after the other; nothing
is ever written to be removed again. The base is asked only where it can matter.
"""

from __future__ import annotations

import errno
import os
import stat

import msgspec

from jettison.copier.planned import Directory, LayerFile
from jettison.errors import SolveError
from jettison.fs.resolve import resolve
from jettison.fs.tree import FileStat, Tree

_ROOT_MODE = stat.S_IFDIR | 0o755


class PlannedLayer:
    """The layer as planned so far, seen together with the base.

    Args:
        base: The root file system below; None is empty.
    """

    def __init__(self, base: Tree | None) -> None:
        self.directories: dict[str, Directory] = {}
        self.files: dict[str, LayerFile] = {}
        self.whiteouts: set[str] = set()
        self._base = base
        self._removed: set[str] = set()
        self._opaque: set[str] = set()

    # What is there -----------------------------------------------------------------------------

    def mode(self, path: str) -> int | None:
        """Return type and permissions of what is at a path, or None; no link is followed."""
        directory = self.directories.get(path)
        if directory is not None:
            return directory.mode
        file = self.files.get(path)
        if file is not None:
            return file.mode
        st = self.base_stat(path)
        if st is None and not path:
            return _ROOT_MODE  # the root directory is there whatever the base is
        return None if st is None else st.mode

    def base_stat(self, path: str) -> FileStat | None:
        """Return what the base has at a path, unless it was removed."""
        if self._base is None or ((self._removed or self._opaque) and self._is_hidden(path)):
            return None
        return self._base.lstat(path or "/")

    def base_xattrs(self, path: str) -> dict[str, bytes]:
        """Return the attributes of a file that the base has."""
        return self._base.xattrs(path or "/") if self._base is not None else {}

    def lstat(self, path: str) -> FileStat | None:
        """Return the stat result of a path for ``fs.resolve``: only the mode is of use."""
        mode = self.mode("" if path == "/" else path)
        return None if mode is None else FileStat(mode)

    def readlink(self, path: str) -> str:
        """Return the target of a symbolic link."""
        file = self.files.get(path)
        if file is not None:
            return file.target
        if self._base is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._base.readlink(path)

    def resolve(self, path: str) -> str:
        """Follow all links of a path; what is missing is kept. The root is empty text.

        Raises:
            SolveError: too many links.
        """
        try:
            resolved = resolve(self, path)
        except OSError as error:
            raise SolveError(
                f"cannot follow `{path}`: {(error.strerror or str(error)).lower()}",
                hint="the base has symbolic links in this path that lead to each other",
            ) from error
        return "" if resolved == "/" else resolved

    # What is put there -------------------------------------------------------------------------

    def make_directories(self, path: str, made: Directory) -> None:
        """Make a directory and those above it that are missing.

        Args:
            path: Without links, as from ``resolve``.
            made: What new directories are.

        Raises:
            SolveError: something else is in the way.
        """
        missing: list[str] = []
        while (mode := self.mode(path)) is None and path:
            missing.append(path)
            path = path.rpartition("/")[0]
        if mode is not None and not stat.S_ISDIR(mode):
            raise SolveError(f"mkdir {path}: not a directory")
        for each in reversed(missing):
            self._change_parent(each)
            self._put_directory(each, self._as_made_in(each.rpartition("/")[0], made))

    def copy_directory(self, path: str, copied: Directory, *, implied: bool = False) -> None:
        """Put a directory of a source at a path whose parent exists.

        One that is there takes the source's attributes, as in BuildKit; an implied one only the
        mode.

        Raises:
            SolveError: something else is there.
        """
        there = self.directories.get(path)
        if there is None:
            mode = self._mode_in_known_directory(path)
            if mode is None:
                self._change_parent(path)
                self._put_directory(path, copied)
                return
            if not stat.S_ISDIR(mode):
                raise _no_directory(path)
            there = self._keep_base_directory(path)
        if implied:
            copied = msgspec.structs.replace(there, mode=copied.mode, copied=True)
        xattrs = {**there.xattrs, **copied.xattrs}
        self.directories[path] = msgspec.structs.replace(
            copied,
            xattrs=xattrs,
            in_base=there.in_base,
            opaque=there.opaque,
            stat_of_base=there.in_base and (implied or bool(there.xattrs)),
        )

    def enter_directory(self, path: str) -> None:
        """Have a directory in the layer that takes the contents of a source.

        Raises:
            SolveError: it is no directory.
        """
        mode = self.mode(path)
        if mode is None or not stat.S_ISDIR(mode):
            raise _no_directory(path)
        if path not in self.directories:
            self._keep_base_directory(path)

    def leave_directory(self, path: str, mtime_ns: int) -> None:
        """Give a directory the time of the source whose contents it took."""
        there = self.directories[path]
        self.directories[path] = msgspec.structs.replace(there, mtime_ns=mtime_ns)

    def put(self, path: str, file: LayerFile) -> None:
        """Put a file at a path whose parent exists; it replaces files and links.

        Raises:
            SolveError: a directory is there.
        """
        if path not in self.files:
            parent = self.directories.get(path.rpartition("/")[0])
            is_alone = parent is not None and parent.copied and not parent.in_base
            if not is_alone or path in self.directories:
                self._make_room(path)
            self.whiteouts.discard(path)
        self.files[path] = file

    def replace(self, path: str) -> None:
        """Remove whatever is at a path, with all below it: something else comes there."""
        self.files.pop(path, None)
        if path in self.directories:
            below = path + "/"
            for each in [each for each in self.directories if each.startswith(below)]:
                del self.directories[each]
            for each in [each for each in self.files if each.startswith(below)]:
                del self.files[each]
            del self.directories[path]
        self._removed.add(path)

    def hide(self, path: str) -> None:
        """Hide what the base has at a path; what the layer itself has there stays."""
        if path in self.directories:
            self.make_opaque(path)
        elif path not in self.files and self.base_stat(path) is not None:
            self._change_parent(path)
            self._removed.add(path)
            self.whiteouts.add(path)

    def make_opaque(self, path: str) -> None:
        """Hide everything that the base has below a directory."""
        there = self.directories.get(path)
        if there is None:
            there = self._keep_base_directory(path)
        if there.in_base:
            self.directories[path] = msgspec.structs.replace(there, opaque=True)
            self._opaque.add(path)

    # Own ---------------------------------------------------------------------------------------

    def _make_room(self, path: str) -> None:
        """See to what there is where a file is to be put."""
        mode = self._mode_in_known_directory(path)
        if mode is not None and stat.S_ISDIR(mode):
            raise SolveError(
                f"cannot replace to directory {path or '/'} with file",
                hint="remove the directory in an earlier RUN, or choose another destination",
            )
        self._change_parent(path)

    def _mode_in_known_directory(self, path: str) -> int | None:
        """Like ``mode``, without asking the base about what is in a new directory."""
        parent = self.directories.get(path.rpartition("/")[0])
        if parent is not None and not parent.in_base and path:
            directory = self.directories.get(path)
            if directory is not None:
                return directory.mode
            file = self.files.get(path)
            return None if file is None else file.mode
        return self.mode(path)

    def _as_made_in(self, parent: str, made: Directory) -> Directory:
        """Return what a new directory is in a directory of the layer, as mkdir(2) has it."""
        above = self.directories[parent]
        if not above.mode & stat.S_ISGID:
            return made
        gid = above.gid if made.takes_group else made.gid
        mode = made.mode if made.fixed_mode else made.mode | stat.S_ISGID
        return msgspec.structs.replace(made, mode=mode, gid=gid)

    def _put_directory(self, path: str, directory: Directory) -> None:
        self.whiteouts.discard(path)
        if path in self._removed and self._base_has_directory(path):
            directory = msgspec.structs.replace(directory, opaque=True)
        self.directories[path] = directory

    def _change_parent(self, path: str) -> None:
        """Have the parent in the layer, with the time of a directory that was changed."""
        if not path:
            return
        parent = path.rpartition("/")[0]
        there = self.directories.get(parent)
        if there is None:
            there = self._keep_base_directory(parent)
        if not there.copied and there.mtime_ns is not None:
            self.directories[parent] = msgspec.structs.replace(there, mtime_ns=None)

    def _keep_base_directory(self, path: str) -> Directory:
        """Have a directory of the base in the layer, as copying up does, and those above it."""
        if path:
            parent = path.rpartition("/")[0]
            if parent not in self.directories:
                self._keep_base_directory(parent)
        st = self.base_stat(path)
        if st is None:  # only the root of an empty base
            directory = Directory(_ROOT_MODE, 0, 0)
        else:
            directory = Directory(
                st.mode,
                st.uid,
                st.gid,
                st.mtime_ns,
                self.base_xattrs(path),
                in_base=True,
            )
        self.directories[path] = directory
        return directory

    def _base_has_directory(self, path: str) -> bool:
        st = self._base.lstat(path) if self._base is not None else None
        return st is not None and st.is_dir

    def _is_hidden(self, path: str) -> bool:
        while path:
            if path in self._removed:
                return True
            path = path.rpartition("/")[0]
            if path in self._opaque:
                return True
        return False


def _no_directory(path: str) -> SolveError:
    return SolveError(
        f"cannot copy to non-directory: {path or '/'}",
        hint="remove the file or link in an earlier RUN, or choose another destination",
    )
