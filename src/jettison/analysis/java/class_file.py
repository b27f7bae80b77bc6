"""Class files: the version of Java that they are for, and what they name.

In:  bytes.
Out: ``ClassFile``.

Source: The Java Virtual Machine Specification, chapter 4: 4.1 (versions), 4.4 (constant pool),
4.7.25 (``Module``).

Security: what is truncated or of no known form is none.
"""

from __future__ import annotations

import struct

import msgspec

MAX_CLASS = 4 << 20
_MAGIC = 0xCAFEBABE
_FIRST = 44  # the major version of Java 0; Java 1.1 has 45
_PREVIEW = 0xFFFF
_SIZES = {3: 4, 4: 4, 5: 8, 6: 8, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4}
_UTF8, _CLASS, _STRING, _MODULE = 1, 7, 8, 19
_WIDE = (5, 6)
_NAMES = (_CLASS, _MODULE, 20)
_STATIC = 0x0040


class ClassFile(msgspec.Struct, frozen=True):
    """What a class says of itself.

    Args:
        java: The version of Java that it needs at least: 17.
        preview: Whether it needs just that version, as it uses previews.
        classes: Names of classes that it names: ``java/sql/Driver``.
        requires: Modules that a ``module-info`` needs when it runs.
    """

    java: int
    preview: bool = False
    classes: frozenset[str] = frozenset()
    requires: tuple[str, ...] = ()


def parse_class(data: bytes, *, whole: bool = True) -> ClassFile | None:
    """Return what a class file says, None if it is none.

    Args:
        data: Of the file; the first 8 bytes are enough for its version.
        whole: Whether names are read, too.
    """
    if len(data) < 8:
        return None
    magic, minor, major = struct.unpack_from(">IHH", data)
    if magic != _MAGIC or major <= _FIRST:
        return None
    preview = minor == _PREVIEW and major >= 56
    if not whole:
        return ClassFile(major - _FIRST, preview)
    try:
        pool, at = _constants(data)
        classes = frozenset(
            name for tag, value in pool.values() if tag == _CLASS and (name := _text(pool, value))
        )
        requires = _requires(data, pool, at)
    except (struct.error, IndexError, KeyError):
        return ClassFile(major - _FIRST, preview)
    return ClassFile(major - _FIRST, preview, classes, requires)


_Pool = dict[int, tuple[int, int | bytes]]


def _constants(data: bytes) -> tuple[_Pool, int]:
    """Return the constants that are names or text, and where the pool ends."""
    (count,) = struct.unpack_from(">H", data, 8)
    at, index = 10, 1
    pool: _Pool = {}
    while index < count:
        tag = data[at]
        at += 1
        if tag == _UTF8:
            (length,) = struct.unpack_from(">H", data, at)
            pool[index] = (tag, data[at + 2 : at + 2 + length])
            at += 2 + length
        elif tag in _NAMES:
            (pool_index,) = struct.unpack_from(">H", data, at)
            pool[index] = (tag, pool_index)
            at += 2
        else:
            at += _SIZES[tag]
        index += 2 if tag in _WIDE else 1
    return pool, at


def _text(pool: _Pool, index: int | bytes) -> str:
    """Return the text of a constant; of an array of objects the name of their class."""
    found = pool.get(index) if isinstance(index, int) else None
    if found is None or not isinstance(found[1], bytes):
        return ""
    text = found[1].decode("utf-8", "replace")
    if text.startswith("["):
        text = text.lstrip("[")
        text = text[1:-1] if text.startswith("L") else ""
    return text


def _requires(data: bytes, pool: _Pool, at: int) -> tuple[str, ...]:
    """Return what the ``Module`` attribute of a class needs when it runs."""
    interfaces = struct.unpack_from(">HHHH", data, at)[3]
    at += 8 + 2 * interfaces
    for _ in range(2):  # fields, methods: there are none in a ``module-info``
        (count,) = struct.unpack_from(">H", data, at)
        if count:
            return ()
        at += 2
    (count,) = struct.unpack_from(">H", data, at)
    at += 2
    for _ in range(count):
        name, length = struct.unpack_from(">HI", data, at)
        at += 6
        if _text(pool, name) == "Module":
            return _required(data, pool, at)
        at += length
    return ()


def _required(data: bytes, pool: _Pool, at: int) -> tuple[str, ...]:
    (count,) = struct.unpack_from(">H", data, at + 6)
    found = []
    for number in range(count):
        index, flags, _ = struct.unpack_from(">HHH", data, at + 8 + 6 * number)
        tag, value = pool[index]
        if tag == _MODULE and not flags & _STATIC:
            found.append(_text(pool, value))
    return tuple(each for each in found if each)
