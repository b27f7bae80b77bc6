"""A root file system and what was found out about it.

In:  the files of a tree.
Out: ``Rootfs``: each fact once, whoever asks first.

A fact is what a *finder* returns: a function of a module of ``analysis`` that takes a ``Rootfs``.
Finders ask for other facts in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from jettison.analysis.files import Files
from jettison.analysis.programs import Programs

T = TypeVar("T")


class Rootfs:
    """The root file system of an image or of a stage.

    Args:
        files: Its entries and their bytes.
        programs: What its programs are; without it they are read when they are asked for.
    """

    def __init__(self, files: Files, programs: Programs | None = None) -> None:
        self.files = files
        self.programs = programs if programs is not None else Programs(files)
        self._facts: dict[Callable[[Rootfs], Any], Any] = {}

    def fact(self, find: Callable[[Rootfs], T]) -> T:
        """Return what a finder finds; it is called once."""
        try:
            found: T = self._facts[find]
        except KeyError:
            found = self._facts[find] = find(self)
        return found
