"""What listens in a container that has no network but its loopback, and requests to it.

In:  the root directory of a running container.
Out: ports; the status of an answer.

Security: paths of the container are its image's. ``/proc`` is opened below its root, whatever
links say, and must be the kernel's: it is the container's then, with its process 1 and that one's
network. What answers is not trusted either: nothing but the status is read, and for a limited time.

Source: proc(5), ``/proc/net/tcp``: addresses in the order of bytes of the machine, state 0A.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from urllib.parse import SplitResult

import msgspec

from jettison.container.relay import in_network
from jettison.linux.files import is_procfs, open_in_root

_LISTEN = "0A"
_MOST_LINES = 10_000
_TABLE_BYTES = 1 << 20
_LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_LOOPBACK_ENDINGS = ("0100007F", "7F000001", "00000000000000000000000001000000")
_SECONDS = 5.0


class Listening(msgspec.Struct, frozen=True, order=True):
    """A TCP port that something listens at.

    Args:
        port: Its number.
        is_local: Whether that is so at loopback addresses only, where nobody else reaches it.
    """

    port: int
    is_local: bool = False


class Loopback:
    """The network of a container; close it.

    Args:
        root: Descriptor of its root directory, with all that is mounted there. It is kept.

    Raises:
        OSError: its ``/proc`` is not there, or is no ``/proc``.
    """

    def __init__(self, root: int) -> None:
        proc = open_in_root(root, b"proc", os.O_PATH | os.O_DIRECTORY)
        try:
            self._namespace = _network_of(proc)
        except BaseException:
            os.close(proc)
            raise
        self._proc = proc

    def close(self) -> None:
        """Close what is open."""
        os.close(self._namespace)
        os.close(self._proc)

    def listening(self) -> tuple[Listening, ...]:
        """Return the ports, in order; none if process 1 has ended."""
        found: dict[int, bool] = {}
        for name in ("tcp", "tcp6"):
            for port, is_local in self._table(name):
                found[port] = found.get(port, True) and is_local
        return tuple(sorted(Listening(port, is_local) for port, is_local in found.items()))

    def _table(self, name: str) -> Iterator[tuple[int, bool]]:
        try:
            table = os.open(f"1/net/{name}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)
        except OSError:
            return  # no process, or no IPv6
        with open(table, "rb") as file:
            text = file.read(_TABLE_BYTES).decode(errors="replace")
        for line in text.split("\n")[1:_MOST_LINES]:
            fields = line.split()
            if len(fields) > 3 and fields[3] == _LISTEN:
                address, _, port = fields[1].rpartition(":")
                yield int(port, 16), address in _LOOPBACK_ENDINGS

    def ask(self, url: SplitResult, seconds: float) -> int:
        """Return the status of the answer to a GET, made in the container's network.

        Args:
            url: With ``http`` or ``https`` as scheme; whatever its host, it is asked at loopback.
            seconds: How long it may take.

        Raises:
            OSError: nobody listens, or answers in time.
            HTTPException: what answers speaks no HTTP.
        """
        port = url.port or (443 if url.scheme == "https" else 80)
        link = self._connected(port, min(seconds, _SECONDS))
        timer = threading.Timer(seconds, _shut, (link,))  # many slow bytes are in time else
        timer.daemon = True
        timer.start()
        try:
            if url.scheme == "https":
                link = _encrypted(link, url.hostname or "localhost")
            connection = HTTPConnection(url.hostname or "localhost", port)
            connection.sock = link
            path = (url.path or "/") + (f"?{url.query}" if url.query else "")
            headers = {"User-Agent": "jettison-probe", "Connection": "close"}
            connection.request("GET", path, headers=headers)
            return connection.getresponse().status
        except ValueError as error:
            raise HTTPException(str(error)) from error
        finally:
            timer.cancel()
            link.close()

    def _connected(self, port: int, seconds: float) -> socket.socket:
        problem: OSError | None = None
        for family, address in _LOOPBACK:
            try:
                link = in_network(
                    f"/proc/self/fd/{self._namespace}",
                    lambda family=family: socket.socket(family),  # type: ignore[misc]
                )
            except OSError as error:
                problem = problem or error
                continue
            link.settimeout(seconds)
            try:
                link.connect((address, port))
            except OSError as error:
                link.close()
                problem = problem or error
            else:
                return link
        raise problem or OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))


def _network_of(proc: int) -> int:
    if not is_procfs(proc):
        raise OSError(errno.ENODEV, "the container's /proc is not the kernel's")
    return os.open("1/ns/net", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)


def _encrypted(link: socket.socket, name: str) -> ssl.SSLSocket:
    """Return a connection by TLS: whose certificate that is does not matter to a probe."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(link, server_hostname=name)


def _shut(link: socket.socket) -> None:
    with contextlib.suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
