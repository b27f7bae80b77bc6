"""Events as JSON lines, one event a line, for programs."""

from __future__ import annotations

import threading
from typing import TextIO

import msgspec

from jettison.console.terminal import safe_json, write
from jettison.events import Event


class RawJsonConsole:
    """Writes each event as a line of JSON; log data is base64."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._encoder = msgspec.json.Encoder()

    def __call__(self, event: Event) -> None:
        """Write an event."""
        line = self._encoder.encode(event).decode()
        with self._lock:
            write(self._stream, safe_json(line) + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Flush."""
        self._stream.flush()
