"""Which C library a root file system has, of which distribution.

In:  a root file system, an architecture.
Out: ``System``.

Source: os-release(5).
"""

from __future__ import annotations

import re

import msgspec

from jettison.analysis.files import Files
from jettison.analysis.loader.base import Environment, Family
from jettison.analysis.loader.closure import loader_of
from jettison.analysis.loader.interp import Interp
from jettison.analysis.rootfs import Rootfs

_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
_MAX_BYTES = 64 << 10
_MAX_LOADER = 8 << 20
_MUSL_VERSION = re.compile(rb"\0(1\.[0-9]{1,3}\.[0-9]{1,3})\0")
_NUMBERS = re.compile(r"[0-9]+")


class System(msgspec.Struct, frozen=True):
    """What a root file system is of.

    Args:
        family: Of its C library; NONE without one.
        version: Of that: ``2.36``; empty if it does not say.
        name: Of the distribution, for people: ``Debian GNU/Linux 12 (bookworm)``.
        codename: ``bookworm``.
        id: ``debian``.
    """

    family: Family
    version: str = ""
    name: str = ""
    codename: str = ""
    id: str = ""

    def __str__(self) -> str:
        """Return it for people."""
        library = "no C library" if self.family is Family.NONE else self.family.value
        return ", ".join(filter(None, (self.name, f"{library} {self.version}".strip())))


def system_of(root: Rootfs, architecture: str) -> System:
    """Return which C library a root file system has for an architecture."""
    family, version = Family.NONE, ""
    for interp in root.fact(loader_of).interps(architecture):
        if interp.family in {Family.GLIBC, Family.MUSL}:
            family, version = interp.family, _version(root, interp, architecture)
            break
    release = _release(root.files)
    return System(
        family,
        version,
        release.get("PRETTY_NAME", "")[:100],
        release.get("VERSION_CODENAME", "")[:100],
        release.get("ID", "")[:100],
    )


def newest(versions: tuple[str, ...]) -> str:
    """Return the highest of versions with one prefix: ``GLIBC_2.38`` of that and ``GLIBC_2.4``."""
    return max(versions, key=version_key, default="")


def version_key(version: str) -> tuple[int, ...]:
    """Return what versions are compared by: their numbers."""
    return tuple(int(each[:9]) for each in _NUMBERS.findall(version))


def _version(root: Rootfs, interp: Interp, architecture: str) -> str:
    if interp.family is Family.MUSL:
        found = _MUSL_VERSION.search(root.files.read(interp.path, _MAX_LOADER) or b"")
        return found[1].decode() if found is not None else ""
    environment = Environment(architecture=architecture)
    library = root.fact(loader_of).library("libc.so.6", interp, environment)
    defined = library.defines if library is not None else interp.elf.defines
    numbered = tuple(each for each in defined if re.fullmatch(r"GLIBC_[0-9.]+", each))
    return newest(numbered).removeprefix("GLIBC_")


def _release(files: Files) -> dict[str, str]:
    for path in _OS_RELEASE:
        data = files.read(path, _MAX_BYTES)
        if data is not None:
            lines = data.decode("utf-8", "replace").splitlines()
            pairs = (line.partition("=") for line in lines if not line.startswith("#"))
            return {name: value.strip("\"' ") for name, _, value in pairs if value.isprintable()}
    return {}
