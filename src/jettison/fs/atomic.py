"""Files that appear whole or not at all.

In:  bytes and the path that they are to have.
Out: the file under its name; after a crash the old file, the new one or none, never a part.
"""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(
    path: Path,
    data: bytes,
    *,
    mode: int = 0o644,
    durable: bool = False,
    staging: Path | None = None,
) -> None:
    """Write a file beside its place and rename it over.

    Args:
        path: Its place; an existing file is replaced.
        data: All its bytes.
        mode: Its permission bits, whatever the umask.
        durable: Whether it is there after a power loss, too. Without, a killed process is
            survived (the page cache is), and a power loss may leave the old file.
        staging: Directory of the temporary file, on the same file system; default is beside it.

    Raises:
        OSError: nothing changed.
    """
    temporary = os.fspath((staging or path.parent) / _unused_name(path))
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            write_all(descriptor, data)
            os.fchmod(descriptor, mode)
            if durable:
                os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    if durable:
        sync_directory(path.parent)


def beside(path: Path) -> Path:
    """Return an unused name in the directory of a path."""
    return path.with_name(_unused_name(path))


def _unused_name(path: Path) -> str:
    return f".{path.name}.{os.getpid():x}-{os.urandom(6).hex()}"


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all bytes to a descriptor, however many calls it takes.

    Raises:
        OSError: the device is full or broken.
    """
    written = os.write(descriptor, data)
    if written == len(data):
        return
    rest = memoryview(data)[written:]
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_directory(path: Path) -> None:
    """Make names that were made or renamed in a directory survive a power loss."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
