"""The header of an RPM package, as all forms of the database keep it.

In:  bytes of a header, without the magic number that package files have before it.
Out: ``PackageRecord``.

Source: RPM, "Package File Format" and "Tags".

Security: numbers are the header's; each tag is read once, and so many of its values.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from jettison.analysis.packages.base import Details, PackageRecord, Reading, text

MAX_HEADER = 32 << 20
_MAX_ENTRIES = 4096
_MAX_STRINGS = 300_000
_NAME, _VERSION, _RELEASE, _EPOCH = 1000, 1001, 1002, 1003
_VENDOR, _LICENCE, _ARCHITECTURE, _SOURCE = 1011, 1014, 1022, 1044
_PROVIDES, _REQUIRES = 1047, 1049
_DIR_INDEXES, _BASE_NAMES, _DIR_NAMES = 1116, 1117, 1118
_TEXTS = frozenset({
    *(_NAME, _VERSION, _RELEASE, _VENDOR, _LICENCE, _ARCHITECTURE, _SOURCE),
    *(_PROVIDES, _REQUIRES, _BASE_NAMES, _DIR_NAMES),
})  # fmt: skip
_NUMBERS = frozenset({_EPOCH, _DIR_INDEXES})
_INT32, _STRING, _STRINGS, _TRANSLATED = 4, 6, 8, 9
_PSEUDO = "gpg-pubkey"
_NO_PACKAGES = ("rpmlib(", "config(", "(")

_Header = dict[int, tuple[str, ...] | tuple[int, ...]]


def rpm_record(reading: Reading, blob: bytes, path: str) -> PackageRecord | None:
    """Return the package whose header it is; None if it is none, or a key of signatures.

    Args:
        reading: Of the tree.
        blob: The header.
        path: Of the database.
    """
    try:
        header = _header(blob)
    except (struct.error, ValueError, IndexError):
        return None
    name = _first(header, _NAME)
    if name == _PSEUDO:
        return None
    epoch = header.get(_EPOCH, ())
    details = Details(
        architecture=_first(header, _ARCHITECTURE),
        source=_first(header, _SOURCE),
        licence=_first(header, _LICENCE),
        supplier=_first(header, _VENDOR),
        needs=_packages(header.get(_REQUIRES, ())),
        gives=_packages(header.get(_PROVIDES, ())),
        qualifiers=[("epoch", str(epoch[0]))] if epoch and epoch[0] else (),
    )
    version = f"{_first(header, _VERSION)}-{_first(header, _RELEASE)}"
    return reading.record("rpm", name, version, path, reading.owned(_paths(header)), details)


def _header(blob: bytes) -> _Header:
    """Return the entries of a header that are of interest."""
    count, size = struct.unpack_from(">II", blob)
    if count > _MAX_ENTRIES or 8 + 16 * count + size > len(blob):
        raise ValueError("a header that is larger than its blob")
    start = 8 + 16 * count
    found: _Header = {}
    for index in range(count):
        tag, kind, offset, number = struct.unpack_from(">IIII", blob, 8 + 16 * index)
        if tag in found or number > _MAX_STRINGS:
            continue
        if tag in _TEXTS and kind in {_STRING, _STRINGS, _TRANSLATED}:
            found[tag] = _strings(blob, start + offset, number)
        elif tag in _NUMBERS and kind == _INT32:
            found[tag] = struct.unpack_from(f">{number}I", blob, start + offset)
    return found


def _strings(blob: bytes, offset: int, number: int) -> tuple[str, ...]:
    found = []
    for _ in range(number):
        end = blob.find(b"\0", offset)
        if end < 0:
            break
        found.append(text(blob[offset:end]))
        offset = end + 1
    return tuple(found)


def _first(header: _Header, tag: int) -> str:
    return str(next(iter(header.get(tag, ())), ""))


def _packages(names: tuple[str, ...] | tuple[int, ...]) -> Iterator[str]:
    """Yield names of what is needed or given, each once; features of RPM itself are none."""
    known = dict.fromkeys(str(name) for name in names)
    return (name for name in known if not name.startswith(_NO_PACKAGES))


def _paths(header: _Header) -> Iterator[str]:
    directories = header.get(_DIR_NAMES, ())
    names, indexes = header.get(_BASE_NAMES, ()), header.get(_DIR_INDEXES, ())
    return (
        f"{directories[index]}{name}"
        for name, index in zip(names, indexes, strict=False)
        if isinstance(index, int) and index < len(directories)
    )
