"""How messages between a builder and its helper become bytes, and are read from them.

In:  messages, classes of ``sandbox.wire``; or bytes of the other side.
Out: bytes; or a message whose fields all have their types. Everything else is a ``WireError``.

    message := MAGIC, version (2), value, and nothing behind it
    value   := 'n' none | 't' true | 'f' false
             | 'i' number (8) | 'b' size (4) bytes | 's' size (4) text
             | 'l' count (4) values | 'm' kind (1) values of the fields, in order

Numbers are little-endian, signed in values. Text is UTF-8, with surrogates as they are: names of
files are not always text. The types of fields are their annotations.

The helper imports this when it starts: it imports nothing.

Security: sizes are checked before anything is taken, and values are no deeper than types are
declared, so that bytes of any kind are read in time and memory proportional to their number.
"""

from __future__ import annotations

VERSION = 4
"""Another one for each change of a message: a builder may start the helper of a later Jettison."""

MAGIC = b"jettison-helper"
_PREFIX = MAGIC + VERSION.to_bytes(2, "little")
_HEAD = 5  # of what has a size: its letter and four bytes
_MOST = 1 << 32


class WireError(Exception):
    """What was read or is to be written is no message of this version; says why."""


class Codec:
    """How values of one type become bytes, and come out of them."""

    __slots__ = ()

    def put(self, parts: list[bytes], value: object) -> None:
        """Add the bytes of a value to others.

        Raises:
            WireError: it is of another type.
        """
        raise WireError(f"a `{type(value).__name__}` where another type is declared")

    def take(self, data: bytes, at: int) -> tuple[object, int]:
        """Return the value at a position, and where the next one is.

        Raises:
            WireError: there is none of the type.
        """
        raise WireError(f"no value of the declared type at byte {at} of {len(data)}")


class _Bool(Codec):
    __slots__ = ()

    def put(self, parts: list[bytes], value: object) -> None:
        if type(value) is not bool:
            return super().put(parts, value)
        return parts.append(b"t" if value else b"f")

    def take(self, data: bytes, at: int) -> tuple[object, int]:
        letter = data[at : at + 1]
        return (letter == b"t", at + 1) if letter in {b"t", b"f"} else super().take(data, at)


class _Int(Codec):
    __slots__ = ()

    def put(self, parts: list[bytes], value: object) -> None:
        if not isinstance(value, int) or type(value) is bool or not -(1 << 63) <= value < 1 << 63:
            return super().put(parts, value)
        return parts.append(b"i" + value.to_bytes(8, "little", signed=True))

    def take(self, data: bytes, at: int) -> tuple[object, int]:
        end = at + 9
        if data[at : at + 1] != b"i" or end > len(data):
            return super().take(data, at)
        return int.from_bytes(data[at + 1 : end], "little", signed=True), end


class _Bytes(Codec):
    __slots__ = ()

    def put(self, parts: list[bytes], value: object) -> None:
        if type(value) is not bytes or len(value) >= _MOST:
            return super().put(parts, value)
        return parts.extend((b"b", len(value).to_bytes(4, "little"), value))

    def take(self, data: bytes, at: int) -> tuple[object, int]:
        start = at + _HEAD
        end = start + int.from_bytes(data[at + 1 : start], "little")
        if data[at : at + 1] != b"b" or end > len(data):
            return super().take(data, at)
        return data[start:end], end


class _Text(Codec):
    __slots__ = ()

    def put(self, parts: list[bytes], value: object) -> None:
        if type(value) is not str:
            return super().put(parts, value)
        data = value.encode("utf-8", "surrogatepass")
        return parts.extend((b"s", len(data).to_bytes(4, "little"), data))

    def take(self, data: bytes, at: int) -> tuple[object, int]:
        start = at + _HEAD
        end = start + int.from_bytes(data[at + 1 : start], "little")
        if data[at : at + 1] == b"s" and end <= len(data):
            try:
                return data[start:end].decode("utf-8", "surrogatepass"), end
            except UnicodeDecodeError:
                pass
        return super().take(data, at)


class _List(Codec):
    __slots__ = ("_item",)

    def __init__(self, item: Codec) -> None:
        self._item = item

    def put(self, parts: list[bytes], value: object) -> None:
        if type(value) is not list:
            return super().put(parts, value)
        parts.append(b"l" + len(value).to_bytes(4, "little"))
        put = self._item.put
        for each in value:
            put(parts, each)
        return None

    def take(self, data: bytes, at: int) -> tuple[object, int]:
        start = at + _HEAD
        count = int.from_bytes(data[at + 1 : start], "little")
        if data[at : at + 1] != b"l" or count > len(data) - start:  # each has a byte at least
            return super().take(data, at)
        at = start
        values = []
        take = self._item.take
        for _ in range(count):
            value, at = take(data, at)
            values.append(value)
        return values, at


class _Optional(Codec):
    __slots__ = ("_item",)

    def __init__(self, item: Codec) -> None:
        self._item = item

    def put(self, parts: list[bytes], value: object) -> None:
        if value is None:
            return parts.append(b"n")
        return self._item.put(parts, value)

    def take(self, data: bytes, at: int) -> tuple[object, int]:
        return (None, at + 1) if data[at : at + 1] == b"n" else self._item.take(data, at)


class _OneOf(Codec):
    """A message of one of some classes."""

    __slots__ = ("_kinds",)

    def __init__(self, kinds: list[type[Message]]) -> None:
        self._kinds = kinds

    def put(self, parts: list[bytes], value: object) -> None:
        if not isinstance(value, Message) or type(value) not in self._kinds:
            return super().put(parts, value)
        kind = type(value)
        parts.append(b"m" + kind.kind_number.to_bytes(1, "little"))
        for name, codec in kind.kind_fields:
            try:
                codec.put(parts, getattr(value, name))
            except WireError as error:
                raise WireError(f"`{kind.__name__}.{name}`: {error}") from None
        return None

    def take(self, data: bytes, at: int) -> tuple[object, int]:
        number = data[at + 1] if data[at : at + 1] == b"m" and at + 1 < len(data) else len(KINDS)
        kind = KINDS[number] if number < len(KINDS) else None
        if kind is None or kind not in self._kinds:
            return super().take(data, at)
        message = kind.__new__(kind)
        at += 2
        for name, codec in kind.kind_fields:
            try:
                value, at = codec.take(data, at)
            except WireError as error:
                raise WireError(f"`{kind.__name__}.{name}`: {error}") from None
            setattr(message, name, value)
        return message, at


KINDS: list[type[Message]] = []
"""The classes of messages, by their numbers."""

_CODECS: dict[str, Codec] = {"bool": _Bool(), "int": _Int(), "bytes": _Bytes(), "str": _Text()}
_ANY = _OneOf(KINDS)


def _codec(declared: str) -> Codec:
    """Return the codec of an annotation."""
    codec = _CODECS.get(declared)
    if codec is None:
        if declared.endswith(" | None"):
            codec = _Optional(_codec(declared[:-7]))
        elif declared.startswith("list["):
            codec = _List(_codec(declared[5:-1]))
        else:
            names = declared.split(" | ")
            codec = _OneOf([each for each in KINDS if each.__name__ in names])
        _CODECS[declared] = codec
    return codec


class _Slotted(type):
    """Gives a class slots for what it annotates."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, object]) -> _Slotted:
        """See the class."""
        declared = namespace.get("__annotations__")
        namespace["__slots__"] = tuple(declared) if bases and isinstance(declared, dict) else ()
        return super().__new__(cls, name, bases, namespace)


class Message(metaclass=_Slotted):
    """What is sent: its fields are slots, and their types are annotations.

    Raises:
        WireError: a field lacks, or is none.
    """

    kind_number: int
    kind_fields: tuple[tuple[str, Codec], ...]

    def __init_subclass__(cls) -> None:
        """Give the class its number and codecs.

        Now, not when they are first used: that would be in each container, which is a clone.
        """
        cls.kind_number = len(KINDS)
        cls.kind_fields = tuple(
            (name, _codec(type_)) for name, type_ in cls.__annotations__.items()
        )
        KINDS.append(cls)

    def __init__(self, **values: object) -> None:
        if values.keys() != type(self).__annotations__.keys():
            raise WireError(f"`{type(self).__name__}` has other fields than {sorted(values)}")
        for name, value in values.items():
            setattr(self, name, value)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(
            getattr(self, name) == getattr(other, name) for name in type(self).__annotations__
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in type(self).__annotations__)
        return f"{type(self).__name__}({values})"


def encode(message: Message) -> bytes:
    """Return the bytes of a message.

    Raises:
        WireError: a field is of another type than it is declared.
    """
    parts = [_PREFIX]
    _ANY.put(parts, message)
    return b"".join(parts)


def decode(data: bytes) -> Message:
    """Return the message that bytes are.

    Raises:
        WireError: they are none, or one of another version.
    """
    if not data.startswith(MAGIC) or len(data) < len(_PREFIX):
        raise WireError("no message of a builder or a helper")
    version = int.from_bytes(data[len(MAGIC) : len(_PREFIX)], "little")
    if version != VERSION:
        raise WireError(f"a message of version {version}, where version {VERSION} is spoken")
    message, end = _ANY.take(data, len(_PREFIX))
    if end != len(data) or not isinstance(message, Message):
        raise WireError(f"{len(data) - end} bytes behind the message")
    return message
