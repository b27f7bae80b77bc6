"""What engines say, as they say it and as none should."""

from __future__ import annotations

import io

import pytest

from jettison.engine.messages import Message, read_messages, said_by, shown
from jettison.errors import ExportError


def read(data: bytes) -> list[Message]:
    return list(read_messages(io.BytesIO(data), "the engine"))


def test_messages_of_docker_and_podman_are_read():
    lines = (
        b'{"status":"Downloading","progressDetail":{"current":1,"total":2},"id":"abc"}\n'
        b'{"stream":"Loaded image: a\\n"}\r\n\n'
        b'{"images":["x"],"id":"y"}\n'
        b'{"errorDetail":{"message":"no space"},"error":"short"}\n'
        b'{"error":"only this"}'
    )
    assert read(lines) == [
        Message("Downloading"),
        Message("Loaded image: a"),
        Message(),
        Message("", "no space"),
        Message("", "only this"),
    ]


@pytest.mark.parametrize(
    "data", [b"<html>\n", b"[]\n", b'{"error": 3}\n', b'{"stream":"' + b"x" * (2 << 20), b"\xff\n"]
)
def test_what_no_engine_says_is_an_error(data: bytes):
    with pytest.raises(ExportError, match="the engine"):
        read(data)


def test_messages_without_end_are_an_error():
    class Endless:
        def readline(self, limit: int = -1, /) -> bytes:
            return b'{"stream":"' + b"x" * 500_000 + b'"}\n'

    with pytest.raises(ExportError, match="more than an engine has to say"):
        for _ in read_messages(Endless(), "the engine"):
            pass


def test_an_error_is_one_harmless_line():
    assert said_by(b'{"message":"a\\nb\\u001b[2J"}') == "a b\\x1b[2J"
    assert said_by(b'{"cause":"c"}') == "c"
    assert said_by(b"plain\ntext") == "plain text"
    assert len(shown("x" * 10_000)) == 500
