"""What an intruder would find in a root file system: programs by kind, dangerous modes.

In:  a root file system.
Out: ``SurfaceFacts``.

A program is a file that can be executed and begins as one does: with the magic number of ELF, or
with ``#!``. It counts once, whatever its names: a busybox with 300 links is one program, and it is
a shell and a network client if links call it so. Kinds go by names of files in directories for
programs, without versions and target triples: ``x86_64-linux-gnu-gcc-12`` is ``gcc``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from jettison.analysis.files import Files
from jettison.analysis.rootfs import Rootfs
from jettison.fs.tree import FileStat

_PROGRAMS = {
    "shells": "sh ash bash csh dash elvish fish ksh mksh nu oksh pwsh rbash tcsh yash zsh",
    "compilers": (
        "as c++ c89 c99 cc clang clang++ cpp dmd flang g++ gcc gccgo gdc gfortran ghc gnat go gold"
        " javac kotlinc ld ldc2 lld llc mold nasm nvcc ocamlc ocamlopt rustc scalac swiftc tcc"
        " yasm zig"
    ),
    "package_managers": (
        "apk apt apt-get aptitude brew bun bundle bundler cargo composer conda corepack cpan cpanm"
        " dnf dpkg easy_install flatpak gem guix mamba micromamba microdnf nix nix-env npm npx"
        " opkg pacman pdm pip pipenv pipx pnpm poetry rpm snap tdnf uv xbps-install yarn yarnpkg"
        " yum zypper"
    ),
    "debuggers": (
        "bpftrace delve dlv gcore gdb gdbserver lldb lldb-server ltrace perf rr strace tcpdump"
        " tshark valgrind"
    ),
    "network_clients": (
        "aria2c curl dig ftp lftp lynx nc nc.openbsd nc.traditional ncat netcat nmap nslookup"
        " openssl rsync scp sftp socat ssh telnet tftp w3m wget wget2"
    ),
    "interpreters": (
        "deno erl guile java julia lua luajit node nodejs perl php pypy python Rscript ruby tclsh"
        " wish"
    ),
}
"""Kinds to names of programs."""
KINDS = (*_PROGRAMS, "setuid", "capabilities", "world_writable")
"""Of what ``SurfaceFacts.paths`` has lists, in the order in which it is shown."""

_DIRECTORIES = re.compile(r"/(?:s?bin|games|libexec)/[^/]+$")
"""Where programs are: ``/usr/bin``, ``/usr/local/go/bin``, ``/busybox/bin`` …"""
_TRIPLE = re.compile(r"^(?:[a-z0-9_]+-){1,3}(?:gnu|musl|linux|mingw)[a-z0-9]*-")
_VERSION = re.compile(r"[-.]?[0-9]+(?:\.[0-9]+)*$")
_EXECUTE = 0o111
_KIND = 0o170000
_SET_ID = 0o6000
_STICKY = 0o1000
_ALL_WRITE = 0o002
MAX_PATHS = 20_000
"""So many paths of a kind are kept; all are counted."""


class SurfaceFacts(msgspec.Struct, frozen=True):
    """What was found.

    Args:
        executables: How many programs there are.
        programs: Their paths, one of each, in the order of the tree.
        counts: Each of ``KINDS`` to how many.
        paths: Each of them to sorted paths; of a program the first of its names.
    """

    executables: int = 0
    counts: dict[str, int] = {}
    paths: dict[str, tuple[str, ...]] = {}
    programs: tuple[str, ...] = ()


def surface(root: Rootfs) -> SurfaceFacts:
    """Return what a root file system offers to an intruder."""
    files = root.files
    found: dict[str, dict[tuple[int, int], str]] = {kind: {} for kind in KINDS}
    programs: dict[tuple[int, int], str] = {}
    for path, st in files.entries.items():
        if st.mode & _ALL_WRITE and not (st.is_symlink or (st.mode & _STICKY and st.is_dir)):
            identity = (-2, len(found["world_writable"])) if st.is_dir else st.identity
            if st.is_dir or st.is_file:
                found["world_writable"].setdefault(identity, path)
    for path in files.programs:
        st = files.entries[path]
        if st.mode & _EXECUTE:
            _take_executable(root, path, st, programs, found)
    for kind, path, identity in _named(files):
        if identity in programs:
            found[kind].setdefault(identity, path)
    return SurfaceFacts(
        executables=len(programs),
        counts={kind: len(paths) for kind, paths in found.items()},
        paths={kind: _first(paths) for kind, paths in found.items() if paths},
        programs=tuple(programs.values()),
    )


def kind_of(name: str) -> str:
    """Return the kind of a program by its name; empty for any other.

    >>> kind_of("x86_64-linux-gnu-gcc-12"), kind_of("python3.11"), kind_of("link")
    ('compilers', 'interpreters', '')
    """
    plain = name if name in _BY_NAME else _VERSION.sub("", _TRIPLE.sub("", name))
    plain = plain.partition(".bfd")[0] or plain
    return _BY_NAME.get(plain, "")


def _take_executable(
    root: Rootfs,
    path: str,
    st: FileStat,
    programs: dict[tuple[int, int], str],
    found: dict[str, dict[tuple[int, int], str]],
) -> None:
    if st.identity in programs or not _is_program(root, path):
        return
    programs[st.identity] = path
    if st.mode & _SET_ID:
        found["setuid"].setdefault(st.identity, path)
    try:
        attributes = root.files.tree.xattrs(path)
    except OSError:
        return
    if "security.capability" in attributes:
        found["capabilities"].setdefault(st.identity, path)


def _is_program(root: Rootfs, path: str) -> bool:
    """Tell whether an executable file is a program; libraries are known by their names."""
    name = path.rpartition("/")[2]
    return not name.endswith(".so") and ".so." not in name and root.programs.find(path) is not None


def _named(files: Files) -> Iterator[tuple[str, str, tuple[int, int]]]:
    """Yield (kind, path, identity) of what is in directories for programs, links followed."""
    for path in (*files.programs, *files.symlinks):
        if not _DIRECTORIES.search(path):
            continue
        kind = kind_of(path.rpartition("/")[2])
        if not kind:
            continue
        target = files.find(path)
        if target is not None:
            yield kind, path, files.entries[target].identity


def _first(paths: dict[tuple[int, int], str]) -> tuple[str, ...]:
    return tuple(sorted(paths.values())[:MAX_PATHS])


_BY_NAME = {name: kind for kind, names in _PROGRAMS.items() for name in names.split()}
