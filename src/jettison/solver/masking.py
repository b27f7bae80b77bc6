"""Values of secrets, kept out of everything that is shown.

In:  the values; events and errors on their way out.
Out: the same with ``***`` in place of each value, also where it is written in base64, in
     hexadecimal digits or URL-encoded.

Values shorter than four bytes are not masked: nothing would be left of a log. Long values are
masked by their lines and by pieces, as ``base64`` and PEM files wrap them.

Security: output is masked before it is cut into lines, and what may be the beginning of a value
is held back until the next bytes tell, so that no way of writing it in parts shows it.

Concurrency: a ``MaskingSink`` may be called from any thread.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable

import msgspec

from jettison.errors import ExecError, JettisonError
from jettison.events import Event, Sink, VertexEnded, VertexProgress, Warned

MASK = b"***"
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_SHORTEST = 4
_SHORTEST_LINE = 8
_LONGEST = 1024
_WRAPS = (64, 76)
"""Columns at which openssl and base64 begin a new line."""
_BY_LINES_UP_TO = 16 << 10


def forms(value: bytes) -> dict[bytes, str]:
    """Return how a value may be written, and what each way is called.

    >>> forms(b"key!")[b"6b657921"]
    'hexadecimal digits'
    """
    value = value.strip()
    if len(value) < _SHORTEST:
        return {}
    found: dict[bytes, str] = {}
    for text in _urls(value):
        found[text] = "URL-encoded"
    for digits in (value.hex().encode(), value.hex().upper().encode()):
        found[digits] = "hexadecimal digits"
    for text in _base64(value):
        found[text] = "base64"
    found[value] = "as it is"
    return found


def needles(values: Iterable[bytes]) -> tuple[bytes, ...]:
    """Return the byte strings to mask, the longest first."""
    found: set[bytes] = set()
    for value in values:
        for text, form in forms(value).items():
            found.update(_pieces(text, wrapped=form == "base64"))
        if len(value) <= _BY_LINES_UP_TO:
            found.update(_lines(value))
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


class Masker:
    """Masks one stream of bytes that arrives in chunks."""

    def __init__(self, texts: tuple[bytes, ...]) -> None:
        self._texts = texts
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Return what can be shown now; the rest comes later."""
        data = mask_bytes(self._held + data, self._texts)
        keep = min((_cut(data, text) for text in self._texts), default=len(data))
        self._held = data[keep:]
        return data[:keep]

    def finish(self) -> bytes:
        """Return what was held back and turned out to be harmless."""
        held, self._held = self._held, b""
        return held


class MaskingSink:
    """Passes on events without values of secrets.

    Output of steps is not looked at: whoever reads it uses ``masker``, stream by stream.

    Args:
        sink: Who is told.
        values: Of all secrets of the build.
    """

    def __init__(self, sink: Sink, values: Iterable[bytes]) -> None:
        self._sink = sink
        self._texts = needles(values)

    def __call__(self, event: Event) -> None:
        """Pass on an event."""
        if self._texts:
            match event:
                case VertexEnded(error=error):
                    event = msgspec.structs.replace(event, error=self.text(error))
                case VertexProgress(item=item):
                    event = msgspec.structs.replace(event, item=self.text(item))
                case Warned(message=message):
                    event = msgspec.structs.replace(event, message=self.text(message))
                case _:
                    pass
        self._sink(event)

    def masker(self) -> Masker:
        """Return what masks one stream."""
        return Masker(self._texts)

    def text(self, text: str) -> str:
        """Return a text without values of secrets."""
        if not self._texts:
            return text
        data = text.encode(errors="surrogateescape")
        return mask_bytes(data, self._texts).decode(errors="surrogateescape")

    def mask_error(self, error: JettisonError) -> None:
        """Take values of secrets out of an error: message, hint, notes, end of the log."""
        error.message = self.text(error.message)
        error.args = (error.message,)
        if error.hint is not None:
            error.hint = self.text(error.hint)
        notes = getattr(error, "__notes__", None)
        if notes:
            error.__notes__ = [self.text(note) for note in notes]
        if isinstance(error, ExecError):
            error.log_tail = self.text(error.log_tail)


def mask_bytes(data: bytes, texts: tuple[bytes, ...]) -> bytes:
    """Return bytes without any of the texts.

    >>> mask_bytes(b"user:hunter2@host", (b"hunter2",))
    b'user:***@host'
    """
    for text in texts:
        data = data.replace(text, MASK)
    return data


def _cut(data: bytes, text: bytes) -> int:
    """Return where the data's end begins that may be the beginning of a text."""
    at = data.find(text[:1], max(0, len(data) - len(text) + 1))
    while at >= 0:
        if text.startswith(data[at:]):
            return at
        at = data.find(text[:1], at + 1)
    return len(data)


def _urls(value: bytes) -> set[bytes]:
    """Return a value URL-encoded: paths, form fields, with small and capital digits."""
    found = set()
    for safe in (b"", b"/", b"/:@"):
        for space in (b"%20", b"+"):
            for digits in ("%%%02X", "%%%02x"):
                found.add(_quote(value, safe, space, digits))
    found.discard(value)
    return found


def _quote(value: bytes, safe: bytes, space: bytes, digits: str) -> bytes:
    plain = _UNRESERVED + safe
    return b"".join(
        value[at : at + 1] if byte in plain else space if byte == 32 else (digits % byte).encode()
        for at, byte in enumerate(value)
    )


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


def _pieces(text: bytes, *, wrapped: bool) -> set[bytes]:
    """Return a text, or what it is cut into when it is wrapped or very long."""
    found = {text} if len(text) <= _LONGEST else set()
    widths = [] if found else [_LONGEST]
    if wrapped and len(text) <= _BY_LINES_UP_TO:
        widths += _WRAPS
    for width in widths:
        cut = (text[at : at + width] for at in range(0, len(text), width))
        found.update(piece for piece in cut if len(piece) >= _SHORTEST_LINE)
    return found


def _lines(value: bytes) -> set[bytes]:
    lines = (line.strip() for line in value.split(b"\n"))
    return {line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith(b"-----")}
