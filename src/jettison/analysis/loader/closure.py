"""All that a program needs to be loaded: its interpreter, libraries, versions of their symbols.

In:  a root file system, the environment of an image.
Out: ``Closure`` for a program or library.

Source: execve(2) for what the kernel does; glibc, ``elf/dl-deps.c`` (breadth first) and
``elf/dl-version.c``.
"""

from __future__ import annotations

from functools import partial

from jettison.analysis.elf.model import DYN, EXEC, Elf
from jettison.analysis.elf.parse import parse
from jettison.analysis.files import may_be_program
from jettison.analysis.loader.base import (
    Closure,
    Environment,
    Family,
    Loaded,
    Missing,
    Unmet,
    Verdict,
)
from jettison.analysis.loader.conf import directories
from jettison.analysis.loader.glibc import GlibcSearch, GlibcSystem
from jettison.analysis.loader.interp import Interp, read_interp
from jettison.analysis.loader.musl import MuslSearch, MuslSystem
from jettison.analysis.loader.paths import Paths, SearchLimitError
from jettison.analysis.loader.search import Context, Loading, Search, absolute
from jettison.analysis.loader.sound import SoundLibraries
from jettison.analysis.rootfs import Rootfs

_MAX_OBJECTS = 2000
_MAX_OTHERS = 1000
_MAX_HINTS = 16
_MAX_LOADERS = 100
_COMPATIBLE = {"amd64": {"amd64", "386"}, "arm64": {"arm64", "arm"}}
"""Platforms to the architectures of programs that their kernels run."""
_EXECUTE = 0o111


class Loader:
    """The loaders of a root file system.

    Args:
        root: That.
    """

    def __init__(self, root: Rootfs) -> None:
        self.paths = Paths(root.files)
        self._programs = root.programs
        self._others: dict[str, Elf | None] = {}
        self._interps: dict[str, Interp | None] = {}
        self._systems: dict[tuple[str, int], GlibcSystem | MuslSystem] = {}
        self._sound: dict[tuple[object, ...], SoundLibraries | None] = {}
        self._unmet: dict[tuple[str, str], tuple[str, ...]] = {}

    def closure(self, path: str, environment: Environment) -> Closure | None:
        """Return what loading a program or library comes to; None if a path leads to no ELF file.

        A library that names no interpreter is looked at as the program that loads it would: with
        the loader that programs of its kind name. What takes too long to look for is unknown.
        """
        self.paths.begin()
        try:
            return self._closure(path, environment)
        except SearchLimitError:
            elf = self._elf_at(path)
            return Closure(path, elf, Verdict.UNKNOWN) if elf is not None else None

    def is_sure_to_load(self, elf: Elf, environment: Environment) -> bool:
        """Tell whether a file loads with sound libraries of glibc; if not, it may all the same."""
        if elf.fault or elf.kind not in {EXEC, DYN} or not elf.is_dynamic:
            return False
        self.paths.begin()
        try:
            sound = self._sound_for(elf, environment)
            names = sound.names(elf) if sound is not None else None
        except SearchLimitError:
            return False
        return names is not None and elf.soname not in names

    def _sound_for(self, elf: Elf, environment: Environment) -> SoundLibraries | None:
        """Return the sound libraries of the loader of a file; None if it has none of glibc's."""
        key = (elf.interp, elf.machine, elf.bits, elf.is_big, environment)
        if key in self._sound:
            return self._sound[key]
        found = None
        if runs_on(elf, environment.architecture) and not environment.library_path:
            asked = elf.interp or self._usual(elf)
            interp = self.interp(absolute(asked, environment.directory), asked)
            if interp is not None and (interp.elf.machine, interp.elf.bits) == key[1:3]:
                system = self._system(interp, environment)
                if isinstance(system, GlibcSystem):
                    find = partial(system.find, has_defaults=True)
                    found = SoundLibraries(interp, find, self._elf_at, self.paths.spend)
        if len(self._sound) < _MAX_LOADERS:
            self._sound[key] = found
        return found

    def _closure(self, path: str, environment: Environment) -> Closure | None:
        found = self.paths.find(path)
        elf = self._elf_at(found) if found is not None and self.paths.is_file(found) else None
        if found is None or elf is None:
            return None
        if elf.fault or elf.kind not in {EXEC, DYN}:
            return Closure(found, elf, Verdict.UNKNOWN)
        if not runs_on(elf, environment.architecture):
            return Closure(found, elf, Verdict.WRONG_ARCHITECTURE, elf.interp)
        if not elf.interp and (elf.is_static or not elf.is_dynamic):
            return Closure(found, elf, Verdict.STARTS, family=Family.NONE)
        asked = elf.interp or self._usual(elf)
        interp = self.interp(absolute(asked, environment.directory), asked)
        if interp is None:
            verdict = Verdict.NO_INTERPRETER if elf.interp else Verdict.UNKNOWN
            return Closure(found, elf, verdict, elf.interp, Family.UNKNOWN)
        if interp.elf.machine != elf.machine or interp.elf.bits != elf.bits:
            return Closure(found, elf, Verdict.NO_INTERPRETER, elf.interp, interp.family)
        return self._load(found, elf, interp, environment)

    def interp(self, path: str, asked: str = "") -> Interp | None:
        """Return the loader at a path; None if there is none that can be executed."""
        known = self._interps.get(path)
        if known is not None or path in self._interps:
            return known
        found = self.paths.find(path)
        st = self.paths.files.entries.get(found) if found else None
        interp = None
        if found and st is not None and st.is_file and st.mode & _EXECUTE:
            elf = self._elf_at(found)
            if elf is not None and not elf.fault and elf.kind in {EXEC, DYN}:
                interp = read_interp(self.paths.files, found, asked or path, elf)
        self._interps[path] = interp
        return interp

    def interps(self, architecture: str) -> tuple[Interp, ...]:
        """Return the loaders at the usual places for an architecture."""
        try:
            found = [self.interp(path) for path in _USUAL.get(architecture, ())]
        except SearchLimitError:
            return ()
        return tuple({each.path: each for each in found if each is not None}.values())

    def library(self, name: str, interp: Interp, environment: Environment) -> Elf | None:
        """Return what a loader finds for a name in the directories of the system."""
        nothing = Loading("", "", Elf(bits=interp.elf.bits))
        search = self._search(interp, environment, nothing)
        self.paths.begin()
        try:
            hit = search.find(name, nothing) if search is not None else None
        except SearchLimitError:
            return None
        return self._elf_at(hit.path) if hit is not None and hit.path else None

    def _usual(self, elf: Elf) -> str:
        return next((each.asked for each in self.interps(elf.architecture)), "/none")

    def _load(self, path: str, elf: Elf, interp: Interp, environment: Environment) -> Closure:
        program = Loading(path, path, elf)
        search = self._search(interp, environment, program)
        if search is None:
            return Closure(path, elf, Verdict.UNKNOWN, elf.interp, interp.family)
        own = Loading(interp.path, interp.asked, interp.elf, program, interp.asked)
        objects, missing = self._objects(program, own, search)
        unmet = self._versions(objects, search) if interp.family is Family.GLIBC else ()
        hints = [self._hinted(each, interp) for each in missing[:_MAX_HINTS]]
        return Closure(
            path,
            elf,
            _verdict(missing, unmet),
            elf.interp,
            interp.family,
            tuple(
                Loaded(each.path, each.elf, each.name, each.by.path if each.by else "", each.level)
                for each in objects
            ),
            (*hints, *missing[_MAX_HINTS:]),
            unmet,
        )

    def _elf_at(self, path: str) -> Elf | None:
        """Return what a file says, whatever its name and mode."""
        found = self._programs.find(path)
        if found is not None:
            return found if isinstance(found, Elf) else None
        if path not in self._others:
            self._others[path] = self._read(path)
        return self._others[path]

    def _read(self, path: str) -> Elf | None:
        st = self.paths.files.entries.get(path)
        if st is None or may_be_program(path, st.mode) or len(self._others) > _MAX_OTHERS:
            return None
        file = self.paths.files.open(path)
        if file is None:
            return None
        with file:
            return parse(file.fileno())

    def _search(self, interp: Interp, environment: Environment, program: Loading) -> Search | None:
        match self._system(interp, environment):
            case GlibcSystem() as system:
                return GlibcSearch(system, environment, program)
            case MuslSystem() as system:
                return MuslSearch(system, environment, program)
            case _:
                return None

    def _system(self, interp: Interp, environment: Environment) -> GlibcSystem | MuslSystem | None:
        key = (interp.asked, environment.level)
        if key not in self._systems:
            context = Context(self.paths, self._elf_at, interp)
            if interp.family is Family.GLIBC:
                self._systems[key] = GlibcSystem(context, environment.level)
            elif interp.family is Family.MUSL:
                self._systems[key] = MuslSystem(context)
        return self._systems.get(key)

    def _objects(
        self, program: Loading, own: Loading, search: Search
    ) -> tuple[list[Loading], list[Missing]]:
        """Return what is loaded, breadth first, and what is not found."""
        objects, missing = [program, own], []
        by_path = {self._identity(each.path): each for each in objects}
        pending = [program]
        for each in pending:
            for name in each.elf.needed:
                self.paths.spend(1 + len(objects) // 8)
                if not name or search.loaded(name, objects) is not None:
                    continue
                hit = search.find(name, each)
                known = by_path.get(self._identity(hit.path))
                if known is not None:
                    known.names.add(name)
                elif not hit.path:
                    missing.append(Missing(name, each.path, hit.fault, hit.found))
                elif len(objects) < _MAX_OBJECTS:
                    found = self._elf_at(hit.path)
                    if found is None:
                        continue
                    loading = Loading(hit.path, hit.opened, found, each, name, hit.level)
                    by_path[self._identity(hit.path)] = loading
                    objects.append(loading)
                    pending.append(loading)
        return objects, missing

    def _identity(self, path: str) -> str:
        """Return a path; of several names of one file the same."""
        st = self.paths.files.entries.get(path)
        return f"{st.device} {st.inode}" if st is not None and st.nlink > 1 else path

    def _versions(self, objects: list[Loading], search: Search) -> tuple[Unmet, ...]:
        found = []
        for each in objects:
            for library, versions in each.elf.needs.items():
                self.paths.spend(1 + (len(objects) + len(versions)) // 8)
                provider = search.loaded(library, objects)
                if provider is None or not provider.elf.has_versions:
                    continue
                key = (each.path + "\0" + library, provider.path)
                absent = self._unmet.get(key)
                if absent is None:
                    defined = set(provider.elf.defines)
                    absent = tuple(version for version in versions if version not in defined)
                    self._unmet[key] = absent
                if absent:
                    found.append(Unmet(absent, library, provider.path, each.path))
        return tuple(found)

    def _hinted(self, missing: Missing, interp: Interp) -> Missing:
        """Add where a library is that ``ldconfig`` would find."""
        if missing.found or "/" in missing.name or interp.family is not Family.GLIBC:
            return missing
        context = Context(self.paths, self._elf_at, interp)
        system = GlibcSystem(context, 1)
        for directory in directories(self.paths.files):
            hit = system.look_in(directory, missing.name)
            if hit is not None and hit.path:
                return Missing(missing.name, missing.by, missing.fault, hit.path)
        return missing


def loader_of(root: Rootfs) -> Loader:
    """Return the loaders of a root file system; a fact (``Rootfs.fact``)."""
    return Loader(root)


def runs_on(elf: Elf, architecture: str) -> bool:
    """Tell whether a kernel for an architecture runs programs of a file's."""
    return elf.architecture in _COMPATIBLE.get(architecture, {architecture})


def _verdict(missing: list[Missing], unmet: tuple[Unmet, ...]) -> Verdict:
    if missing:
        return Verdict.NO_LIBRARY
    return Verdict.NO_VERSION if unmet else Verdict.STARTS


_USUAL = {
    "amd64": ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"),
    "386": ("/lib/ld-linux.so.2", "/lib/ld-musl-i386.so.1"),
    "arm64": ("/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-aarch64.so.1"),
    "arm": (
        *("/lib/ld-linux-armhf.so.3", "/lib/ld-linux.so.3"),
        *("/lib/ld-musl-armhf.so.1", "/lib/ld-musl-arm.so.1"),
    ),
    "riscv64": ("/lib/ld-linux-riscv64-lp64d.so.1", "/lib/ld-musl-riscv64.so.1"),
    "ppc64le": ("/lib64/ld64.so.2", "/lib/ld-musl-powerpc64le.so.1"),
    "s390x": ("/lib/ld64.so.1", "/lib/ld-musl-s390x.so.1"),
    "loong64": ("/lib64/ld-linux-loongarch-lp64d.so.1", "/lib/ld-musl-loongarch64.so.1"),
}
"""Architectures to the paths that their programs name as interpreter."""
