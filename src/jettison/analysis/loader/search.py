"""What loaders share: files that are loaded, files that are candidates for a name.

In:  the files of a tree and the ELF files in it.
Out: ``Loading``, ``Hit``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from jettison.analysis.elf.model import DYN, Elf
from jettison.analysis.loader.base import Fault
from jettison.analysis.loader.interp import Interp
from jettison.analysis.loader.paths import Paths

_PIE = 0x0800_0000
_GNU, _NONE = 3, 0


class Loading:
    """A file while it is loaded.

    Args:
        path: Where it is, without links.
        opened: The path by which it was opened.
        elf: What it says.
        by: The file that asked for it; None for the program.
        name: By which it was asked for.
        level: The x86-64 level that it is only for.
    """

    def __init__(
        self,
        path: str,
        opened: str,
        elf: Elf,
        by: Loading | None = None,
        name: str = "",
        level: str = "",
    ) -> None:
        self.path = path
        self.opened = opened
        self.elf = elf
        self.by = by
        self.name = name
        self.level = level
        self.names = {name, opened} if name else set()

    @property
    def chain(self) -> Iterable[Loading]:
        """The file, that which asked for it, and so on up to the program."""
        each: Loading | None = self
        while each is not None:
            yield each
            each = each.by


class Hit(NamedTuple):
    """What a search ended with.

    Args:
        path: Of the library, without links; empty if there is none.
        opened: The path by which it was opened.
        fault: Why there is none.
        found: Path of a file of the name that is none.
        level: The x86-64 level of the directory that it is in.
        is_loop: Whether links in its path are a loop, which is more than not to be there.
    """

    path: str = ""
    opened: str = ""
    fault: Fault = Fault.ABSENT
    found: str = ""
    level: str = ""
    is_loop: bool = False

    @property
    def ends_search(self) -> bool:
        """Whether a loader looks no further: it is the library, or no library at all."""
        return bool(self.path) or self.fault is Fault.UNUSABLE


class Search(Protocol):
    """How one loader finds libraries for one program."""

    def loaded(self, name: str, objects: list[Loading]) -> Loading | None:
        """Return what is already loaded under a name."""
        ...

    def find(self, name: str, by: Loading) -> Hit:
        """Look for the library of a name that a file asks for."""
        ...


class Context(NamedTuple):
    """What searches are made with.

    Args:
        paths: Of the tree.
        elf_at: Path of a regular file to what it says; None if it is no ELF file.
        interp: The loader.
    """

    paths: Paths
    elf_at: Callable[[str], Elf | None]
    interp: Interp


def absolute(path: str, directory: str) -> str:
    """Return a path that may be relative to the working directory."""
    return path if path.startswith("/") else f"{directory.rstrip('/')}/{path}"


def examine(context: Context, opened: str) -> Hit | None:
    """Return whether a file is a library that the loader takes.

    Returns:
        None: there is none, or it is for another architecture and the search goes on;
        ``Hit.fault`` is ``UNUSABLE`` when the search ends with it.
    """
    path = context.paths.find(opened)
    if path is None:
        return Hit(is_loop=True) if context.paths.is_loop(opened) else None
    if not context.paths.is_file(path):
        is_directory = path == "" or context.paths.files.entries[path].is_dir
        return Hit(fault=Fault.UNUSABLE, found=path) if is_directory else None
    elf = context.elf_at(path)
    own = context.interp.elf
    if elf is None or not elf.bits:
        return Hit(fault=Fault.UNUSABLE, found=path)
    if elf.bits != own.bits:
        return Hit(fault=Fault.ARCHITECTURE, found=path)
    if elf.is_big != own.is_big or elf.os_abi not in {_NONE, _GNU}:
        return Hit(fault=Fault.UNUSABLE, found=path)
    if elf.machine != own.machine:
        return Hit(fault=Fault.ARCHITECTURE, found=path)
    if elf.kind != DYN or not elf.is_dynamic or elf.flags_1 & _PIE:
        return Hit(fault=Fault.UNUSABLE, found=path)
    return Hit(path, opened)
