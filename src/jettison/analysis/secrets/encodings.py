"""How values of secrets may be written, and the byte strings to look for.

In:  values.
Out: their forms, each with what it is called; *needles*, which are forms and parts of them.

Forms are the value as it is, in base64 (three alignments, both alphabets), in hexadecimal digits,
URL-encoded, and escaped for JSON, shells, programming languages and XML. Needles are all forms,
and each line of a value with several, plain and escaped.

Limits: values shorter than 4 bytes and lines shorter than 8 have no needles: nothing would be
left of a log. Forms of more than 1024 bytes are looked for in pieces of 1024. Lines are those of
values up to 16 KiB.

Source: RFC 3986, RFC 4648, RFC 8259; bash(1), QUOTING.
"""

from __future__ import annotations

import binascii
import functools
import re
from collections.abc import Iterable, Iterator

import msgspec

LONGEST = 1024
"""Of a needle, in bytes."""
_SHORTEST = 4
_SHORTEST_LINE = 8
_BY_LINES_UP_TO = 16 << 10
_WRAPS = (64, 76)
"""Columns at which openssl and base64 begin a new line."""
_PLAIN = re.compile(rb"[A-Za-z0-9_.-]*")
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._"
_URL_SAFE = (
    *(b"~", b"~/", b"~/:@"),  # components, paths
    *(b"~!'()*", b"~!'()*;,/?:@&=+$#"),  # of JavaScript
    *(b"~$&+=:@", b"~$&+,;="),  # paths and passwords of Go
    b"*",  # forms
)
_BASH = b" \t\n!\"$&'()*,;<>?[\\]^`{|}"
_NAMES = {7: b"a", 8: b"b", 9: b"t", 10: b"n", 11: b"v", 12: b"f", 13: b"r"}
_XML = {b"<": b"&lt;", b">": b"&gt;"}
_XML_QUOTES: tuple[dict[bytes, bytes], ...] = (
    {},
    {b'"': b"&quot;"},
    {b'"': b"&quot;", b"'": b"&apos;"},
    {b'"': b"&quot;", b"'": b"&#x27;"},
    {b'"': b"&quot;", b"'": b"&#39;"},
    {b'"': b"&#34;", b"'": b"&#39;"},
)


class Needle(msgspec.Struct, frozen=True):
    """Bytes to look for; where they are ``wrapped``, line breaks may be anywhere in them."""

    text: bytes
    wrapped: bool = False


def forms(value: bytes) -> dict[bytes, str]:
    """Return how a value may be written, and what each way is called.

    >>> forms(b"key!")[b"6b657921"]
    'hexadecimal digits'
    """
    value = value.strip()
    if len(value) < _SHORTEST:
        return {}
    found = dict(_escaped(value))
    found |= dict.fromkeys(_hexadecimal(value), "hexadecimal digits")
    found |= dict.fromkeys(_base64(value), "base64")
    found[value] = "as it is"
    return found


def needles(values: Iterable[bytes]) -> tuple[Needle, ...]:
    """Return what to look for in output."""
    found: set[Needle] = set()
    for value in values:
        for text, form in forms(value).items():
            found.update(_pieces(text, form))
            if form == "base64" and len(text) <= _BY_LINES_UP_TO:
                # Lines may have something before them.
                found.update(Needle(each) for width in _WRAPS for each in _cut(text, width))
        if len(value) <= _BY_LINES_UP_TO:
            for line in _lines(value):
                escaped = (text for text, _ in _escaped(line))
                found.update(Needle(text[:LONGEST]) for text in (line, *escaped))
    return tuple(found)


def is_wrapped(form: str) -> bool:
    """Tell whether programs break texts of a form into lines."""
    return form in {"base64", "hexadecimal digits"}


def _pieces(text: bytes, form: str) -> list[Needle]:
    """Return a form in pieces that are short enough."""
    wrapped = is_wrapped(form)
    if len(text) <= LONGEST:
        return [Needle(text, wrapped)]
    return [Needle(each, wrapped) for each in (*_cut(text, LONGEST), text[-LONGEST:])]


def _cut(text: bytes, width: int) -> Iterator[bytes]:
    cut = (text[at : at + width] for at in range(0, len(text), width))
    return (piece for piece in cut if len(piece) >= _SHORTEST_LINE)


def _lines(value: bytes) -> set[bytes]:
    lines = {line.strip() for line in value.split(b"\n")}
    return {line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith(b"-----")}


def _escaped(value: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield a value as texts of several languages hold it, where that is not as it is."""
    if _PLAIN.fullmatch(value):
        return
    ways = (
        ("XML-escaped", _xml(value)),
        ("quoted", {*_shell(value), *_quoted(value)}),
        ("JSON-escaped", _json(value)),
        ("URL-encoded", _urls(value)),
    )
    for name, texts in ways:
        for text in texts - {value}:
            yield text, name


def _hexadecimal(value: bytes) -> set[bytes]:
    digits = value.hex().encode()
    return {digits, digits.upper()}


def _base64(value: bytes) -> set[bytes]:
    """Return the characters that a value gives wherever it stands in what is encoded.

    Three bytes are four characters, so there are three ways, and the characters at either end
    that depend on a neighbour are left out.
    """
    found = set()
    for before in range(3):
        text = binascii.b2a_base64(bytes(before) + value, newline=False)
        begin = (0, 2, 3)[before]
        end = (before + len(value)) * 8 // 6
        text = text[begin:end]
        if len(text) >= _SHORTEST:
            found |= {text, text.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def _urls(value: bytes) -> set[bytes]:
    """Return a value URL-encoded: components, paths, forms, with small and capital digits."""
    return {
        _replaced(value, _url_table(safe, space, digits))
        for safe in _URL_SAFE
        for space in (b"%20", b"+")
        for digits in (b"%%%02X", b"%%%02x")
    }


def _json(value: bytes) -> set[bytes]:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return set()  # there is no way to write it
    plain = msgspec.json.encode(text)[1:-1]
    found = {plain, *(_ascii(plain, digits) for digits in (b"\\u%04x", b"\\u%04X"))}
    found |= {each.replace(b"/", b"\\/") for each in found}
    for sign in b"<>&":  # as for web pages
        found |= {each.replace(b"%c" % sign, b"\\u%04x" % sign) for each in found}
    return found


def _ascii(text: bytes, digits: bytes) -> bytes:
    """Return JSON with characters beyond ASCII escaped."""
    units = text.decode().encode("utf-16-be")
    codes = (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
    return b"".join(b"%c" % code if code < 0x7F else digits % code for code in codes)


def _shell(value: bytes) -> set[bytes]:
    """Return a value in single quotes, in double quotes, and with backslashes."""
    return {
        value.replace(b"'", b"'\\''"),
        value.replace(b"'", b"'\"'\"'"),
        _replaced(value, _backslash_table(b'\\"$`')),
        _replaced(value, _backslash_table(_BASH)),
    }


def _quoted(value: bytes) -> set[bytes]:
    """Return a value as programming languages quote it."""
    return {
        _replaced(value, _quoting_table(quotes, digits, ascii_only=ascii_only))
        for quotes in (b"'", b'"', b"")
        for digits in (b"\\x%02x", b"\\%03o")
        for ascii_only in (True, False)
    }


def _xml(value: bytes) -> set[bytes]:
    value = value.replace(b"&", b"&amp;")
    found = set()
    for quotes in _XML_QUOTES:
        text = value
        for sign, name in (_XML | quotes).items():
            text = text.replace(sign, name)
        found.add(text)
    return found


def _replaced(value: bytes, table: tuple[bytes, ...]) -> bytes:
    return b"".join(map(table.__getitem__, value))


@functools.cache
def _url_table(safe: bytes, space: bytes, digits: bytes) -> tuple[bytes, ...]:
    plain = _UNRESERVED + safe
    return tuple(
        b"%c" % byte if byte in plain else space if byte == 32 else digits % byte
        for byte in range(256)
    )


@functools.cache
def _backslash_table(escaped: bytes) -> tuple[bytes, ...]:
    return tuple(b"\\%c" % byte if byte in escaped else b"%c" % byte for byte in range(256))


@functools.cache
def _quoting_table(quotes: bytes, digits: bytes, *, ascii_only: bool) -> tuple[bytes, ...]:
    def written(byte: int) -> bytes:
        if byte == 92 or byte in quotes:
            return b"\\%c" % byte
        if byte in _NAMES:
            return b"\\" + _NAMES[byte]
        is_plain = 32 <= byte < 127 or (byte >= 128 and not ascii_only)
        return b"%c" % byte if is_plain else digits % byte

    return tuple(map(written, range(256)))
