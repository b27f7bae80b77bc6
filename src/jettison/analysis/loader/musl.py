"""How the loader of musl searches.

Source: musl, ``ldso/dynlink.c``: ``load_library``, ``path_open``, ``fixup_rpath``.

It knows loaded files by the name that was asked for, not by their own; libraries that are part
of musl by their names alone; and it looks at no machine and no class of a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from jettison.analysis.elf.model import DYN, EXEC
from jettison.analysis.loader.base import Environment, Fault
from jettison.analysis.loader.search import Context, Hit, Loading, absolute

_OWN = re.compile(r"lib(?:c|pthread|rt|m|dl|util|xnet)\.")
_ORIGIN = re.compile(r"\$ORIGIN|\$\{ORIGIN\}")
_SEPARATORS = re.compile("[:\n]+")
_MAX_LIST = 64 << 10
_MAX_DIRECTORIES = 1000


class MuslSystem:
    """The directories of a system.

    Args:
        context: With the loader of that system.
    """

    def __init__(self, context: Context) -> None:
        self.context = context

    @cached_property
    def directories(self) -> tuple[str, ...]:
        """Those that a file lists; where there is none, those that were built in."""
        found = self.context.paths.find(self.context.interp.file)
        if found is None:
            return self.context.interp.directories
        data = self.context.paths.files.read(found, _MAX_LIST) or b""
        return _split(data.decode("utf-8", "surrogateescape"))


class MuslSearch:
    """The loader of musl, with one program.

    Args:
        system: What it finds in the directories of the system.
        environment: Of the image.
        program: What is started, or a library alone.
    """

    def __init__(self, system: MuslSystem, environment: Environment, program: Loading) -> None:
        self._system = system
        self._directory = environment.directory
        self._library_path = _split(environment.library_path)
        self._program = program

    def loaded(self, name: str, objects: list[Loading]) -> Loading | None:
        """Return what is already loaded under a name; the loader itself is all of the C library."""
        if _OWN.match(name) and "/" not in name:
            own = self._system.context.interp.path
            return next((each for each in objects if each.path == own), None)
        return next((each for each in objects if name in each.names), None)

    def find(self, name: str, by: Loading) -> Hit:
        """Look for the library of a name."""
        if "/" in name:
            return self._examine(absolute(name, self._directory)) or Hit()
        for directory in self._searched(by):
            hit = self._examine(f"{absolute(directory, self._directory)}/{name}")
            if hit is not None:
                return hit
        return Hit()

    def _searched(self, by: Loading) -> Iterator[str]:
        yield from self._library_path
        for each in by.chain:
            yield from self._own(each)
        yield from self._system.directories

    def _own(self, of: Loading) -> tuple[str, ...]:
        text = of.elf.runpath if of.elf.runpath is not None else of.elf.rpath
        if not text:
            return ()
        origin = (of.path if of.by is None else of.opened).rpartition("/")[0] or "/"
        if "$" in _ORIGIN.sub("", text):
            return ()
        return _split(_ORIGIN.sub(lambda _: origin, text))

    def _examine(self, opened: str) -> Hit | None:
        context = self._system.context
        path = context.paths.find(opened)
        if path is None:
            return Hit(is_loop=True) if context.paths.is_loop(opened) else None
        elf = context.elf_at(path) if context.paths.is_file(path) else None
        if elf is None or not elf.bits or elf.kind not in {DYN, EXEC}:
            return Hit(fault=Fault.UNUSABLE, found=path)
        own = context.interp.elf
        if (elf.machine, elf.bits, elf.is_big) != (own.machine, own.bits, own.is_big):
            return Hit(fault=Fault.ARCHITECTURE, found=path)
        return Hit(path, opened)


def _split(text: str) -> tuple[str, ...]:
    return tuple(filter(None, _SEPARATORS.split(text)[:_MAX_DIRECTORIES]))
