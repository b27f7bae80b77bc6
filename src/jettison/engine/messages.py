"""What engines say: one error, or a stream of messages while they work.

In:  bytes of answers, which are hostile.
Out: ``Message``; texts that may be printed.

Source: moby, pkg/jsonmessage; podman, pkg/domain/entities (``ImagePullReport``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from jettison.errors import ExportError
from jettison.linux.text import printable

_MAX_LINE_BYTES = 1 << 20
_MAX_BYTES = 64 << 20
_SHOWN = 500


class _Detail(msgspec.Struct, frozen=True):
    message: str = ""


class _Line(msgspec.Struct, frozen=True):
    stream: str = ""
    status: str = ""
    error: str = ""
    detail: _Detail | None = msgspec.field(default=None, name="errorDetail")
    id: str = ""
    images: tuple[str, ...] | None = None


class _Refusal(msgspec.Struct, frozen=True):
    message: str = ""
    cause: str = ""


class Message(msgspec.Struct, frozen=True):
    """One message.

    Args:
        text: What it says, or nothing.
        failure: Why the work failed, or nothing.
    """

    text: str = ""
    failure: str = ""


class Readable(Protocol):
    """An answer."""

    def readline(self, limit: int = -1, /) -> bytes:
        """Return a line, or the beginning of one."""
        ...


def read_messages(answer: Readable, who: str) -> Iterator[Message]:
    """Yield the messages of an answer.

    Args:
        answer: One JSON object a line.
        who: Answers, for people.

    Raises:
        ExportError: it is something else, or too much.
    """
    left = _MAX_BYTES
    while line := answer.readline(_MAX_LINE_BYTES + 1):
        left -= len(line)
        if len(line) > _MAX_LINE_BYTES or left < 0:
            raise ExportError(f"{who} says more than an engine has to say")
        if not line.strip():
            continue
        try:
            found = msgspec.json.decode(line, type=_Line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ExportError(
                f"{who} answers what no engine says: {error}",
                hint="check that an engine of docker or podman listens there",
            ) from error
        failure = (found.detail.message if found.detail else "") or found.error
        yield Message(shown(found.stream or found.status), shown(failure))


def said_by(data: bytes) -> str:
    """Return what an answer that refuses says: its ``message``, or its first line."""
    try:
        found = msgspec.json.decode(data, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return shown(data[: 4 * _SHOWN].decode("utf-8", "replace"))
    return shown(found.message or found.cause)


def shown(text: str) -> str:
    """Return a text of an engine as part of an error: one line, bounded, harmless."""
    return printable(" ".join(text.split())[:_SHOWN])
