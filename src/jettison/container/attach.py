"""What connects the caller's streams with a container's: pipes or a terminal, and pumps.

In:  descriptors of the caller.
Out: ``Streams`` for a driver; bytes flow until the container has ended.

Security: a descriptor that a container gets is the file itself, to be read, changed and given
other modes, whatever it was opened for. So a container gets pipes and terminals of its own.

Source: docs/adr/0009-standard-streams.md.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import socket
import struct
import termios
import threading
import tty
from collections.abc import Callable
from functools import partial
from typing import Protocol, Self

from jettison.container.pump import Pump, write_all
from jettison.errors import HostError
from jettison.sandbox.base import Streams

_PIPE_BYTES = 1 << 20
_PATIENCE_SECONDS = 3.0
_END_OF_INPUT = b"\x04"
_BROKEN_PIPE = 128 + signal.SIGPIPE
_GONE = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EIO, errno.EBADF})
"""Nobody reads any more: a pipe, a socket, a terminal that hung up, nothing at all."""


Tap = Callable[[int, bytes], None]
"""Gets what a container writes, with 1 for standard output and 2 for standard error."""


def _taps(tap: Tap | None) -> tuple[Callable[[bytes], None] | None, ...]:
    return (None, None) if tap is None else (partial(tap, 1), partial(tap, 2))


class Attached(Protocol):
    """A connection; use it as a context manager around ``start`` and ``wait``."""

    streams: Streams

    def begin(self, kill: Callable[[], None]) -> None:
        """Move bytes, once the container has the streams; ``kill`` ends it."""
        ...

    def resize(self) -> None:
        """Give the container's terminal the size of the user's."""
        ...

    def open_input(self) -> int:
        """Return a descriptor that the container's input is written to; -1 where it reads nothing.

        The caller closes it. That of a terminal also gives it another size.
        """
        ...

    def end_input(self) -> None:
        """Let the container see the end of its input."""
        ...

    def finish(self, code: int) -> int:
        """Move what the container left, once it has ended; return the exit code.

        Raises:
            HostError: what it wrote could not be passed on.
        """
        ...


class Pipes:
    """A pipe for each stream.

    Args:
        stdin: Descriptor that is read for the container, or -1: then it has an empty input.
        stdout, stderr: Descriptors that get what it writes; -1 is nowhere.
        tap: Gets it, too.
    """

    def __init__(self, stdin: int, stdout: int, stderr: int, tap: Tap | None = None) -> None:
        self._taps = _taps(tap)
        self._ours: list[int] = []
        self._theirs: list[int] = []
        self._plan = [(self._pipe(), sink) for sink in (stdout, stderr)]
        self._input: Pump | None = None
        self._outputs: list[Pump] = []
        self._problem: OSError | None = None
        self._kill: Callable[[], None] = lambda: None
        self._over = threading.Event()
        self._unread = False
        self._stdin = stdin
        self._feed = -1
        self._feeding = threading.Lock()
        if stdin < 0:
            null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        else:
            null, self._feed = _make_pipe()
        self._theirs.append(null)
        out, err = (writer for (_, writer), _ in self._plan)
        self.streams = Streams(null, out, err)

    def _pipe(self) -> tuple[int, int]:
        reader, writer = _make_pipe()
        self._ours.append(reader)
        self._theirs.append(writer)
        return reader, writer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close_theirs()
        if not self._over.is_set():  # an error or an interrupt: nobody waits for it any more
            self._kill()
            self._over.set()
        if self._input is not None:
            self._input.stop()
            self._input.join()
        elif self._feed >= 0:
            os.close(self._feed)
        for pump in self._outputs:
            pump.stop()  # who reads may have stopped for ever: that is not waited for
        if not self._outputs:
            for descriptor in self._ours:
                os.close(descriptor)

    def begin(self, kill: Callable[[], None]) -> None:
        """See ``Attached.begin``."""
        self._close_theirs()
        self._kill = kill
        for ((reader, _), sink), to in zip(self._plan, self._taps, strict=True):
            pump = Pump(
                reader,
                sink,
                rest=True,
                ended=lambda e, r=reader: self._lost(r, e),  # type: ignore[misc]
                tap=to,
            )
            self._outputs.append(pump)
        if self._stdin >= 0:
            self._input = Pump(self._stdin, self._feed, rest=False, ended=self._fed)

    def resize(self) -> None:
        """See ``Attached.resize``: there is none."""

    def open_input(self) -> int:
        """See ``Attached.open_input``."""
        with self._feeding:
            return os.dup(self._feed) if self._feed >= 0 else -1

    def end_input(self) -> None:
        """See ``Attached.end_input``."""
        if self._input is not None:
            self._input.stop()

    def finish(self, code: int) -> int:
        """See ``Attached.finish``."""
        self._over.set()
        for pump in self._outputs:
            pump.stop()
        for pump in self._outputs:
            pump.join()
        self._outputs = []
        if self._problem is not None:
            raise HostError(
                f"cannot pass on what the container writes: {self._problem.strerror}",
                hint="Its standard output or error cannot be written: is a disk full?",
            )
        return _BROKEN_PIPE if self._unread else code

    def _close_theirs(self) -> None:
        for descriptor in self._theirs:
            os.close(descriptor)
        self._theirs = []

    def _fed(self, _: OSError | None) -> None:
        """Let the container see the end of its input."""
        with self._feeding:
            os.close(self._feed)
            self._feed = -1

    def _lost(self, reader: int, error: OSError | None) -> None:
        """Let the container see that nobody reads, and end it when it does not care.

        The first process of a container gets no SIGPIPE that would end it.
        """
        if error is None:
            return
        os.close(reader)
        self._ours.remove(reader)
        if error.errno not in _GONE:
            self._problem = error
            self._kill()
            return
        self._unread = True
        if not self._over.wait(_PATIENCE_SECONDS):
            self._kill()


class Terminal:
    """A terminal of the container's whose other end is the user's.

    Args:
        source: Descriptor that is read for the container, or -1.
        sink: Descriptor that gets what the container writes, or -1.
        tap: Gets it, too.
    """

    def __init__(self, source: int, sink: int, tap: Tap | None = None) -> None:
        self._source = source
        self._tap = _taps(tap)[0]
        self._sink = sink
        self._console, theirs = socket.socketpair()
        self._theirs: socket.socket | None = theirs
        self.streams = Streams(theirs.fileno(), theirs.fileno(), theirs.fileno())
        self._master = -1
        self._saved: list[object] | None = None
        self._input: Pump | None = None
        self._output: Pump | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close_theirs()
        self._console.close()
        for pump in (self._input, self._output):
            if pump is not None:
                pump.stop()
                pump.join()
        self._input = self._output = None
        if self._saved is not None:
            termios.tcsetattr(self._source, termios.TCSADRAIN, self._saved)  # type: ignore[arg-type]
            self._saved = None
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    @property
    def size(self) -> tuple[int, int] | None:
        """Rows and columns of the user's terminal; None where there is none."""
        return size_of(self._source) or size_of(self._sink)

    def resize(self) -> None:
        """See ``Attached.resize``."""
        size = self.size
        if size is not None and self._master >= 0:
            set_size(self._master, size)

    def begin(self, kill: Callable[[], None]) -> None:
        """See ``Attached.begin``; waits until the container has made its terminal."""
        self._close_theirs()
        _, descriptors, _, _ = socket.recv_fds(self._console, 1, 1)
        if not descriptors:
            return  # it was not made: waiting for the container says why
        (self._master,) = descriptors
        os.set_inheritable(self._master, False)
        self.resize()
        if self._source >= 0 and os.isatty(self._source):
            self._saved = termios.tcgetattr(self._source)
            tty.setraw(self._source, termios.TCSADRAIN)  # what was typed ahead stays
        self._output = Pump(
            self._master, self._sink, rest=True, ended=lambda _: None, tap=self._tap
        )
        if self._source >= 0:
            self._input = Pump(self._source, self._master, rest=False, ended=self._fed)

    def open_input(self) -> int:
        """See ``Attached.open_input``."""
        return os.dup(self._master) if self._master >= 0 else -1

    def end_input(self) -> None:
        """See ``Attached.end_input``."""
        self._fed(None)

    def finish(self, code: int) -> int:
        """See ``Attached.finish``."""
        return code

    def _close_theirs(self) -> None:
        if self._theirs is not None:
            self._theirs.close()
            self._theirs = None

    def _fed(self, error: OSError | None) -> None:
        if error is None:
            with contextlib.suppress(OSError):
                write_all(self._master, _END_OF_INPUT)


def size_of(descriptor: int) -> tuple[int, int] | None:
    """Return rows and columns of a terminal; None where there is none."""
    try:
        size = fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(8))
    except (OSError, ValueError):
        return None
    rows, columns, *_ = struct.unpack("4H", size)
    return (rows, columns) if rows and columns else None


def set_size(terminal: int, size: tuple[int, int]) -> None:
    """Set rows and columns of a terminal."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", *size, 0, 0))


def _make_pipe() -> tuple[int, int]:
    reader, writer = os.pipe()
    with contextlib.suppress(OSError):  # the user has many pipes
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return reader, writer
