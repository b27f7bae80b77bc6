"""A stack of layer directories as one tree, without mounting it.

In:  layer directories in overlay form, base first; immutable.
Out: ``fs.tree.Tree`` with what an overlay mount of them would show.

A directory's names are merged once and kept: every later question about them, also about names
that are not there, is a dictionary look-up, whatever the number of layers.

Rules, from the top layer down, for one name: a whiteout hides it below; a file, link or device
is it and hides it below; directories merge until one is opaque or the name is something else.
Of the roots, the topmost that is not plain (``fs.overlay_form``) counts.

Source: kernel Documentation/filesystems/overlayfs.rst, "Upper and Lower".
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from jettison.fs.digest import file_sha256
from jettison.fs.overlay_form import is_opaque, is_plain_root, is_whiteout, root_in_effect
from jettison.fs.ownership import Ownership
from jettison.fs.tree import SECOND_NS, FileStat
from jettison.fs.walk import sorted_names
from jettison.fs.xattr import read_xattrs

_Found = int | list[int]
"""A name: the layer that has it, or for a directory all that take part, topmost first."""

_Listing = dict[str, _Found]


class StackTree:
    """A tree over layer directories; threads may share it.

    Args:
        directories: Overlay directories of committed layers, base first; none is the empty root.
        ownership: How owners are kept in them.
        below: The tree of all but the last of them, whose root need not be merged again.
        clocks: Of each directory, from when on times say only when its layer was made
            (``LayerInfo.clock_ns``); without them no time is taken to say more.
    """

    def __init__(
        self,
        directories: Sequence[Path],
        ownership: Ownership,
        *,
        below: StackTree | None = None,
        clocks: Sequence[int] = (),
    ) -> None:
        self._clocks = [clock_ns // SECOND_NS for clock_ns in clocks]
        self._ownership = ownership
        self._layers = [os.fspath(directory).rstrip("/") for directory in directories]
        self._listings: dict[str, _Listing | None] = {}
        self._digests: dict[tuple[int, int], bytes] = {}
        self._root_layer: int | None = None
        if below is not None and below._layers == self._layers[:-1] and below._layers:
            top = len(below._layers)
            if is_opaque(self._layers[top]):
                self._root = [top]
            else:
                self._root = [top, *below._root]
                self._put_on(below)
            return
        self._root = self._visible("", list(range(len(self._layers) - 1, -1, -1)))

    def lstat(self, path: str) -> FileStat | None:
        """Return the stat result of a path, or None when there is nothing.

        ``identity`` is (layer, inode): names in different layers are never one file.
        """
        layer = self._layer_of(path)
        if layer is None:
            return _EMPTY_ROOT if path == "/" else None
        host_path = self._layers[layer] + path
        st = self._ownership.effective_stat(os.lstat(host_path), host_path)
        return FileStat(
            st.st_mode,
            st.st_size,
            st.st_mtime_ns,
            st.st_rdev,
            st.st_nlink,
            layer,
            st.st_ino,
            uid=st.st_uid,
            gid=st.st_gid,
            dated=bool(self._clocks) and st.st_mtime_ns // SECOND_NS < self._clocks[layer],
        )

    def names(self, path: str) -> list[str]:
        """Return the names in a directory, sorted by their bytes; empty if it is none."""
        listing = self._listing("" if path == "/" else path)
        return sorted_names(list(listing)) if listing else []

    def readlink(self, path: str) -> str:
        """Return the target of a symbolic link."""
        return os.readlink(self.host_path(path))

    def host_path(self, path: str) -> str:
        """Return where a file is on the host: in the topmost layer that has it."""
        layer = self._layer_of(path)
        if layer is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._layers[layer] + path

    def xattrs(self, path: str) -> dict[str, bytes]:
        """Return the extended attributes that belong to images."""
        if path == "/" and not self._layers:
            return {}
        return read_xattrs(self.host_path(path))

    def file_digest(self, path: str) -> bytes:
        """Return the sha256 of a regular file's bytes; every inode is read once."""
        host_path = self.host_path(path)
        layer = self._layer_of(path)
        key = (-1 if layer is None else layer, os.lstat(host_path).st_ino)
        digest = self._digests.get(key)
        if digest is None:
            digest = self._digests[key] = file_sha256(host_path)
        return digest

    def _layer_of(self, path: str) -> int | None:
        """Return the topmost layer that has a path."""
        if path == "/":
            return self._layer_of_root()
        parent, _, name = path.rpartition("/")
        listing = self._listing(parent)
        found = listing.get(name) if listing is not None else None
        return found[0] if isinstance(found, list) else found

    def _layer_of_root(self) -> int | None:
        """Return the layer whose root directory counts, None for the empty stack."""
        if self._root_layer is None and self._root:
            visible = self._root[::-1]
            index = root_in_effect([self._layers[layer] for layer in visible], self._is_plain_root)
            self._root_layer = visible[index]
        return self._root_layer

    def _is_plain_root(self, directory: str) -> bool:
        return is_plain_root(directory, self._ownership)

    def _listing(self, path: str) -> _Listing | None:
        """Return the merged names of a directory (root is the empty path), None if it is none."""
        known = self._listings.get(path, _UNKNOWN)
        if known is not _UNKNOWN:
            return known
        # Downwards from the nearest directory that is known: depth costs no stack.
        unknown = [path]
        while unknown[-1] and unknown[-1].rpartition("/")[0] not in self._listings:
            unknown.append(unknown[-1].rpartition("/")[0])
        for each in reversed(unknown):
            self._listings[each] = self._merge(each)
        return self._listings[path]

    def _merge(self, path: str) -> _Listing | None:
        """List a directory whose parent's listing is known."""
        if not path:
            layers = self._root
        else:
            parent, _, name = path.rpartition("/")
            above = self._listings[parent]
            found = above.get(name) if above is not None else None
            if not isinstance(found, list):
                return None
            layers = self._visible(path, found)
        merged: _Listing = {}
        closed: set[str] = set()
        for layer in layers:
            self._add_names(merged, closed, path, layer)
        return merged

    def _put_on(self, below: StackTree) -> None:
        """Take over what is known about the root of the layers below the last."""
        top = len(below._layers)
        root = below._layer_of_root()
        says_nothing = root is None or self._is_plain_root(below._layers[root])
        if says_nothing or not self._is_plain_root(self._layers[top]):
            root = top
        self._root_layer = root
        merged: _Listing = {}
        closed: set[str] = set()
        self._add_names(merged, closed, "", top)
        for name, found in (below._listing("") or {}).items():
            own = merged.get(name)
            if own is None and name not in closed:
                merged[name] = found
            elif isinstance(own, list) and isinstance(found, list):
                own += found
        self._listings[""] = merged

    def _add_names(self, merged: _Listing, closed: set[str], path: str, layer: int) -> None:
        """Put a layer's names below those of the layers above it.

        ``closed`` are names for which lower layers do not count any more.
        """
        with os.scandir(self._layers[layer] + path or "/") as entries:
            for entry in entries:
                name = entry.name
                if name in closed:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    found = merged.get(name)
                    if isinstance(found, list):
                        found.append(layer)
                    else:
                        merged[name] = [layer]
                    continue
                closed.add(name)
                regular = entry.is_file(follow_symlinks=False) or entry.is_symlink()
                if name in merged:
                    continue  # a directory above hides it
                if regular or not is_whiteout(entry.stat(follow_symlinks=False)):
                    merged[name] = layer

    def _visible(self, path: str, layers: list[int]) -> list[int]:
        """Return the layers of a directory down to the first that is opaque."""
        if len(layers) < 2:
            return layers
        for position, layer in enumerate(layers[:-1]):
            if is_opaque(self._layers[layer] + path or "/"):
                return layers[: position + 1]
        return layers


_UNKNOWN: _Listing = {}
_EMPTY_ROOT = FileStat(0o040755, nlink=2)
