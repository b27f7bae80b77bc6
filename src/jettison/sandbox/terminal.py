"""A terminal for a container: a pty whose other end is the user's terminal.

In:  descriptors of the user's terminal.
Out: the slave side for ``Streams``; bytes flow in both directions until the container has ended.

Source: pty(7), termios(3), tty_ioctl(4) TIOCSWINSZ.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import threading
import tty
from typing import Self

_CHUNK = 1 << 16


class Terminal:
    """A pty between the user's terminal and a container.

    Use it as a context manager around ``start`` and ``wait``; ``attach`` moves bytes meanwhile.

    Args:
        source: Descriptor that is read for the container, or -1.
        sink: Descriptor that gets what the container writes.
    """

    def __init__(self, source: int, sink: int) -> None:
        self._source = source
        self._sink = sink
        self._master, self.slave = os.openpty()
        self._stop, self._stopping = os.pipe()
        self._saved: list[object] | None = None
        self._thread: threading.Thread | None = None
        self.resize()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def resize(self) -> None:
        """Give the container's terminal the size of the user's."""
        for descriptor in (self._source, self._sink):
            try:
                size = fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(8))
            except (OSError, ValueError):
                continue
            if struct.unpack("4H", size)[:2] != (0, 0):
                fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)
                return

    def attach(self) -> None:
        """Start moving bytes; call it once the container has the slave side."""
        os.close(self.slave)
        self.slave = -1
        if self._source >= 0 and os.isatty(self._source):
            self._saved = termios.tcgetattr(self._source)
            tty.setraw(self._source, termios.TCSADRAIN)  # what was typed ahead stays
        self._thread = threading.Thread(target=self._pump, name="terminal", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Write out what the container left, and give the user's terminal its mode back."""
        if self.slave >= 0:
            os.close(self.slave)
            self.slave = -1
        os.close(self._stopping)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._saved is not None:
            termios.tcsetattr(self._source, termios.TCSADRAIN, self._saved)  # type: ignore[arg-type]
            self._saved = None
        os.close(self._stop)
        os.close(self._master)

    def _pump(self) -> None:
        """Move bytes until the container's side is closed and read out."""
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        poll.register(self._stop, 0)
        if self._source >= 0:
            poll.register(self._source, select.POLLIN)
        ending = False
        while True:
            # After the end of the container a process of nobody could hold the slave side open.
            ready = poll.poll(0 if ending else None)
            if ending and not ready:
                return
            for descriptor, _ in ready:
                if descriptor == self._stop:
                    poll.unregister(self._stop)
                    ending = True
                elif descriptor == self._master:
                    if not _move(self._master, self._sink):
                        return
                elif not _move(self._source, self._master):
                    poll.unregister(self._source)
                    os.write(self._master, b"\x04")


def _move(source: int, target: int) -> bool:
    """Copy what is there; return False at the end."""
    try:
        data = os.read(source, _CHUNK)
    except OSError:
        return False
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(target, view) :]
        except OSError:
            return False
    return bool(data)
