"""How the loader of glibc searches.

Source: ld.so(8); glibc, ``elf/dl-load.c``: ``_dl_map_object``, ``open_path``, ``open_verify``;
``elf/dl-cache.c``.

Directories of levels that the processor may not have (``glibc-hwcaps/x86-64-v3``) are looked into
after the plain ones, for what is nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from jettison.analysis.loader.base import Environment
from jettison.analysis.loader.cache import MAX_BYTES, Cache, is_for, read_cache
from jettison.analysis.loader.search import Context, Hit, Loading, absolute, examine

_TOKEN = re.compile(r"\$(?:\{(ORIGIN|PLATFORM|LIB)\}|(ORIGIN|PLATFORM|LIB)(?![A-Za-z0-9_]))")
_PLATFORMS = {"amd64": "x86_64", "386": "i686", "arm64": "aarch64"}
_LEVELS = {level: f"glibc-hwcaps/x86-64-v{level}" for level in (4, 3, 2)}
_OLD_LEVELS = (
    *("tls/haswell/x86_64", "tls/haswell", "tls/x86_64", "tls"),
    *("haswell/x86_64", "haswell", "x86_64"),
)
_MAX_DIRECTORIES = 1000


class GlibcSystem:
    """The directories of a system, and what was found in them.

    Args:
        context: With the loader of that system.
        level: Of the processor.
    """

    def __init__(self, context: Context, level: int) -> None:
        self.context = context
        self._found: dict[tuple[str, bool], Hit] = {}
        self._levels: dict[str, tuple[str, ...]] = {}
        self._before: tuple[str, ...] = ()
        self._after: tuple[str, ...] = ()
        if context.interp.elf.architecture == "amd64":
            self._before = tuple(name for each, name in _LEVELS.items() if each <= level)
            self._after = tuple(name for each, name in _LEVELS.items() if each > level)[::-1]
            if context.interp.has_old_levels:
                self._after += _OLD_LEVELS

    def find(self, name: str, has_defaults: bool) -> Hit:
        """Look for a library in the cache, then in the directories of the system.

        Args:
            name: Of the library.
            has_defaults: Whether the directories of the system may be used.
        """
        key = (name, has_defaults)
        hit = self._found.get(key)
        if hit is None:
            hit = self._found[key] = self._look(name, has_defaults)
        return hit

    def look_in(self, directory: str, name: str) -> Hit | None:
        """Return the library of a name in a directory, or below it for some processors."""
        first: Hit | None = None
        for level in self._levels_in(directory):
            hit = examine(self.context, f"{directory}/{level}/{name}")
            if hit is not None and hit.path:
                is_special = level in self._after
                return hit._replace(level=level.rpartition("/")[2]) if is_special else hit
            if hit is not None and hit.ends_search:
                return hit
            first = first or hit
        return first

    def _levels_in(self, directory: str) -> tuple[str, ...]:
        """Return the names of what is searched in a directory: of itself the empty one."""
        found = self._levels.get(directory)
        if found is None:
            paths = self.context.paths
            names = (*self._before, "", *self._after)
            if paths.directory(directory) is None:
                names = ()
            found = tuple(
                name
                for name in names
                if not name or paths.directory(f"{directory}/{name}") is not None
            )
            if len(self._levels) < _MAX_DIRECTORIES:
                self._levels[directory] = found
        self.context.paths.spend(1)
        return found

    @cached_property
    def cache(self) -> Cache:
        """What ``ldconfig`` found when it ran last."""
        found = self.context.paths.find(self.context.interp.file)
        return read_cache(self.context.paths.files.read(found, MAX_BYTES) or b"") if found else {}

    def _look(self, name: str, has_defaults: bool) -> Hit:
        directories = self.context.interp.directories
        cached = self._cached(name)
        other: Hit | None = None
        is_default = any(cached.startswith(f"{each}/") for each in directories)
        if cached and (has_defaults or not is_default):
            hit = examine(self.context, absolute(cached, "/"))
            if hit is not None and hit.ends_search:
                return hit
            other = hit
        hit = self.look_through(directories if has_defaults else (), name)
        if hit is not None and hit.ends_search:
            return hit
        return other or hit or Hit()

    def look_through(self, directories: Iterable[str], name: str) -> Hit | None:
        """Return the library of a name in one of some directories; see ``look_in``."""
        other: Hit | None = None
        for directory in directories:
            hit = self.look_in(directory, name)
            if hit is not None and hit.ends_search:
                return hit
            other = other or hit
            if hit is not None and hit.is_loop:
                break
        return other

    def _cached(self, name: str) -> str:
        own = self.context.interp.elf
        paths = [
            each.path
            for each in self.cache.get(name, ())
            if is_for(each, own.architecture, own.bits)
        ]
        for level in self._before:
            found = next((path for path in paths if f"/{level}/" in path), "")
            if found:
                return found
        plain = (path for path in paths if "/glibc-hwcaps/" not in path)
        return next(plain, paths[0] if paths else "")


class GlibcSearch:
    """The loader of glibc, with one program.

    Args:
        system: What it finds in the directories of the system.
        environment: Of the image.
        program: What is started, or a library alone.
    """

    def __init__(self, system: GlibcSystem, environment: Environment, program: Loading) -> None:
        self._system = system
        self._directory = environment.directory
        self._program = program
        self._lists: dict[int, tuple[str, ...]] = {}
        path = environment.library_path
        self._library_path = self._split(re.split("[:;]", path), program) if path else ()

    def loaded(self, name: str, objects: list[Loading]) -> Loading | None:
        """Return what is already loaded under a name, or has it as its own."""
        for each in objects:
            if name in each.names:
                return each
            if each.elf.soname == name:
                each.names.add(name)
                return each
        return None

    def find(self, name: str, by: Loading) -> Hit:
        """Look for the library of a name."""
        if "/" in name:
            opened = absolute(self._expanded(name, by), self._directory)
            return examine(self._system.context, opened) or Hit()
        other: Hit | None = None
        for directories in self._searched(by):
            hit = self._system.look_through(directories, name)
            if hit is not None and hit.ends_search:
                return hit
            other = other or hit
        hit = self._system.find(name, by.elf.has_default_directories)
        return other if other is not None and not hit.path and not hit.found else hit

    def _searched(self, by: Loading) -> Iterator[tuple[str, ...]]:
        """Yield the directories before those of the system, a list at a time."""
        if by.elf.runpath is None:
            for each in dict.fromkeys((*by.chain, self._program)):
                if each.elf.runpath is None and each.elf.rpath:
                    yield self._own(each.elf.rpath, each)
        yield self._library_path
        if by.elf.runpath:
            yield self._own(by.elf.runpath, by)

    def _own(self, text: str, of: Loading) -> tuple[str, ...]:
        known = self._lists.get(id(of))
        if known is None:
            known = self._lists[id(of)] = self._split(text.split(":"), of)
        return known

    def _split(self, parts: list[str], of: Loading) -> tuple[str, ...]:
        expanded = (self._expanded(each, of) or "." for each in parts[:_MAX_DIRECTORIES])
        return tuple(absolute(each, self._directory) for each in expanded)

    def _expanded(self, text: str, of: Loading) -> str:
        """Return a path with its tokens replaced."""
        if "$" not in text:
            return text
        interp = self._system.context.interp
        origin = (of.path if of.by is None else of.opened).rpartition("/")[0] or "/"
        values = {
            "ORIGIN": origin,
            "LIB": interp.lib,
            "PLATFORM": _PLATFORMS.get(interp.elf.architecture, ""),
        }
        return _TOKEN.sub(lambda found: values[found[1] or found[2]], text)
