"""Makes Unix sockets for processes, in a network namespace that holds nothing else.

In:  calls of socket(2), socketpair(2) and, of 32-bit processes, socketcall(2), that wait.
Out: sockets of a namespace that all processes of one container share.

For kernels whose Landlock does not know abstract sockets; see ``linux.socket_filter``.

Source: unix(7), socketcall(2), network_namespaces(7).
Security: a process of its own makes the sockets, without rights; it sees numbers only. No call is
passed on to the kernel, which would read its arguments again. Sockets of other families that
``socketcall`` asks for are made here, of the families and kinds that need no rights.
"""

from __future__ import annotations

import _socket
import errno
import os
import struct
from _collections_abc import Callable

from jettison.linux.namespace import NEWNET, unshare
from jettison.linux.process import become, die_with_parent, set_capabilities
from jettison.linux.socket_filter import SOCKET, SOCKETCALL, SOCKETPAIR
from jettison.linux.syscall import MACHINE
from jettison.sandbox.init.notify.target import AddDescriptor, NotifyTarget

_NOBODY = 65534
_CALL_SOCKET, _CALL_PAIR = 1, 8
_NETLINK = 16
_PLAIN = frozenset(
    (family, kind)
    for family in (_socket.AF_INET, _socket.AF_INET6)
    for kind in (_socket.SOCK_STREAM, _socket.SOCK_DGRAM)
) | {(_NETLINK, _socket.SOCK_RAW), (_NETLINK, _socket.SOCK_DGRAM)}
_KIND = 0xF
_REQUEST = struct.Struct("=iii")
_ERROR = struct.Struct("=i")
_COLUMNS = {"x86_64": (0, 1), "aarch64": (2, 3)}.get(MACHINE, ())

_makers: list[_socket.socket] = []


def _numbers(arguments: list[int]) -> list[int]:
    """Return arguments as C reads an ``int``."""
    return [struct.unpack("=i", struct.pack("=I", value & 0xFFFFFFFF))[0] for value in arguments]


def _socket_call(target: NotifyTarget, call: int, arguments: list[int]) -> int:
    """Give a process a socket.

    Raises:
        AddDescriptor: here it is.
        OSError: why not.
    """
    family, kind, protocol = _numbers(arguments[:3])
    if family == _socket.AF_UNIX:
        (descriptor,) = _make_sockets(False, kind, protocol)
    elif (family, kind & _KIND) in _PLAIN:
        descriptor = _socket.socket(family, kind, protocol).detach()
    else:
        raise OSError(errno.EPERM, "")
    raise AddDescriptor(descriptor, closes=bool(kind & _socket.SOCK_CLOEXEC), required=True)


def _pair_call(target: NotifyTarget, call: int, arguments: list[int]) -> int:
    """Give a process two connected sockets, and tell it their numbers.

    Raises:
        OSError: why not.
    """
    family, kind, protocol = _numbers(arguments[:3])
    if family != _socket.AF_UNIX:
        raise OSError(errno.EOPNOTSUPP, "")
    pair = _make_sockets(True, kind, protocol)
    try:
        closes = bool(kind & _socket.SOCK_CLOEXEC)
        given = [target.add_descriptor(each, closes=closes) for each in pair]
    finally:
        for each in pair:
            os.close(each)
    target.write(arguments[3], struct.pack("=ii", *given))
    return 0


def _either_call(target: NotifyTarget, call: int, arguments: list[int]) -> int:
    """Handle the call that a 32-bit process names by its first argument."""
    number, address = arguments[0] & 0xFFFFFFFF, arguments[1]
    count = 3 if number == _CALL_SOCKET else 4
    data = target.first_bytes(address, 4 * count)
    if len(data) != 4 * count:
        raise OSError(errno.EFAULT, "")
    handler = _socket_call if number == _CALL_SOCKET else _pair_call
    return handler(target, call, list(struct.unpack(f"={count}I", data)))


def _make_sockets(paired: bool, kind: int, protocol: int) -> list[int]:
    """Have the maker make a socket, or two.

    Raises:
        OSError: as the call would fail.
    """
    if not _makers:
        _makers.append(_start_maker())
    maker = _makers[0]
    maker.send(_REQUEST.pack(paired, kind, protocol))
    data, ancillary, _, _ = maker.recvmsg(4, _socket.CMSG_SPACE(8), _socket.MSG_CMSG_CLOEXEC)
    if len(data) != _ERROR.size:
        raise OSError(errno.ENFILE, "")  # there is no maker
    (code,) = _ERROR.unpack(data)
    if code or not ancillary:
        raise OSError(code or errno.EMFILE, "")
    return memoryview(ancillary[0][2]).cast("i").tolist()


def _start_maker() -> _socket.socket:
    """Start the process that makes sockets; return the socket for requests."""
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        try:
            die_with_parent()
            os.closerange(0, theirs.fileno())
            os.closerange(theirs.fileno() + 1, 1 << 16)
            unshare(NEWNET)
            try:  # noqa: SIM105 - contextlib is not loaded here
                become(_NOBODY, _NOBODY, [])
            except OSError:
                pass  # there is one user
            set_capabilities(0, 0, 0)
            while _make(theirs):
                continue
        finally:
            os._exit(0)
    os.close(theirs.detach())
    return ours


def _make(requests: _socket.socket) -> bool:
    """Make what is requested; return False at the end of requests."""
    data = requests.recv(_REQUEST.size)
    if len(data) != _REQUEST.size:
        return False
    paired, kind, protocol = _REQUEST.unpack(data)
    made: list[_socket.socket] = []
    code = 0
    try:
        if paired:
            made += _socket.socketpair(_socket.AF_UNIX, kind, protocol)
        else:
            made.append(_socket.socket(_socket.AF_UNIX, kind, protocol))
    except OSError as error:
        code = error.errno or errno.EIO
    numbers = struct.pack(f"={len(made)}i", *(each.fileno() for each in made))
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, numbers)] if made else []
    requests.sendmsg([_ERROR.pack(code)], rights)
    for each in made:
        each.close()
    return True


CALLS: dict[int, Callable[[NotifyTarget, int, list[int]], int]] = {
    numbers[column]: handler
    for numbers, handler in (
        (SOCKET, _socket_call),
        (SOCKETPAIR, _pair_call),
        (SOCKETCALL, _either_call),
    )
    for column in _COLUMNS
    if numbers[column] >= 0
}
"""Handlers of calls, by their numbers."""
