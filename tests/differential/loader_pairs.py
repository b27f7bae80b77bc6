"""Random (program, root) pairs: small root file systems in which a program may or may not start.

In:  a random number generator, a root file system with a loader.
Out: ``Pair`` values, written to disk.

Programs and libraries are a few hundred bytes each, made here: the program ends at once, the
libraries do nothing. Loaders are the real ones. What varies is what loaders go by: names, places,
search paths with tokens, links, versions of symbols, architectures, files that are no libraries.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from elf_rig import elf
from jettison.analysis.files import Files

GLIBC, MUSL = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"
_NAMES = ("liba.so.1", "libb.so.2", "libc1.so", "libd.so", "libe.so.0")
_DIRECTORIES = (
    *("/lib", "/usr/lib", "/usr/local/lib", "/opt/a", "/opt/a/lib", "/opt/b", "/app", "/app/lib"),
    *("/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/work"),
)
_SEARCHED = ("/lib", "/usr/lib", "/opt/a")
_PATHS = (
    *("$ORIGIN", "${ORIGIN}/lib", "$ORIGIN/../lib", "$ORIGIN/../opt/a", "/opt/a", "/opt/b"),
    *(
        "/opt/a/lib",
        "/opt/$LIB",
        "/opt/none/../a",
        "lib",
        "",
        "$NOTHING/x",
        "/opt/link",
        "/app/lib",
    ),
    *("${ORIGIN}", "$ORIGINAL", "/usr/$PLATFORM", "/opt/a/liba.so.1"),
)
_VERSIONS = ("V_1", "V_2", "V_3")


class Pair(msgspec.Struct, frozen=True):
    """A program in a root.

    Args:
        root: Directory on the host.
        program: Path in it.
        library_path: ``LD_LIBRARY_PATH``.
        directory: Working directory.
        arguments: Of the program.
        note: What was done to the root.
    """

    root: Path
    program: str
    library_path: str = ""
    directory: str = "/"
    arguments: tuple[str, ...] = ()
    note: tuple[str, ...] = ()


class Base(msgspec.Struct, frozen=True):
    """Where real files come from.

    Args:
        interp: Path of its loader.
        place: Puts a file of the base, and the links that lead to it, into a root.
        ldconfig: Program that makes a cache for a root; empty for musl.
    """

    interp: str
    place: Callable[[Path, str], None]
    ldconfig: str = ""


class Maker:
    """Makes the root of one made-up program.

    Args:
        root: Where.
        base: Whose loader it has.
        chance: What decides.
    """

    def __init__(self, root: Path, base: Base, chance: random.Random) -> None:
        self.root = root
        self.base = base
        self.chance = chance
        self.note: list[str] = []
        self._is_glibc = base.interp == GLIBC

    def make(self) -> Pair:
        """Make it."""
        chance = self.chance
        self.root.mkdir(parents=True)
        for name in ("proc", "dev", "sys", "tmp", "etc"):
            (self.root / name).mkdir()
        if chance.random() < 0.98:
            self.base.place(self.root, self.base.interp)
        names = chance.sample(_NAMES, chance.randint(1, len(_NAMES)))
        for number, name in enumerate(names):
            later = names[number + 1 :]
            for _ in range(chance.choice((1, 1, 1, 2))):
                self._library(
                    name, chance.sample(later, min(len(later), chance.choice((0, 1, 1, 2))))
                )
        self._links()
        interp = self.base.interp if chance.random() < 0.98 else "/lib/ld-none.so"
        code = self._dynamic(chance.sample(names, chance.randint(1, min(2, len(names)))), 0.5)
        machine = 183 if chance.random() < 0.03 else 62
        put(self.root, "/app/program", elf(interp=interp, machine=machine, exits=True, **code))
        self._lists()
        library_path = self._path() if chance.random() < 0.3 else ""
        directory = chance.choice(("/", "/", "/app", "/opt/a"))
        put(self.root, f"{directory}/.keep", b"")
        return Pair(self.root, "/app/program", library_path, directory, (), tuple(self.note))

    def _library(self, name: str, needed: Sequence[str]) -> None:
        chance = self.chance
        is_plain = chance.random() < 0.7
        path = f"{chance.choice(_SEARCHED if is_plain else _DIRECTORIES)}/{name}"
        if self._is_glibc and chance.random() < 0.04:
            path = f"{path.rpartition('/')[0]}/glibc-hwcaps/x86-64-v2/{name}"
        kind = chance.random()
        if kind < 0.03:
            data = chance.choice((b"", b"INPUT(libz.so)\n", elf()[:40], b"#!/bin/sh\n" * 20))
        elif kind < 0.07 and self._is_glibc:
            data = elf(soname=name, machine=chance.choice((183, 3)), bits=chance.choice((32, 64)))
        elif kind < 0.09:
            data = elf(soname=name, kind=chance.choice((1, 4)))
        else:
            soname = chance.choice((name, name, name, "", chance.choice(_NAMES)))
            count = chance.choice((0, 1, 2, 3, 3))
            data = elf(soname=soname, defines=_VERSIONS[:count], **self._dynamic(needed, 0.3))
        if put(self.root, path, data):
            self.note.append(f"{name} in {path}")

    def _dynamic(self, needed: Sequence[str], often: float) -> dict:
        chance = self.chance
        fields: dict = {"needed": [self._asked(each) for each in needed]}
        if chance.random() < often:
            fields[chance.choice(("rpath", "runpath"))] = self._path()
            if chance.random() < 0.1:
                fields["rpath"] = self._path()
        for each in fields["needed"]:
            if chance.random() < 0.5:
                kind = chance.choice(("needs", "needs", "weak"))
                fields.setdefault(kind, {})[each] = chance.sample(_VERSIONS, chance.randint(1, 2))
        if self._is_glibc and chance.random() < 0.05:
            fields["flags_1"] = 0x800
        return fields

    def _asked(self, name: str) -> str:
        if self.chance.random() < 0.08:
            place = self.chance.choice(("/opt/a", "$ORIGIN", "/app/lib", "lib", "/lib"))
            return f"{place}/{name}"
        return name

    def _path(self) -> str:
        parts = self.chance.sample(_PATHS, self.chance.randint(1, 3))
        return ":".join([*parts, *self.chance.choice(((), ("/opt/a",), ("/opt/a", "/opt/b")))])

    def _links(self) -> None:
        chance = self.chance
        if chance.random() < 0.4:
            link(
                self.root,
                "/opt/link",
                chance.choice(("a", "/opt/b", "link", "../app/lib", "/none")),
            )
        for name in _NAMES:
            if chance.random() < 0.15:
                path = f"{chance.choice(_DIRECTORIES)}/{name}"
                target = f"{chance.choice(_DIRECTORIES)}/{chance.choice(_NAMES)}"
                if link(self.root, path, target):
                    self.note.append(f"{path} is a link to {target}")

    def _lists(self) -> None:
        """Write the lists of directories that the system's search goes by."""
        chance = self.chance
        etc = self.root / "etc"
        chosen = chance.sample(_DIRECTORIES, 2)
        if not self._is_glibc:
            if chance.random() < 0.4:
                text = chance.choice((":", "\n")).join(chosen)
                (etc / "ld-musl-x86_64.path").write_text(text)
                self.note.append(f"musl's list is {chosen}")
        elif chance.random() < 0.6:
            (etc / "ld.so.conf").write_text("include /etc/ld.so.conf.d/*.conf\n")
            (etc / "ld.so.conf.d").mkdir()
            (etc / "ld.so.conf.d/one.conf").write_text("\n".join(["# here", *chosen, ""]))
            self.note.append(f"ld.so.conf has {chosen}")
            if self.base.ldconfig and chance.random() < 0.7:
                subprocess.run(
                    [self.base.ldconfig, "-r", self.root], check=False, capture_output=True
                )
                self.note.append("ldconfig ran")


def inside(root: Path, path: str) -> Path:
    """Return where a path of a root is on the host, links followed as in that root."""
    pending, parts = path.split("/")[::-1], list[str]()
    for _ in range(1000):
        if not pending:
            break
        part = pending.pop()
        if part in {"", ".", ".."}:
            parts = parts[:-1] if part == ".." else parts
            continue
        at = root.joinpath(*parts, part)
        if at.is_symlink():
            target = os.readlink(at)
            parts = [] if target.startswith("/") else parts
            pending += target.split("/")[::-1]
        else:
            parts.append(part)
    return root.joinpath(*parts)


def put(root: Path, path: str, data: bytes) -> bool:
    """Write a program or library unless there is something; return whether it was written."""
    file = inside(root, path)
    if os.path.lexists(file) or not _make_directories(root, file.parent):
        return False
    file.write_bytes(data)
    file.chmod(0o755)
    return True


def link(root: Path, path: str, target: str) -> bool:
    """Make a symbolic link unless there is something; return whether it was made."""
    parent, _, name = path.rpartition("/")
    at = inside(root, parent) / name
    if os.path.lexists(at) or not _make_directories(root, at.parent):
        return False
    at.symlink_to(target)
    return True


def _make_directories(root: Path, directory: Path) -> bool:
    if not directory.is_relative_to(root) or any(
        os.path.lexists(each) and not each.is_dir() for each in (directory, *directory.parents)
    ):
        return False
    directory.mkdir(parents=True, exist_ok=True)
    return True


def placer(files: Files) -> Callable[[Path, str], None]:
    """Return a function that copies a file of a base into a root, and the links that lead to it."""

    def place(root: Path, path: str) -> None:
        pending, current = path.split("/")[::-1], ""
        while pending:
            part = pending.pop()
            if part in {"", ".", ".."}:
                current = current.rpartition("/")[0] if part == ".." else current
                continue
            below = f"{current}/{part}"
            if files.entries[below].is_symlink:
                target = files.readlink(below)
                link(root, below, target)
                pending += target.split("/")[::-1]
                below = "" if target.startswith("/") else current
            current = below
        put(root, current, Path(files.tree.host_path(current)).read_bytes())

    return place
