"""Libraries of a system that load for whoever asks for them: most programs need no other.

In:  how a loader finds libraries in the directories of the system.
Out: what a file loads with it, if that is certain; each library is looked at once.

A file is *sound* if it has no search path of its own, is called as others ask for it, all libraries
that it needs are sound, and define the versions that it asks for. Whatever loads it, and in
whatever order, gets the same. What is not sound may load all the same: ``closure`` finds out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jettison.analysis.elf.model import Elf
from jettison.analysis.loader.interp import Interp
from jettison.analysis.loader.search import Hit

_MAX_DEPTH = 40
_MAX_NAMES = 500

Names = frozenset[str]


class SoundLibraries:
    """The sound libraries of a system.

    Args:
        interp: Its loader.
        find: Looks for a library by its name in the directories of the system.
        elf_at: Path of a regular file to what it says.
        spend: Counts steps.
    """

    def __init__(
        self,
        interp: Interp,
        find: Callable[[str], Hit],
        elf_at: Callable[[str], Elf | None],
        spend: Callable[[int], None],
    ) -> None:
        self._interp = interp
        self._find = find
        self._elf_at = elf_at
        self._spend = spend
        self._libraries: dict[str, _Library | None] = {}
        self._needed: dict[tuple[str, ...], Names | None] = {}
        self._met: dict[tuple[str, tuple[str, ...]], bool] = {}

    def names(self, elf: Elf, depth: int = 0) -> Names | None:
        """Return the names of all that a file loads; None if that is not certain.

        Raises:
            SearchLimitError: it takes too many steps.
        """
        if elf.rpath is not None or elf.runpath is not None or not elf.has_default_directories:
            return None
        if elf.needed not in self._needed:
            self._needed[elf.needed] = None  # what needs itself is not sound
            self._needed[elf.needed] = self._all_names(elf.needed, depth)
        names = self._needed[elf.needed]
        if names is None:
            return None
        for each in elf.needs.items():
            is_met = self._met.get(each)
            if is_met is None:
                is_met = self._met[each] = self._is_met(*each)
            if not is_met or each[0] not in names:
                return None
        return names

    def _all_names(self, needed: tuple[str, ...], depth: int) -> Names | None:
        found: set[str] = set()
        for name in filter(None, needed):
            library = self._library(name, depth)
            if library is None:
                return None
            found.add(name)
            found |= library.names
            self._spend(1 + len(found) // 8)
        return frozenset(found) if len(found) <= _MAX_NAMES else None

    def _is_met(self, name: str, versions: tuple[str, ...]) -> bool:
        """Tell whether a library that was looked at defines versions."""
        library = self._libraries.get(name)
        if library is None:
            return False
        self._spend(1 + len(versions) // 8)
        return not library.elf.has_versions or set(versions) <= set(library.elf.defines)

    def _library(self, name: str, depth: int) -> _Library | None:
        """Return a library; None if it is not sound."""
        if name not in self._libraries:
            self._libraries[name] = None  # one that needs itself is not
            self._libraries[name] = self._look(name, depth)
        return self._libraries[name]

    def _look(self, name: str, depth: int) -> _Library | None:
        if name == self._interp.elf.soname:
            return _Library(self._interp.elf, frozenset())
        if "/" in name or depth > _MAX_DEPTH:
            return None
        hit = self._find(name)
        elf = self._elf_at(hit.path) if hit.path else None
        if elf is None or elf.soname not in {"", name}:
            return None
        names = self.names(elf, depth + 1)
        return _Library(elf, names) if names is not None else None


class _Library(NamedTuple):
    """A sound library, and the names of all that it loads."""

    elf: Elf
    names: Names
