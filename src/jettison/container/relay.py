"""A name server in a container's network that passes queries on to those of the host.

In:  a network namespace, addresses of name servers that only the host's network reaches.
Out: answers at ``ADDRESS``, by UDP and TCP, while the relay is open.

Servers on loopback and link-local addresses, ``127.0.0.53`` and ``fe80::1%eth0`` for example, are
others or none in another network. pasta and slirp4netns pass queries on to some of them only.

Concurrency: a thread for the queries of each kind, one for each query, up to a limit.

Security: the container reaches the DNS ports of the host's name servers by this, as with docker.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Self

from jettison.errors import HostError
from jettison.linux.namespace import NEWNET, enter

ADDRESS = "127.0.0.11"
"""Where docker's is."""

_PORT = 53
_SECONDS = 4.0
_MOST_QUERIES = 64
_MESSAGE = 1 << 16


class Relay:
    """A context manager.

    Args:
        namespace: Path of the container's network namespace.
        servers: Addresses in the host's network, the first one first.

    Raises:
        HostError: the namespace cannot be entered, or the port is taken.
    """

    def __init__(self, namespace: str, servers: Sequence[str]) -> None:
        self._servers = servers
        self._slots = threading.BoundedSemaphore(_MOST_QUERIES)
        self._udp = socket_in(namespace, socket.SOCK_DGRAM, (ADDRESS, _PORT))
        self._tcp = socket_in(namespace, socket.SOCK_STREAM, (ADDRESS, _PORT))
        self._tcp.listen(16)

    def __enter__(self) -> Self:
        for work in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=work, name="nameserver", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._udp, self._tcp):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _serve_udp(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                query, client = self._udp.recvfrom(_MESSAGE)
                if query:
                    self._start(lambda q=query, c=client: self._pass_on(q, c))  # type: ignore[misc]

    def _serve_tcp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._tcp.accept()
                self._start(lambda c=client: self._connect(c), client.close)  # type: ignore[misc]

    def _start(self, work: Callable[[], None], drop: Callable[[], None] = lambda: None) -> None:
        """Do it in a thread; drop it when there are too many: clients ask again."""
        if not self._slots.acquire(blocking=False):
            drop()
            return

        def run() -> None:
            try:
                with contextlib.suppress(OSError):
                    work()
            finally:
                self._slots.release()

        threading.Thread(target=run, name="query", daemon=True).start()

    def _pass_on(self, query: bytes, client: tuple[str, int]) -> None:
        for server in self._servers:
            try:
                answer = ask(server, query)
            except OSError:
                continue
            self._udp.sendto(answer, client)
            return

    def _connect(self, client: socket.socket) -> None:
        """Pass on one connection: queries there, answers back."""
        with client:
            client.settimeout(_SECONDS)
            for server in self._servers:
                try:
                    upstream = _open(server, socket.SOCK_STREAM)
                except OSError:
                    continue
                with upstream:
                    while query := _message(client):
                        upstream.sendall(query)
                        client.sendall(_message(upstream))
                return


def ask(server: str, query: bytes, namespace: str = "") -> bytes:
    """Return the answer of a name server to a query, by UDP.

    Args:
        server: Its address.
        query: A DNS message.
        namespace: Path of the network namespace it is asked from; empty is this one.

    Raises:
        OSError: it does not answer in time.
    """
    with _open(server, socket.SOCK_DGRAM, namespace) as upstream:
        upstream.send(query)
        answer = upstream.recv(_MESSAGE)
        while answer[:2] != query[:2]:
            answer = upstream.recv(_MESSAGE)
        return answer


def query_for(name: str) -> bytes:
    """Return a query for the IPv4 addresses of a name (RFC 1035, section 4)."""
    labels = b"".join(bytes([len(each)]) + each.encode() for each in name.split("."))
    return os.urandom(2) + bytes.fromhex("01000001000000000000") + labels + b"\0\0\1\0\1"


def socket_in(namespace: str, kind: int, address: tuple[str, int]) -> socket.socket:
    """Return an IPv4 socket of another network namespace, bound to an address there.

    Raises:
        HostError: the namespace cannot be entered, or the address is taken.
    """
    try:
        found = in_network(namespace, lambda: socket.socket(socket.AF_INET, kind))
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError as error:
        raise HostError(f"cannot pass on names to the container: {error.strerror}") from error
    return found


def _open(server: str, kind: int, namespace: str = "") -> socket.socket:
    """Return a socket that is connected to a server.

    Raises:
        OSError: it cannot be.
    """
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    family, _, _, _, address = socket.getaddrinfo(server, _PORT, type=kind, flags=flags)[0]
    found = in_network(namespace, lambda: socket.socket(family, kind))
    try:
        found.settimeout(_SECONDS)
        found.connect(address)
    except BaseException:
        found.close()
        raise
    return found


def in_network(namespace: str, make: Callable[[], socket.socket]) -> socket.socket:
    """Make a socket in a network namespace: a thread enters it and ends.

    Args:
        namespace: Its path; empty is the one of this process.
        make: Makes the socket.

    Raises:
        OSError: it may not.
    """
    if not namespace:
        return make()
    made: list[socket.socket | OSError] = []

    def work() -> None:
        try:
            descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                enter(descriptor, NEWNET)
                made.append(make())
            finally:
                os.close(descriptor)
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=work, name="network")
    thread.start()
    thread.join()
    (found,) = made
    if isinstance(found, OSError):
        raise found
    return found


def _message(source: socket.socket) -> bytes:
    """Return one message with its length in front; empty at the end."""
    head = _exactly(source, 2)
    return head + _exactly(source, int.from_bytes(head, "big")) if head else b""


def _exactly(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = source.recv(count - len(data))
        if not piece:
            return b""
        data += piece
    return data
