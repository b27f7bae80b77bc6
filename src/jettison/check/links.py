"""Symbolic links of an image that lead to nothing, and where their targets stayed.

In:  a ``Subject``.
Out: ``LeftBehind``.
"""

from __future__ import annotations

from posixpath import dirname, join

import msgspec

from jettison.analysis.files import Files
from jettison.check.subject import Copied, Subject
from jettison.fs.resolve import resolve
from jettison.fs.tree import FileStat


class LeftBehind(msgspec.Struct, frozen=True):
    """A link whose target stayed in the stage that it was copied from.

    Args:
        link: In the image.
        copied: How it came there.
        target: What it leads to in that stage, links followed.
        wanted: Where that would have to be in the image.
        stat: Of the target.
    """

    link: str
    copied: Copied
    target: str
    wanted: str
    stat: FileStat


def left_behind(subject: Subject, link: str) -> LeftBehind | None:
    """Return where the target of a link stayed; None if that is not so."""
    copied = subject.copied(link)
    if copied is None or copied.stage < 0:
        return None
    root = subject.stage(copied.stage)
    if root is None:
        return None
    try:
        target = resolve(root.files, copied.source)
        wanted = resolve(subject.image.files, link)
    except OSError:
        return None
    st = root.files.lstat(target)
    if st is None or subject.image.files.lstat(wanted) is not None:
        return None
    return LeftBehind(link, copied, target, wanted, st)


def is_of_venv(files: Files, link: str) -> bool:
    """Tell whether a link is the interpreter of a virtual environment of Python."""
    return "python" in link.rpartition("/")[2] and is_in_venv(files, link)


def is_in_venv(files: Files, program: str) -> bool:
    """Tell whether a program is in a virtual environment of Python: other rules are about these."""
    return files.lstat(join(dirname(dirname(program)), "pyvenv.cfg")) is not None
