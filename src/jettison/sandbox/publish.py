"""Published ports of a container that shares the host's network.

In:  ``--publish`` values.
Out: ``Port``s; a ``Forwarder`` where host and container port differ.

With the host's network a container's port simply is the host's: equal numbers need nothing. Where
they differ, a listener on the host port passes TCP connections on.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Self

import msgspec

from jettison.errors import HostError, UsageError

_CHUNK = 1 << 16
_PORTS = 65536
_BACKLOG = 128
_CONNECT_SECONDS = 10


class Port(msgspec.Struct, frozen=True):
    """A published port; ``address`` empty is every address of the host."""

    container: int
    host: int
    address: str = ""
    protocol: str = "tcp"

    @property
    def needs_forwarding(self) -> bool:
        """Whether the numbers differ."""
        return self.container != self.host


def parse_ports(values: Sequence[str]) -> list[Port]:
    """Parse ``[IP:]HOST:CONTAINER[/PROTO]`` and ``CONTAINER[/PROTO]``, with ranges ``8000-8005``.

    Raises:
        UsageError: a value is malformed or needs what the host's network cannot give.

    >>> parse_ports(["127.0.0.1:8080:80"])
    [Port(container=80, host=8080, address='127.0.0.1', protocol='tcp')]
    """
    return [port for value in values for port in _parse(value)]


def _parse(value: str) -> list[Port]:
    text, _, protocol = value.partition("/")
    protocol = protocol or "tcp"
    head, _, container_text = text.rpartition(":")
    address, found, host_text = head.rpartition(":")
    bracketed = address.startswith("[") and address.endswith("]")
    if (":" in address and not bracketed) or (found and not address):
        raise _invalid(value)
    containers = _range(container_text, value)
    hosts = _range(host_text, value) if host_text else containers
    if len(hosts) != len(containers) or protocol not in {"tcp", "udp", "sctp"}:
        raise _invalid(value)
    ports = [
        Port(container, host, address.strip("[]"), protocol)
        for container, host in zip(containers, hosts, strict=True)
    ]
    if protocol != "tcp" and ports[0].needs_forwarding:
        raise UsageError(
            f"cannot publish `{value}`: only TCP is passed on to another port",
            hint="Publish the same number on both sides.",
        )
    return ports


def _range(text: str, value: str) -> range:
    first, dash, last = text.partition("-")
    last = last if dash else first
    if not (first.isdecimal() and last.isdecimal()):
        raise _invalid(value)
    if not 0 < int(first) <= int(last) < _PORTS:
        raise _invalid(value)
    return range(int(first), int(last) + 1)


def _invalid(value: str) -> UsageError:
    return UsageError(
        f"invalid published port `{value}`",
        hint="Write it as `[IP:]HOST_PORT:CONTAINER_PORT[/tcp|udp]`.",
    )


class Forwarder:
    """Passes TCP connections of host ports on to container ports; a context manager.

    Each direction of a connection has a thread, so that a slow reader holds up nobody else.

    Raises:
        HostError: a host port is taken or may not be used.
    """

    def __init__(self, ports: Sequence[Port]) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closing = False
        self._threads: list[threading.Thread] = []
        self._listeners: list[tuple[socket.socket, int]] = []
        try:
            for port in ports:
                if port.needs_forwarding:
                    self._listeners.append((_listen(port), port.container))
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        for listener, port in self._listeners:
            self._start(self._accept, listener, port)
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        for thread in self._threads:
            thread.join()

    def addresses(self) -> list[tuple[str, int]]:
        """Return where it listens."""
        return [listener.getsockname()[:2] for listener, _ in self._listeners]

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name="port", daemon=True)
        self._threads = [known for known in self._threads if known.is_alive()]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, port: int) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                target = socket.create_connection(("127.0.0.1", port), timeout=_CONNECT_SECONDS)
            except OSError:
                client.close()
                continue
            target.settimeout(None)
            with self._lock:
                if self._closing:  # it was accepted while the others were ended
                    client.close()
                    target.close()
                    return
                self._open |= {client, target}
            ends = [threading.Event(), threading.Event()]
            self._start(self._copy, client, target, ends[0], ends[1])
            self._start(self._copy, target, client, ends[1], ends[0])

    def _copy(
        self,
        source: socket.socket,
        target: socket.socket,
        ended: threading.Event,
        other: threading.Event,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
        with self._lock:
            ended.set()
            if other.is_set():
                for one in (source, target):
                    self._open.discard(one)
                    one.close()

    def _close(self) -> None:
        with self._lock:
            self._closing = True
            for one in [*self._open, *(listener for listener, _ in self._listeners)]:
                # Closing alone does not wake a thread that waits in a call.
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            for listener, _ in self._listeners:
                listener.close()


def _listen(port: Port) -> socket.socket:
    family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
    try:
        return socket.create_server((port.address, port.host), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise HostError(
            f"cannot publish port {port.host}: {error.strerror}", hint="Choose another host port."
        ) from error
