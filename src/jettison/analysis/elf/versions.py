"""Versions of symbols: those that a file needs of its libraries, and those that it defines.

In:  the layout of a file, where its version sections are.
Out: names of versions.

Source: "Linker and Libraries Guide", Version Definition Section and Version Dependency Section.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from jettison.analysis.elf.reader import MalformedElfError
from jettison.analysis.elf.segments import Layout

_BASE, _WEAK = 1, 2
_MAX_VERSIONS = 16_384

Versions = dict[str, tuple[str, ...]]


def needed_versions(
    layout: Layout, offset: int, count: int, text: Callable[[int], str]
) -> tuple[Versions, Versions]:
    """Return the versions that have to be there, and those that may be, by name of a library.

    Raises:
        MalformedElfError: there are too many, or they are not in the file.
    """
    head, one = struct.Struct(layout.order + "HHIII"), struct.Struct(layout.order + "IHHII")
    needs: dict[str, list[str]] = {}
    weak: dict[str, list[str]] = {}
    left = _MAX_VERSIONS
    for _ in range(count):
        _, number, file, first, following = head.unpack(layout.reader.at(offset, head.size))
        library, place = text(file), offset + first
        for _ in range(number):
            left -= 1
            if left < 0:
                raise MalformedElfError("it needs too many versions of symbols")
            _, flags, _, name, step = one.unpack(layout.reader.at(place, one.size))
            (weak if flags & _WEAK else needs).setdefault(library, []).append(text(name))
            if not step:
                break
            place += step
        if not following:
            break
        left -= 1
        if left < 0:
            raise MalformedElfError("it needs too many versions of symbols")
        offset += following
    return _frozen(needs), _frozen(weak)


def defined_versions(
    layout: Layout, offset: int, count: int, text: Callable[[int], str]
) -> tuple[str, ...]:
    """Return the versions that a file defines, without its own name.

    Raises:
        MalformedElfError: there are too many, or they are not in the file.
    """
    head = struct.Struct(layout.order + "HHHHIII")
    name = struct.Struct(layout.order + "II")
    found: list[str] = []
    for done in range(count):
        if done > _MAX_VERSIONS:
            raise MalformedElfError("it defines too many versions of symbols")
        row = head.unpack(layout.reader.at(offset, head.size))
        _, flags, _, _, _, first, following = row
        if not flags & _BASE:
            found.append(text(name.unpack(layout.reader.at(offset + first, name.size))[0]))
        if not following:
            break
        offset += following
    return tuple(found)


def _frozen(versions: dict[str, list[str]]) -> Versions:
    return {library: tuple(names) for library, names in versions.items()}
