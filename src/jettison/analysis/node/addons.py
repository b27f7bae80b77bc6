"""Add-ons: libraries that Node loads into itself, and whether it can.

In:  the files of a tree, a reader of ELF files, the ``node`` that is there.
Out: ``Addons``: for each package with add-ons, what fits and what does not.

One of several will do: packages have add-ons for many platforms, or name packages with one each as
optional. An add-on for Node-API is loaded by every version of Node, another one only by that which
it was made for.

Source: Node, "C++ addons", "Node-API", NODE_MODULE_VERSION; node-gyp-build and node-pre-gyp for the
names of directories.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import msgspec

from jettison.analysis.elf.model import Elf
from jettison.analysis.files import Files
from jettison.analysis.node.packages import PackageGraph, package_directory
from jettison.analysis.node.symbols import MAX_LIBRARY, defined_symbols, glibc_symbols

MAX_ADDONS = 2_000
_SHOWN = 3
_MAX_HEADER = 256 << 10
_ABIS = {12: 72, 14: 83, 16: 93, 18: 108, 20: 115, 22: 127, 24: 137}
"""Version of Node to NODE_MODULE_VERSION."""
_IN_PATH = re.compile(r"node-v(\d{2,3})-|[/.]abi(\d{2,3})[/.]|/abi-(\d{2,3})/")
_IN_FILE = re.compile(rb"node_register_module_v(\d{2,3})")
_IN_HEADER = re.compile(rb"#define NODE_MODULE_VERSION (\d{2,3})")
_IN_CONFIG = re.compile(rb"['\"]node_module_version['\"]:\s*(\d{2,3})")
_STABLE = b"napi_register_module_v1"
_COMPATIBLE = ("/lib/libgcompat.so.0", "/usr/lib/libgcompat.so.0")
FindElf = Callable[[str], Elf | None]


class Node(msgspec.Struct, frozen=True):
    """The Node of an image.

    Args:
        path: Of its program.
        libc: ``glibc`` or ``musl``; empty if it does not matter or is not known.
        architecture: As platforms name it.
        abi: Its NODE_MODULE_VERSION; 0 if it is not known.
    """

    path: str
    libc: str
    architecture: str
    abi: int = 0


class Addon(msgspec.Struct, frozen=True):
    """An add-on.

    Args:
        path: Of its file.
        libc: That it needs; empty if it needs none, or is for no Linux.
        architecture: That it is for; empty for a file that is no ELF.
        abi: The NODE_MODULE_VERSION that it needs; 0 for any.
        reason: Why it cannot be loaded: ``libc``, ``architecture`` or ``abi``; empty if it can.
        lacks: What of glibc it needs that musl has not.
    """

    path: str
    libc: str = ""
    architecture: str = ""
    abi: int = 0
    reason: str = ""
    lacks: tuple[str, ...] = ()


def find_node(
    files: Files, path: str, elf: Elf | None, environment: Mapping[str, str]
) -> Node | None:
    """Return what is known of a ``node``.

    Args:
        files: Of the tree.
        path: Of the program, links followed.
        elf: What its headers say.
        environment: Of the image.
    """
    if elf is None:
        return None
    libc = libc_of(elf)
    if libc == "musl" and any(files.find(each) for each in _COMPATIBLE):
        libc = ""
    prefix = path.rpartition("/bin/")[0]
    header = files.read(f"{prefix}/include/node/node_version.h", _MAX_HEADER, whole=False)
    found = _IN_HEADER.search(header or b"")
    major = environment.get("NODE_VERSION", "").lstrip("v").partition(".")[0]
    abi = int(found[1]) if found else _ABIS.get(int(major) if major.isdecimal() else 0, 0)
    return Node(path, libc, elf.architecture, abi)


def libc_of(elf: Elf) -> str:
    """Return the C library that a file needs, by its loader, libraries and versions of symbols."""
    names = (elf.interp.rpartition("/")[2], *elf.needed)
    if any(each.startswith(("ld-musl-", "libc.musl-")) or each == "libc.so" for each in names):
        return "musl"
    is_gnu = any(each.startswith(("ld-linux", "ld64.so")) or each == "libc.so.6" for each in names)
    return "glibc" if is_gnu else ""


def addons_by_package(files: Files) -> dict[str, list[str]]:
    """Return directories of installed packages to their add-ons."""
    found: dict[str, list[str]] = {}
    paths = [path for path, st in files.entries.items() if path.endswith(".node") and st.is_file]
    for path in paths[:MAX_ADDONS]:
        package = package_directory(path)
        if package and "/obj.target/" not in path:
            found.setdefault(package, []).append(path)
    return found


class AddonJudge:
    """Says which add-ons a Node can load.

    Args:
        files: Of the tree.
        node: Its Node.
        find_elf: Reads headers.
    """

    def __init__(self, files: Files, node: Node, find_elf: FindElf) -> None:
        self._files = files
        self._node = node
        self._find_elf = find_elf
        self._by_package = addons_by_package(files)

    def unfit(self, graph: PackageGraph) -> dict[str, Addon]:
        """Return directories of packages none of whose add-ons can be loaded, each with one."""
        found = {}
        for directory, package in graph.packages.items():
            paths = list(self._by_package.get(directory, ()))
            if not paths:
                optional = package.manifest.optional
                used = (
                    each
                    for each in package.uses
                    if each.rpartition("/node_modules/")[2] in optional
                )
                paths = [path for each in used for path in self._by_package.get(each, ())]
            one = self._unfit(paths) if paths else None
            if one is not None:
                found[directory] = one
        return found

    def _unfit(self, paths: Iterable[str]) -> Addon | None:
        """Return an add-on if none can be loaded: the one that is nearest to it."""
        best: Addon | None = None
        for path in paths:
            addon = self.judge(path)
            if not addon.reason:
                return None
            if best is None or _NEAR.index(addon.reason) > _NEAR.index(best.reason):
                best = addon
        return best

    def judge(self, path: str) -> Addon:
        """Return what is known of an add-on."""
        elf, node = self._find_elf(path), self._node
        if elf is None:
            return Addon(path, reason="architecture")
        addon = Addon(path, libc_of(elf), elf.architecture)
        if addon.architecture != node.architecture:
            return msgspec.structs.replace(addon, reason="architecture")
        if node.libc and addon.libc and addon.libc != node.libc:
            lacks = self._lacks(path, elf) if node.libc == "musl" else ["libc.musl"]
            if lacks:
                return msgspec.structs.replace(addon, reason="libc", lacks=tuple(lacks[:_SHOWN]))
        abi = self._abi(path) if node.abi else 0
        if abi and abi != node.abi:
            return msgspec.structs.replace(addon, abi=abi, reason="abi")
        return addon

    def _lacks(self, path: str, elf: Elf) -> list[str]:
        """Return what musl has not of what an add-on for glibc needs; see ``symbols``."""
        loaders = [each for each in elf.needed if each.startswith(("ld-linux", "ld64.so"))]
        if loaders:
            return loaders
        data = self._files.read(path, MAX_LIBRARY)
        needed = glibc_symbols(data) if data is not None else None
        if needed is None or self._musl is None:
            return []
        return sorted(needed - self._musl)

    @cached_property
    def _musl(self) -> frozenset[str] | None:
        """What musl defines; None if it is not known."""
        for name in self._files.tree.names("/lib"):
            if name.startswith("ld-musl-"):
                data = self._files.read(f"/lib/{name}", MAX_LIBRARY)
                return defined_symbols(data) if data is not None else None
        return None

    def _abi(self, path: str) -> int:
        data = self._files.read(path, MAX_LIBRARY, whole=False) or b""
        if _STABLE in data:
            return 0
        found = _IN_FILE.search(data)
        if found is not None:
            return int(found[1])
        named = _IN_PATH.search(path)
        if named is not None:
            return int(named[1] or named[2] or named[3])
        build = path.partition("/build/")[0]
        config = self._files.read(f"{build}/build/config.gypi", _MAX_HEADER, whole=False)
        said = _IN_CONFIG.search(config or b"")
        return int(said[1]) if said is not None and "/build/Release/" in path else 0


_NEAR = ("architecture", "libc", "abi")
