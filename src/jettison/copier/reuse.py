"""Reuse of the previous layer of an instruction: files that did not change are hard links into it.

In:  the committed layer and what was kept about it; the files that are planned now.
Out: files of directories that are the same, as hard links; the files that are left.

A directory of a context whose names and stat results are the same (``Noted.seen``, which holds
change times) has the files that it had: they are linked without a look at any of them. Of other
directories each file is compared.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence

import msgspec

from jettison.copier.destination import Destination
from jettison.copier.layer_writer import LayerWriter
from jettison.copier.planned import LayerFile

PathFile = tuple[str, LayerFile]
"""A file of the layer and its path."""

NO_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK})
"""What linking fails with where a copy does as well."""

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class PreviousLayer(msgspec.Struct, frozen=True):
    """The layer that the previous build made of the same instruction.

    Args:
        root: The committed layer's directory.
        digests: By path below it, raw sha256 of files without extended attributes; and by path
            with a slash at its end, what the files of a directory were made from (``made_from``).
    """

    root: str
    digests: Mapping[str, bytes]


def made_from(destination: Destination) -> dict[str, bytes]:
    """Return what files of the layer's directories are made from, by path of the directory.

    Equal bytes stand for equal files: names, content, owners, modes and times. Directories are
    left out that are not determined by one directory of a context.
    """
    mirrored, given = destination.mirrored, destination.owner
    if mirrored is None:
        return {}
    owner = b"" if given is None else b"%d:%d" % (given.uid, given.gid)
    found = {}
    for path, origin in mirrored.directories.items():
        noted = mirrored.tree.noted(origin)
        if noted is not None:
            found[path] = noted.seen + owner
    return found


def complete(
    origins: Mapping[str, bytes], files: Sequence[PathFile], digests: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Return what is kept about directories for the next build.

    Args:
        origins: As from ``made_from``.
        files: That were not linked with their whole directory.
        digests: Of files. A directory of which one is not known is left out.
    """
    if not origins:
        return {}
    lacking = {
        path.rpartition("/")[0]
        for path, file in files
        if stat.S_ISREG(file.mode) and path[1:] not in digests
    }
    return {f"{path[1:]}/": value for path, value in origins.items() if path not in lacking}


def link_directories(
    files: Mapping[str, LayerFile],
    origins: Mapping[str, bytes],
    previous: PreviousLayer | None,
    writer: LayerWriter,
) -> tuple[dict[str, bytes], Sequence[PathFile]]:
    """Link files of directories that are as they were; return their digests, and all other files.

    Args:
        files: All files of the layer, by path.
        origins: As from ``made_from``.
        previous: Whose files are linked.
        writer: Of the layer; its directories are made.
    """
    digests: dict[str, bytes] = {}
    if previous is None:
        return digests, list(files.items())
    same: dict[str, list[str]] = {
        path: [] for path, value in origins.items() if previous.digests.get(path[1:] + "/") == value
    }
    rest = []
    for path, file in files.items():
        paths = same.get(path.rpartition("/")[0])
        if paths is not None and stat.S_ISREG(file.mode):
            paths.append(path)
        else:
            rest.append((path, file))
    for directory, paths in same.items():
        refused = _link_files(previous, directory, paths, writer.directory(directory), digests)
        rest += [(path, files[path]) for path in refused]
    return digests, rest


def _link_files(
    previous: PreviousLayer,
    directory: str,
    paths: Sequence[str],
    into: int,
    digests: dict[str, bytes],
) -> Sequence[str]:
    """Link files of one directory of the previous layer into the same directory of another layer.

    Args:
        previous: The layer.
        directory: Where the files are.
        paths: Of the files.
        into: Descriptor of the other layer's directory.
        digests: Gets those of the files that were linked, by path below the layer.

    Returns:
        Paths of those that were not.
    """
    if not paths:
        return ()
    known, link, start = previous.digests, os.link, len(directory) + 1
    linked = 0
    origin = os.open(previous.root + directory, _OPEN_DIRECTORY)
    try:
        for path in paths:
            name, digest = path[start:], known.get(path[1:])
            if digest is None:
                break
            link(name, name, src_dir_fd=origin, dst_dir_fd=into, follow_symlinks=False)
            digests[path[1:]] = digest
            linked += 1
    except OSError as error:
        if error.errno not in NO_LINK:
            raise
    finally:
        os.close(origin)
    return paths[linked:]
