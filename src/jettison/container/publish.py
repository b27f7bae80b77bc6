"""Published ports of a container with a network of its own.

In:  ``--publish`` values.
Out: ``Port``s; whether the host's side of them is free.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

import msgspec

from jettison.errors import HostError, UsageError
from jettison.oci.address import is_ip_address

_PORTS = 65536
_DIGITS = 5
_UNPRIVILEGED = "net.ipv4.ip_unprivileged_port_start"


class Port(msgspec.Struct, frozen=True):
    """A published port; ``address`` empty is every address of the host."""

    container: int
    host: int
    address: str = ""
    protocol: str = "tcp"


def parse_ports(values: Sequence[str]) -> list[Port]:
    """Parse ``[IP:]HOST:CONTAINER[/PROTO]`` and ``CONTAINER[/PROTO]``, with ranges ``8000-8005``.

    Raises:
        UsageError: a value is malformed.

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
    address = address.strip("[]")
    if len(hosts) != len(containers) or protocol not in {"tcp", "udp"}:
        raise _invalid(value)
    if address and not is_ip_address(address):
        raise _invalid(value)
    return [
        Port(container, host, address, protocol)
        for container, host in zip(containers, hosts, strict=True)
    ]


def _range(text: str, value: str) -> range:
    first, dash, last = text.partition("-")
    last = last if dash else first
    if not all(
        each.isascii() and each.isdecimal() and len(each) <= _DIGITS for each in (first, last)
    ):
        raise _invalid(value)
    if not 0 < int(first) <= int(last) < _PORTS:
        raise _invalid(value)
    return range(int(first), int(last) + 1)


def _invalid(value: str) -> UsageError:
    return UsageError(
        f"invalid published port `{value}`",
        hint="Write it as `[IP:]HOST_PORT:CONTAINER_PORT[/tcp|udp]`.",
    )


def free_port(protocol: str = "tcp") -> int:
    """Return a port of the host on which nobody listens."""
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(ports: Sequence[Port]) -> None:
    """Find out that each port can be listened on, so that an error names the one that cannot.

    Raises:
        HostError: it is taken, reserved for root, or its address is not of this host.
    """
    for port in ports:
        family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
        kind = socket.SOCK_DGRAM if port.protocol == "udp" else socket.SOCK_STREAM
        with socket.socket(family, kind) as probe:
            if kind is socket.SOCK_STREAM:  # what a server left behind is not in use
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((port.address, port.host))
                if kind is socket.SOCK_STREAM:
                    probe.listen(1)
            except OSError as error:
                raise _refused(port, error) from error


def _refused(port: Port, error: OSError) -> HostError:
    where = f"{port.host}/{port.protocol}" + (f" of {port.address}" if port.address else "")
    if error.errno == errno.EACCES:
        return HostError(
            f"cannot publish port {where}: it is reserved for root",
            hint=f"Choose one from 1024 on, or lower the sysctl `{_UNPRIVILEGED}`.",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return HostError(
            f"cannot publish port {where}: this host has no such address",
            hint="Leave the address out, or take one of `ip address`.",
        )
    reason = (error.strerror or str(error)).lower()
    return HostError(f"cannot publish port {where}: {reason}", hint="Choose another host port.")
