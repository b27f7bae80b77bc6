"""What is different between two layers, to the first file and byte.

In:  the uncompressed tars of two layers.
Out: a path and a sentence.

Source: what a layer's digest depends on: headers and bytes of its tar.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec

from jettison.layer.header import TarEntry, show
from jettison.layer.reader import Readable, TarReader, file_type

Open = Callable[[], AbstractContextManager[Readable]]
"""Opens a layer's tar from its beginning."""

_MOST_BYTES = 64 << 20
"""Of a file that is looked at for the first byte that differs."""

_MOST_TEXT = 60


class Difference(msgspec.Struct, frozen=True):
    """A difference: the path in the image, and what is different of it."""

    path: str
    what: str


class _Member(msgspec.Struct, frozen=True):
    entry: TarEntry
    digest: bytes


def first_difference(one: Open, other: Open) -> Difference | None:
    """Return the first difference of two layers, in the order of the first one; None if equal.

    Raises:
        ContentError, SourceError: a tar cannot be read.
    """
    before, after = _members(one), _members(other)
    for name, member in before.items():
        found = after.get(name)
        if found is None:
            return Difference(_path(name), "is in the first build only")
        what = _difference(member.entry, found.entry)
        if not what and member.digest != found.digest:
            what = _of_content(one, other, name)
        if what:
            return Difference(_path(name), what)
    added = next((name for name in after if name not in before), None)
    if added is not None:
        return Difference(_path(added), "is in the second build only")
    if list(before) != list(after):
        return Difference("/", "has its files in another order")
    return None


def _members(opened: Open) -> dict[bytes, _Member]:
    found: dict[bytes, _Member] = {}
    with opened() as tar:
        reader = TarReader(tar)
        for entry in reader:
            digest = hashlib.sha256()
            for piece in reader.data():
                digest.update(piece)
            found[entry.name.rstrip(b"/") or b"/"] = _Member(entry, digest.digest())
    return found


def _difference(before: TarEntry, after: TarEntry) -> str:
    """Return what headers differ in, the most telling first; nothing if only bytes may."""
    if before.kind != after.kind:
        return f"is a {_kind(before)}, then a {_kind(after)}"
    if before.link != after.link:
        return f"points at `{show(before.link)}`, then at `{show(after.link)}`"
    if before.mode != after.mode:
        return f"has the mode {before.mode:04o}, then {after.mode:04o}"
    owners = [f"{each.uid}:{each.gid}" for each in (before, after)]
    if owners[0] != owners[1]:
        return f"belongs to {owners[0]}, then to {owners[1]}"
    if before.device != after.device:
        return "is another device"
    if before.xattrs != after.xattrs:
        names = {*before.xattrs, *after.xattrs}
        other = min(name for name in names if before.xattrs.get(name) != after.xattrs.get(name))
        return f"has another attribute `{show(other.encode(errors='surrogateescape'))}`"
    if before.size == after.size and before.mtime_ns != after.mtime_ns:
        times = [f"{each.mtime_ns / 1e9:.0f}" for each in (before, after)]
        return f"has the time {times[0]}, then {times[1]} (seconds since 1970)"
    return ""


def _of_content(one: Open, other: Open, name: bytes) -> str:
    before, after = _bytes(one, name), _bytes(other, name)
    sizes = f"{len(before)} and {len(after)} bytes" if len(before) != len(after) else ""
    offset = next(
        (index for index, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)),
    )
    if max(len(before), len(after)) >= _MOST_BYTES:
        return "has other bytes"
    lines = [_line(each, offset) for each in (before, after)]
    where = f"from byte {offset}"
    if all(lines) and lines[0] != lines[1]:
        number = before.count(b"\n", 0, offset) + 1
        where = f"in line {number}: `{lines[0]}`, then `{lines[1]}`"
    return f"has other bytes {where}" + (f" ({sizes})" if sizes else "")


def _bytes(opened: Open, name: bytes) -> bytes:
    with opened() as tar:
        reader = TarReader(tar)
        for entry in reader:
            if entry.name.rstrip(b"/") == name:
                found = bytearray()
                for piece in reader.data():
                    found += piece
                    if len(found) >= _MOST_BYTES:
                        break
                return bytes(found[:_MOST_BYTES])
    return b""


def _line(data: bytes, offset: int) -> str:
    """Return the line around a byte, the part of it that matters; nothing if it is no text."""
    start = data.rfind(b"\n", 0, offset) + 1
    end = data.find(b"\n", offset)
    end = len(data) if end < 0 else end
    start = max(start, offset - _MOST_TEXT // 2)
    try:
        text = data[start : min(end, start + _MOST_TEXT)].decode()
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""


def _path(name: bytes) -> str:
    return "/" + show(name.removeprefix(b"./")).rstrip("/")


def _kind(entry: TarEntry) -> str:
    words = {
        stat.S_IFREG: "file",
        stat.S_IFDIR: "directory",
        stat.S_IFLNK: "symbolic link",
        stat.S_IFIFO: "fifo",
    }
    return words.get(file_type(entry.kind), "device")
