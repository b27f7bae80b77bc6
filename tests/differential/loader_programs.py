"""Pairs with real programs: what they need is there, or was moved, or taken away, or replaced.

In:  a random number generator, the root file system of a stand-in base.
Out: ``Pair`` values, written to disk.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

from differential.loader_pairs import GLIBC, MUSL, Pair, inside, link, placer, put
from elf_rig import elf
from jettison.analysis.loader.base import Closure, Environment, Verdict
from jettison.analysis.loader.closure import loader_of
from jettison.analysis.rootfs import Rootfs

_PROGRAMS = (
    *("sort", "ls", "bash", "sed", "grep", "tar", "find", "dpkg", "perl", "openssl", "diff"),
    *("apt-get", "gpgv", "python3.11", "cat", "dash", "mount", "xargs", "ldconfig", "gcc", "git"),
)
_MERGED = ("bin", "sbin", "lib", "lib64")
_ELSEWHERE = ("/opt/lib", "/usr/local/lib", "/srv/app/lib", "/lib", "/usr/lib64")
_MAX_BYTES = 8 << 20


class Programs:
    """The programs of a base.

    Args:
        root: Of the base.
        patchelf: Program that changes paths in ELF files.
        ldconfig: Program that makes a cache for a root.
    """

    def __init__(self, root: Rootfs, patchelf: str, ldconfig: str) -> None:
        self._root = root
        self._patchelf = patchelf
        self._ldconfig = ldconfig
        self._place = placer(root.files)
        self._closures = [
            closure
            for name in _PROGRAMS
            if (closure := root.fact(loader_of).closure(f"/usr/bin/{name}", Environment()))
            and closure.verdict is Verdict.STARTS
            and root.files.entries[closure.path].size < _MAX_BYTES
        ]

    def make(self, root: Path, chance: random.Random) -> Pair:
        """Make the root of one program."""
        return _Made(self, root, chance).pair()

    @property
    def closures(self) -> list[Closure]:
        """What the programs are loaded with in the base."""
        return self._closures

    def bytes_of(self, path: str) -> bytes:
        """Return a file of the base."""
        return Path(self._root.files.tree.host_path(path)).read_bytes()

    def link_merged(self, root: Path) -> None:
        """Make the links of a merged ``/usr``."""
        for name in _MERGED:
            st = self._root.files.entries.get(f"/{name}")
            if st is not None and st.is_symlink:
                link(root, f"/{name}", self._root.files.readlink(f"/{name}"))

    def place(self, root: Path, path: str) -> None:
        """Put a file of the base, and the links to it, into a root."""
        self._place(root, path)

    def patch(self, *arguments: str | Path) -> None:
        """Change a file by ``patchelf``."""
        subprocess.run([self._patchelf, *arguments], check=True, capture_output=True)

    def make_cache(self, root: Path) -> None:
        """Run ``ldconfig`` for a root."""
        subprocess.run([self._ldconfig, "-r", root], check=False, capture_output=True)


class _Made:
    """The root of one program while it is made."""

    def __init__(self, programs: Programs, root: Path, chance: random.Random) -> None:
        self._programs = programs
        self._root = root
        self._chance = chance
        self._closure = chance.choice(programs.closures)
        self._program = self._closure.path
        self._library_path = ""
        self._note = [self._program]

    def pair(self) -> Pair:
        """Make it."""
        self._root.mkdir(parents=True)
        for name in ("proc", "dev", "sys", "tmp", "etc"):
            (self._root / name).mkdir()
        self._programs.link_merged(self._root)
        for each in self._closure.loaded[1:]:
            if "/" in each.name:
                self._programs.place(self._root, each.name)
            else:
                place = f"{each.path.rpartition('/')[0]}/{each.name}"
                put(self._root, place, self._programs.bytes_of(each.path))
        if self._chance.random() < 0.2:
            self._program = self._chance.choice(("/opt/app/bin/", "/srv/")) + "program"
        put(self._root, self._program, self._programs.bytes_of(self._closure.path))
        changes: list[Callable[[], None]] = [
            *(self._move, self._move, self._move, self._remove, self._replace, self._replace),
            *(self._spoil_interpreter, self._ask_for_more),
        ]
        for change in self._chance.sample(changes, self._chance.choice((0, 1, 1, 1, 2))):
            change()
        arguments = ("--version",)
        return Pair(
            self._root, self._program, self._library_path, "/", arguments, tuple(self._note)
        )

    def _library(self) -> str:
        """Return the path of a library, as it was put."""
        found = [
            f"{each.path.rpartition('/')[0]}/{each.name}"
            for each in self._closure.loaded[1:]
            if "/" not in each.name
        ]
        return self._chance.choice(found)

    def _remove(self) -> None:
        path = self._library()
        inside(self._root, path).unlink(missing_ok=True)
        self._note.append(f"{path} removed")

    def _replace(self) -> None:
        path = self._library()
        file, name = inside(self._root, path), path.rpartition("/")[2]
        loaded = next(each for each in self._closure.loaded if each.name == name)
        kept = loaded.elf.defines[: len(loaded.elf.defines) // 2]
        data = self._chance.choice((
            elf(soname=name, machine=183),
            elf(soname=name, machine=3, bits=32),
            elf(soname=name, defines=kept or ("NONE",)),
            elf(soname=name, defines=kept or ("NONE",)),
            elf(soname=name),
            b"no library",
        ))  # fmt: skip
        file.unlink(missing_ok=True)
        put(self._root, path, data)
        self._note.append(f"{path} replaced")

    def _move(self) -> None:
        path = self._library()
        file, name = inside(self._root, path), path.rpartition("/")[2]
        if not file.exists():
            return
        directory = self._chance.choice(_ELSEWHERE)
        put(self._root, f"{directory}/{name}", file.read_bytes())
        file.unlink()
        program = inside(self._root, self._program)
        way = self._chance.choice(("", "env", "runpath", "rpath", "origin", "conf", "cache"))
        depth = self._program.count("/") - 1
        origin = "$ORIGIN" + "/.." * depth + directory
        if way == "env":
            self._library_path = f"/none:{directory}"
        elif way == "runpath":
            self._programs.patch("--set-rpath", f"{directory}:/none", program)
        elif way == "rpath":
            self._programs.patch("--force-rpath", "--set-rpath", directory, program)
        elif way == "origin":
            self._programs.patch("--set-rpath", origin, program)
        elif way:
            put(self._root, "/etc/ld.so.conf", f"{directory}\n".encode())
        if way == "cache":
            self._programs.make_cache(self._root)
        self._note.append(f"{path} moved to {directory}, {way or 'no way to it'}")

    def _spoil_interpreter(self) -> None:
        interp = inside(self._root, GLIBC)
        program = inside(self._root, self._program)
        way = self._chance.choice(("removed", "not executable", "another", "musl's"))
        if way == "removed":
            interp.unlink()
        elif way == "not executable":
            interp.chmod(0o644)
        elif way == "another":
            self._programs.patch("--set-interpreter", "/lib64/ld-none.so.2", program)
        else:
            self._programs.patch("--set-interpreter", MUSL, program)
        self._note.append(f"interpreter {way}")

    def _ask_for_more(self) -> None:
        """Ask for a version that no library has, by the name of one in its place."""
        program = inside(self._root, self._program)
        data = program.read_bytes()
        for old in (b"GLIBC_2.34", b"GLIBC_2.33", b"GLIBC_2.14"):
            if old + b"\0" in data:
                program.write_bytes(data.replace(old + b"\0", b"GLIBC_2.99\0"))
                self._note.append(f"{old.decode()} is GLIBC_2.99")
                return
