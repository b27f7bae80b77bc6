"""What is typed, for a container that somebody else keeps running.

In:  a container, streams of the caller.
Out: its input; the size of its terminal; the news that the user has detached.

Concurrency: a thread of its own, which ends with the input, with the context or with the process.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import threading
import tty
from typing import Self

from jettison.container.attach import set_size, size_of
from jettison.container.keys import DetachKeys
from jettison.container.pump import write_all
from jettison.container.state.catalog import Container
from jettison.container.state.protocol import EndInput, OpenInput, connect

_CHUNK = 1 << 16
_PATIENCE_SECONDS = 0.5


class Keyboard(threading.Thread):
    """Gives a container what is typed; a context manager.

    ``detached`` is readable once the user has pressed the keys that detach.

    Args:
        container: It; must run.
        keys: What detaches, as bytes.
        stdin, stdout: Of the caller; an input of -1 is none.
    """

    def __init__(self, container: Container, keys: bytes, stdin: int, stdout: int) -> None:
        super().__init__(name="keyboard", daemon=True)
        request = container.record.request
        self._container = container
        self._source = stdin if request.interactive else -1
        self._ends = request.interactive and not request.detach
        self._screen = (stdin, stdout) if request.terminal else ()
        self._keys = DetachKeys(keys)
        self._input = -1
        self._saved: list[object] | None = None

    def __enter__(self) -> Self:
        self.detached, self._detaching = os.pipe2(os.O_CLOEXEC)
        self._left, self._leaving = os.pipe2(os.O_CLOEXEC)
        link = connect(self._container.directory.path)
        if link is not None:
            with link, contextlib.suppress(OSError):  # it has ended just now
                link.send(OpenInput())
                _, received = link.answer()
                self._input = received[0] if received else -1
        self.resize(redraw=True)
        if self._screen and self._source >= 0 and os.isatty(self._source):
            self._saved = termios.tcgetattr(self._source)
            tty.setraw(self._source, termios.TCSADRAIN)  # what was typed ahead stays
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._leaving)
        self.join(_PATIENCE_SECONDS)
        if not self.is_alive():  # else it waits for a container that reads nothing
            for descriptor in (self.detached, self._detaching, self._left):
                os.close(descriptor)
        if self._saved is not None:
            termios.tcsetattr(self._source, termios.TCSADRAIN, self._saved)  # type: ignore[arg-type]

    def resize(self, *, redraw: bool = False) -> None:
        """Give the container's terminal the size of the user's.

        Args:
            redraw: Give it another one first: programs draw again when it changes.
        """
        size = next(filter(None, map(size_of, self._screen)), None)
        if size is None or self._input < 0:
            return
        with contextlib.suppress(OSError):
            if redraw:
                set_size(self._input, (size[0] + 1, size[1] + 1))
            set_size(self._input, size)

    def run(self) -> None:
        """Pass on what is typed."""
        if self._source < 0 or self._input < 0:
            return
        with contextlib.suppress(OSError):  # it has ended
            poll = select.poll()
            poll.register(self._source, select.POLLIN)
            poll.register(self._left, 0)
            while self._left not in {descriptor for descriptor, _ in poll.poll()}:
                data = os.read(self._source, _CHUNK)
                passed, detaches = self._keys.take(data)
                write_all(self._input, passed)
                if detaches:
                    os.write(self._detaching, b".")
                    return
                if not data:
                    self._end()
                    return

    def _end(self) -> None:
        """Let the container see the end, if its input is that of one caller."""
        os.close(self._input)
        link = connect(self._container.directory.path) if self._ends else None
        if link is not None:
            with link:
                link.send(EndInput())
                link.answer()
