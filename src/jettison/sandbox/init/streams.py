"""Standard streams: descriptors 0, 1 and 2 of the process that becomes the program.

In:  what the builder hands over: pipes, and the host's null device where there is nothing to read.
Out: streams that belong to the container and to its user.

Security: a descriptor of a file of the host is that file: ``chmod /proc/self/fd/0`` of root would
change the host's null device. crun gives even that to the container's user.
Source: libcontainer's ``reOpenDevNull`` and ``fixStdioPermissions`` do the same.
"""

from __future__ import annotations

import _socket
import errno
import fcntl
import os
import stat
import struct
import termios

from jettison.linux.mount import MS_NOEXEC, MS_NOSUID, bind, mount
from jettison.sandbox.init import descriptors
from jettison.sandbox.wire import Terminal

_STREAMS = (0, 1, 2)
_NULL = (1, 3)
_TIOCSPTLCK = 0x40045431
_TIOCGPTN = 0x80045430
_TIOCGPTPEER = 0x5441
_MULTIPLEXER = (5, 2)
_NOT_OURS = frozenset({errno.EPERM, errno.EINVAL, errno.EROFS, errno.EACCES})


def use_null(path: bytes) -> None:
    """Put the null device at a path in the place of streams that are the host's.

    Raises:
        OSError: it cannot be opened.
    """
    for number in _STREAMS:
        st = os.fstat(number)
        if stat.S_ISCHR(st.st_mode) and st.st_rdev == os.makedev(*_NULL):
            own = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            os.dup2(own, number, inheritable=True)
            os.close(own)


def use_new_null(directory: bytes) -> None:
    """Do so with a new device, on a file system of its own that is mounted at a directory.

    Who may not make one may not change the host's either: it belongs to nobody of this namespace.
    """
    os.mkdir(directory, 0o700)
    mount(b"tmpfs", directory, b"tmpfs", MS_NOSUID | MS_NOEXEC, b"mode=700,size=4k")
    path = directory + b"/null"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(*_NULL))
        use_null(path)
    except PermissionError:
        return


def use_terminal(dev: bytes, size: Terminal) -> None:
    """Make a terminal in the container's own devpts: all streams, and ``/dev/console``.

    Standard input is a socket, over which its master side goes to the builder.

    Args:
        dev: Path of the container's ``/dev``.
        size: Its size at first.

    Raises:
        OSError: it cannot be made.
    """
    master = os.open(dev + b"/pts/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("=i", 0))
    (number,) = struct.unpack("=i", fcntl.ioctl(master, _TIOCGPTN, bytes(4)))
    path = dev + b"/pts/%d" % number
    slave = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", size.rows, size.columns, 0, 0))
    os.close(os.open(dev + b"/console", os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o620))
    bind(path, dev + b"/console", recursive=False)
    send_over_stdin(master)
    for number in _STREAMS:
        os.dup2(slave, number, inheritable=True)
    os.close(slave)
    control_terminal()


def use_joined_terminal(dev: bytes, size: Terminal) -> None:
    """Make another terminal in a container that runs already: all streams.

    Standard input is a socket, over which its master side goes to the builder.

    Args:
        dev: Path of the container's ``/dev``.
        size: Its size at first.

    Raises:
        OSError: it cannot be made, or something else is in its place.

    Security: what is at the path is the container's to change, so it is looked at, and the other
    side is had from the kernel, not by its name.
    """
    flags = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC
    path = dev + b"/pts/ptmx"
    master = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    st = os.fstat(master)
    if not stat.S_ISCHR(st.st_mode) or st.st_rdev != os.makedev(*_MULTIPLEXER):
        raise OSError(errno.ENOTTY, "is not the multiplexer of terminals", path)
    os.set_blocking(master, True)
    fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("=i", 0))
    slave = fcntl.ioctl(master, _TIOCGPTPEER, flags)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", size.rows, size.columns, 0, 0))
    send_over_stdin(master)
    for number in _STREAMS:
        os.dup2(slave, number, inheritable=True)
    os.close(slave)
    control_terminal()


def send_over_stdin(descriptor: int) -> None:
    """Give a descriptor to the builder, by the socket that standard input is; it is closed here."""
    console = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, 0)
    descriptors.send(console, descriptor)
    console.detach()


def control_terminal() -> None:
    """Make the terminal of standard input that of this session."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def give_to(uid: int) -> None:
    """Let a user open the streams by their names, ``/dev/stdout`` for example.

    Only pipes and terminals are given away: these are made for one container.
    """
    for number in _STREAMS:
        st = os.fstat(number)
        if stat.S_ISFIFO(st.st_mode) or os.isatty(number):
            try:
                os.fchown(number, uid, -1)
            except OSError as error:
                if error.errno not in _NOT_OURS:
                    raise
