"""Files and directories that exports write: whole under their name, or not there at all.

In:  a path, or ``-``.
Out: a stream to write to; a directory to fill.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from jettison.errors import ExportError, ImageNotFoundError, InvalidManifestError
from jettison.exporter.outputs import STANDARD_OUTPUT
from jettison.fs.atomic import beside
from jettison.fs.remove import remove_tree
from jettison.image.layout import OciLayout


@contextmanager
def export_errors(place: str) -> Iterator[None]:
    """Turn failures of the operating system into ``ExportError``.

    Raises:
        ExportError: with the cause, and what to do if the disk is full.
    """
    try:
        yield
    except BrokenPipeError as error:
        raise ExportError(f"cannot write to `{place}`: nobody reads it any more") from error
    except OSError as error:
        full = error.errno in {28, 122}  # ENOSPC, EDQUOT
        raise ExportError(
            f"cannot write `{place}`: {(error.strerror or str(error)).lower()}",
            hint="free some space, or write somewhere else" if full else None,
        ) from error


def require_place(dest: str) -> None:
    """See that a file can be made, before much is done for it; ``-`` can always be written.

    Raises:
        ExportError: its directory is not there.
    """
    if dest == STANDARD_OUTPUT:
        return
    directory = os.path.dirname(dest) or "."
    if not os.path.isdir(directory):
        raise ExportError(
            f"cannot write `{dest}`: there is no directory `{directory}`",
            hint="make it first, or name another",
        )


@contextmanager
def open_file(dest: str, stdout: BinaryIO | None) -> Iterator[BinaryIO]:
    """Open the file of an export; it gets its name when the block ends well.

    Args:
        dest: Path, or ``-``.
        stdout: Where ``-`` goes.

    Raises:
        ExportError: it cannot be written.
    """
    if dest == STANDARD_OUTPUT:
        if stdout is None:
            raise ExportError("there is no standard output to write to")
        if stdout.isatty():
            raise ExportError(
                "an archive is not written to a terminal", hint="redirect it, or name a file"
            )
        with export_errors("standard output"):
            yield stdout
            stdout.flush()
        return
    path = Path(dest)
    with export_errors(dest):
        if path.is_dir():
            raise ExportError(
                f"cannot write `{dest}`: it is a directory",
                hint="name a file, or add `tar=false` for a layout directory",
            )
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            # Devices and pipes cannot be replaced.
            with path.open("wb") as file:
                yield file
            return
        temporary = beside(path)
        try:
            with temporary.open("xb") as file:
                yield file
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Yield a directory to fill; it gets its name when the block ends well.

    Args:
        path: Must not be there, or be an empty directory.

    Raises:
        ExportError: it cannot be written.
    """
    with export_errors(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = beside(path)
        temporary.mkdir(mode=0o755)
        try:
            yield temporary
            os.rename(temporary, path)
        except BaseException:
            remove_tree(temporary)
            raise


@contextmanager
def open_layout(dest: str) -> Iterator[OciLayout]:
    """Yield a layout to add to; one that is new gets its name when the block ends well.

    Args:
        dest: A layout, an empty directory, or nothing.

    Raises:
        ExportError: something else is there, or it cannot be written.
    """
    path = Path(os.path.abspath(dest))
    if is_empty(path):
        with new_directory(path) as directory:
            yield OciLayout(os.fspath(directory))
        return
    layout = OciLayout(os.fspath(path))
    with export_errors(dest):
        try:
            layout.index()
        except (InvalidManifestError, ImageNotFoundError) as error:
            raise ExportError(
                f"cannot write `{dest}`: it is not empty and no OCI layout",
                hint="name another directory",
            ) from error
        yield layout


def is_empty(path: Path) -> bool:
    """Tell whether nothing is lost when a directory is made at a path."""
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except (FileNotFoundError, NotADirectoryError):
        # What is there instead of a directory stops the one who makes it.
        return True
