"""A network of a container's own, connected with the outside by pasta or slirp4netns.

In:  a directory, published ports, which of the programs is wanted.
Out: ``Connection``: the path of a network namespace for ``SandboxSpec.network_path``.

Both programs need no rights: they speak for the container with sockets of the user. Neither
outlives this process, however that ends: see ``sandbox.init.network``.

Security: the container reaches what the user reaches, except services on the host's loopback
addresses, unless ``host_access`` asks for them.

Source: pasta(1), slirp4netns(1).
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import msgspec

from jettison.container.publish import Port
from jettison.errors import HostError
from jettison.linux.namespace import NEWNS, NEWPID
from jettison.linux.programs import find_program
from jettison.sandbox.base import Streams
from jettison.sandbox.helper.client import Helper, RunningContainer
from jettison.sandbox.wire import Network

PASTA, SLIRP = "pasta", "slirp4netns"
_TUN = "/dev/net/tun"
_PASTA_DNS = "169.254.1.1"
_SLIRP_DNS = "10.0.2.3"
_SLIRP_GATEWAY = "10.0.2.2"
_API_SECONDS = 10
_ANSWER = 1 << 16
_ROUTES = Path("/proc/net/route")
_INSTALL = (
    "Install the package `passt` or `slirp4netns`, or share the host's network: `--network host`."
)


class Tool(msgspec.Struct, frozen=True):
    """A program that connects a network namespace, and the name server that it answers as."""

    name: str
    program: Path
    nameserver: str


def find_tools(wanted: str = "", path: Sequence[str] | None = None) -> list[Tool]:
    """Return the programs that are here, the better first.

    Args:
        wanted: ``pasta`` or ``slirp4netns``; empty is either.
        path: Directories of programs; by default those of the environment and the usual ones.

    Raises:
        HostError: none is here, or the kernel's tunnel device may not be used.
    """
    found = []
    for name, nameserver in ((PASTA, _PASTA_DNS), (SLIRP, _SLIRP_DNS)):
        program = find_program(name, path) if wanted in {"", name} else None
        if program is not None:
            found.append(Tool(name, program, nameserver))
    if not found:
        missing = f"`{wanted}` is" if wanted else "neither `pasta` nor `slirp4netns` is"
        raise HostError(
            f"the container cannot have a network of its own: {missing} installed", hint=_INSTALL
        )
    if not os.access(_TUN, os.R_OK | os.W_OK):
        there = os.path.exists(_TUN)
        raise HostError(
            f"the container cannot have a network of its own: `{_TUN}` "
            + ("may not be opened" if there else "is missing"),
            hint="Run `chmod 666 /dev/net/tun` as root."
            if there
            else "Run `modprobe tun` as root.",
        )
    return found


def host_gateway(tool: Tool, routes: Path = _ROUTES) -> str:
    """Return the address at which a container with ``host_access`` finds the host.

    Raises:
        HostError: the host has no default route, whose gateway stands for it.
    """
    if tool.name == SLIRP:
        return _SLIRP_GATEWAY
    for line in routes.read_text(encoding="ascii").splitlines()[1:]:
        _, destination, gateway, *_ = line.split()
        if int(destination, 16) == 0 and int(gateway, 16):
            return socket.inet_ntoa(struct.pack("=I", int(gateway, 16)))
    raise HostError(
        "`host-gateway` is not known: this host has no default route",
        hint="Write the host's address, or use `--network host`.",
    )


class Connection:
    """A connected network namespace; a context manager.

    Args:
        tool: What connects it.
        place: Directory of the caller's, on any disk; made here, removed by the caller.
        ports: Published ports; ``publish.require_free`` tells better what is wrong with them.
        host_access: The container may reach the host's loopback addresses, by the gateway's.

    Raises:
        HostError: a port is taken, or the program fails.
    """

    def __init__(
        self, tool: Tool, place: Path, ports: Sequence[Port] = (), *, host_access: bool = False
    ) -> None:
        self.tool = tool
        self._place = place
        self._ports = ports
        self._host_access = host_access
        self._helper = Helper(limited=False)
        self._container: RunningContainer | None = None
        self.path = ""

    def __enter__(self) -> Self:
        try:
            self._start()
            if self.tool.name == SLIRP:
                for port in self._ports:
                    self._forward(port)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._container is not None:
            self._container.close()
        self._helper.close()

    def _start(self) -> None:
        self._place.mkdir(exist_ok=True)
        shown_at = self._place / "network"
        shown_at.touch()
        arguments = _pasta if self.tool.name == PASTA else _slirp
        command = [
            str(self.tool.program),
            *arguments(shown_at, self._ports, host_access=self._host_access),
        ]
        message = Network(
            command=[os.fsencode(word) for word in command],
            shown_at=os.fsencode(shown_at),
            tells=self.tool.name == SLIRP,
        )
        output = os.memfd_create("output", os.MFD_CLOEXEC)
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            streams = Streams(null, null, output)
            self._container = container = self._helper.start(
                message, streams, namespaces=NEWNS | NEWPID
            )
            if container.begin() is not None:
                raise HostError(
                    f"cannot connect the container's network: {self.tool.name}: {_reason(output)}",
                    hint="Share the host's network: `--network host`.",
                )
        finally:
            os.close(null)
            os.close(output)
        self.path = f"/proc/{container.ready.pid}/ns/net"

    def _forward(self, port: Port) -> None:
        """Have slirp4netns pass a port on.

        Raises:
            HostError: it refuses.
        """
        arguments = {
            "proto": port.protocol,
            "host_addr": port.address or "0.0.0.0",  # noqa: S104 - as docker does
            "host_port": port.host,
            "guest_port": port.container,
        }
        request = {"execute": "add_hostfwd", "arguments": arguments}
        directory = os.open(self._place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with socket.socket(socket.AF_UNIX) as api:
                api.settimeout(_API_SECONDS)
                api.connect(f"/proc/self/fd/{directory}/api")  # its path may be too long
                api.sendall(json.dumps(request).encode())
                api.shutdown(socket.SHUT_WR)
                answer = json.loads(api.recv(_ANSWER) or b"{}")
        except (OSError, ValueError) as error:
            answer = {"error": {"desc": str(error)}}
        finally:
            os.close(directory)
        if "error" in answer:
            raise HostError(
                f"cannot publish port {port.host}/{port.protocol}: slirp4netns: "
                f"{answer['error'].get('desc', answer['error'])}",
                hint="Choose another host port, or install the package `passt`.",
            )


def _pasta(shown_at: Path, ports: Sequence[Port], *, host_access: bool) -> list[str]:
    """Return pasta's arguments; it goes into the background when all is set up."""
    arguments = ["--quiet", "--config-net", "--dns-forward", _PASTA_DNS, "-T", "none", "-U", "none"]
    for flag, protocol in (("-t", "tcp"), ("-u", "udp")):
        wanted = [port for port in ports if port.protocol == protocol]
        for port in wanted:
            address = f"{port.address}/" if port.address else ""
            arguments += [flag, f"{address}{port.host}:{port.container}"]
        if not wanted:  # UDP would follow TCP else
            arguments += [flag, "none"]
    if not host_access:
        arguments.append("--no-map-gw")
    # As root it would become nobody, who may not enter the namespace.
    return [*arguments, "--runas", "0:0", "--netns", str(shown_at)]


def _slirp(shown_at: Path, ports: Sequence[Port], *, host_access: bool) -> list[str]:
    """Return slirp4netns' arguments.

    Raises:
        HostError: it cannot listen on an IPv6 address.
    """
    for port in ports:
        if ":" in port.address:
            raise HostError(
                f"slirp4netns cannot listen on `{port.address}`",
                hint="Install the package `passt`.",
            )
    arguments = ["--configure", "--mtu=65520", "--ready-fd=3", "--api-socket=api"]
    arguments += [] if host_access else ["--disable-host-loopback"]
    return [*arguments, "--netns-type=path", str(shown_at), "tap0"]


def _reason(output: int) -> str:
    """Return the last line that a program wrote about its failure."""
    text = os.pread(output, _ANSWER, 0).decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if "to syslog" not in line]
    return next((line for line in reversed(lines) if line), "it failed without a word")
