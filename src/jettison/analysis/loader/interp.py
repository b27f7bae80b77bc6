"""Which loader a file is, and what was built into it: directories, the paths of its own files.

In:  the file that a program names as its interpreter.
Out: ``Interp``.

Distributions build their loaders with directories of their own. They stand in the file, so that
nothing needs to be known of distributions.

Source: glibc, ``dl-load.c`` and ``dl-cache.c``; musl, ``ldso/dynlink.c``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from jettison.analysis.elf.model import Elf
from jettison.analysis.files import Files
from jettison.analysis.loader.base import Family

_MAX_BYTES = 8 << 20
_MAX_DIRECTORIES = 32
_GLIBC_DIRECTORIES = re.compile(rb"(?:/[^\0]{1,200}/\0){2,32}")
_BETWEEN_DIRECTORIES = b"/\0/"
_GLIBC_CACHE = re.compile(rb"/[^\0]{1,200}/ld\.so\.cache\0")
_CACHE_NAME = b"/ld.so.cache\0"
_GLIBC_OLD_LEVELS = b"xeon_phi\0haswell\0"
_MUSL_DIRECTORIES = re.compile(rb"(?<=\0)(/[^\0:%]{1,200}(?::/[^\0:%]{1,200})+)\0")
_MUSL_PATH = re.compile(rb"(?<=\0)%\.\*s(/[^\0%]{1,200}/ld-musl-[^\0/%]{1,50}\.path)\0")
_MUSL_NAME = b"/ld-musl-"


class Interp(msgspec.Struct, frozen=True):
    """A loader.

    Args:
        path: Of the file, without links.
        asked: The path that programs name.
        elf: What the file says.
        family: Whose it is.
        directories: Where libraries are looked for at last.
        file: Of glibc the cache, of musl the list of directories: ``/etc/ld.so.cache``,
            ``/etc/ld-musl-x86_64.path``.
        lib: What ``$LIB`` stands for.
        has_old_levels: Whether directories such as ``tls`` and ``haswell`` are searched (before
            glibc 2.37).
    """

    path: str
    asked: str
    elf: Elf
    family: Family
    directories: tuple[str, ...] = ()
    file: str = ""
    lib: str = "lib"
    has_old_levels: bool = False


def read_interp(files: Files, path: str, asked: str, elf: Elf) -> Interp:
    """Return what is known of a loader."""
    data = files.read(path, _MAX_BYTES) or b""
    found = _MUSL_PATH.search(data) if _MUSL_NAME in data else None
    if found is not None:
        return _musl(data, path, asked, elf, _text(found[1]))
    if any(version.startswith("GLIBC_") for version in elf.defines):
        return _glibc(data, path, asked, elf)
    return Interp(path, asked, elf, Family.UNKNOWN)


def _glibc(data: bytes, path: str, asked: str, elf: Elf) -> Interp:
    found = texts_around(data, _BETWEEN_DIRECTORIES, _GLIBC_DIRECTORIES)
    lists = [each.split(b"\0")[:-1] for each in found]
    named = next((each for each in lists if b"/lib/" in each or b"lib" in each[-1]), [])
    directories = tuple(_text(each).rstrip("/") for each in named[:_MAX_DIRECTORIES])
    cache = next(texts_around(data, _CACHE_NAME, _GLIBC_CACHE), b"")
    return Interp(
        path,
        asked,
        elf,
        Family.GLIBC,
        directories or ("/lib64", "/usr/lib64", "/lib", "/usr/lib"),
        _text(cache[:-1]) or "/etc/ld.so.cache",
        next((each.removeprefix("/usr/") for each in directories if "/usr/" in each), "lib"),
        _GLIBC_OLD_LEVELS in data,
    )


def texts_around(data: bytes, mark: bytes, form: re.Pattern[bytes]) -> Iterator[bytes]:
    """Yield the texts of a form that begin behind a NUL, each of which has a mark in it.

    Only where the mark is, the form is looked for: in a tenth of the time.

    Args:
        data: Of a file.
        mark: The first NUL of such a text is in its first mark, or behind it.
        form: What the texts match.
    """
    at = data.find(mark)
    while at >= 0:
        begin = data.rfind(b"\0", 0, at)
        found = form.match(data, begin + 1) if begin >= 0 else None
        if found is not None:
            yield found[0]
        at = data.find(mark, at + 1 if found is None else found.end())


def _musl(data: bytes, path: str, asked: str, elf: Elf, file: str) -> Interp:
    found = (_text(each[1]).split(":") for each in _MUSL_DIRECTORIES.finditer(data))
    # Another list in it is that of programs: execvp(3) without PATH.
    directories = tuple(next((each for each in found if "lib" in each[-1]), ()))
    # The list is beside the loader's directory: that of /lib/ld-musl… in /etc, that of
    # /opt/musl/lib/ld-musl… in /opt/musl/etc.
    prefix = asked.rpartition("/")[0].rpartition("/")[0]
    return Interp(
        path,
        asked,
        elf,
        Family.MUSL,
        directories or ("/lib", "/usr/local/lib", "/usr/lib"),
        prefix + file,
    )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
