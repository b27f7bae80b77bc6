"""File system errors of the host, translated to errors that say what a user can do.

In:  ``OSError`` from system calls on files of the store.
Out: ``StorageError`` with a hint, for the causes that a user can remove; others pass.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jettison.errors import Cause, StorageError

if TYPE_CHECKING:
    from pathlib import Path

_MAX_SHOWN = 240
_HINTS = {
    errno.ENOSPC: "free some space, for example with `jettison prune`, or choose another `--root`",
    errno.EDQUOT: "raise the disk quota, run `jettison prune`, or choose another `--root`",
    errno.EROFS: "choose a writable directory with `--root`",
    errno.EACCES: "check the owner of the directory, or choose another with `--root`",
    errno.EPERM: "check the owner of the directory, or choose another with `--root`",
    errno.EIO: "check the disk; the kernel log says more",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
    errno.ENFILE: "raise the system's limit of open files",
    errno.ENAMETOOLONG: "shorten the path of `--root` or the paths that the build makes",
    errno.EOPNOTSUPP: "choose a `--root` on a file system with extended attributes, such as ext4",
    errno.EMLINK: "remove unused images with `jettison prune`",
}


def storage_error(error: OSError, path: str | Path) -> StorageError | None:
    """Return what an error means for the user, or None when it is none of the known causes."""
    hint = _HINTS.get(error.errno or 0)
    if hint is None:
        return None
    place = error.filename if isinstance(error.filename, str) else os.fspath(path)
    reason = os.strerror(error.errno or 0).lower()
    known = StorageError(f"cannot use `{shortened(place)}`: {reason}", hint=hint)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        known.cause = Cause("disk-full", "", fix=hint)
    return known


def shortened(path: str) -> str:
    """Return a path without its middle if it is long: what is too long is no message."""
    if len(path) <= _MAX_SHOWN:
        return path
    half = _MAX_SHOWN // 2
    return f"{path[:half]}…{path[-half:]}"


@contextmanager
def storage_errors(path: str | Path) -> Iterator[None]:
    """Turn file system failures below a path into ``StorageError``.

    Args:
        path: Named in the message when the error itself has no path.

    Raises:
        StorageError: no space, over quota, read-only, no permission, broken disk, name too long.
    """
    try:
        yield
    except OSError as error:
        known = storage_error(error, path)
        if known is None:
            raise
        raise known from error
