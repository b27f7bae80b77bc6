"""Which network a container of ``run`` gets.

In:  a ``RunRequest``, the sandbox.
Out: a ``Link``: the namespace to join, and what the container has to know of it.

As with docker a container has a network of its own by default, out of which it can connect, and
``-p`` lets connections in. That takes pasta or slirp4netns; where neither works and no port is
published, the container shares the host's network.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jettison.container.publish import Port, parse_ports, require_free
from jettison.container.request import RunRequest
from jettison.errors import HostError, UsageError
from jettison.sandbox.level import IN_CONTAINER
from jettison.sandbox.spec import NetworkMode

if TYPE_CHECKING:
    from jettison.container.network import Tool

_HOST_GATEWAY = "host-gateway"
_ANY_NAME = "registry-1.docker.io"


class Link(msgspec.Struct, frozen=True):
    """The network of a container.

    Args:
        mode: Whose it is.
        path: Of the namespace to join, with OWN.
        gateway: Address of the host as the container sees it.
        nameserver: Address that passes queries on to the host's servers, or empty.
    """

    mode: NetworkMode
    path: str = ""
    gateway: str = "127.0.0.1"
    nameserver: str = ""


def connect(
    request: RunRequest,
    sandbox: str,
    place: Path,
    resources: ExitStack,
    warn: Callable[[str], None],
) -> Link:
    """Make the network of a container.

    Args:
        request: Network, ports and extra hosts.
        sandbox: Name of the driver.
        place: Directory that is removed with the container.
        resources: Holds the connection while the container runs.
        warn: Gets what is otherwise than asked.

    Raises:
        UsageError: the network is not known, or a port is malformed.
        HostError: there is no way to have it.
    """
    ports = parse_ports(request.publish)
    match request.network:
        case "none" if ports:
            raise UsageError("a container without a network cannot publish ports")
        case "none":
            return Link(NetworkMode.NONE)
        case "host":
            if ports:
                warn("published ports change nothing: the container has the host's network")
            return Link(NetworkMode.HOST)
        case "" | "default" | "bridge" | "pasta" | "slirp4netns":
            optional = not ports and not request.network
            try:
                tools = _tools(request.network, sandbox)
            except HostError:
                if optional:  # as the documentation says, and `doctor`
                    return Link(NetworkMode.SHARED)
                raise
            try:
                return _own(request, tools, place, ports, resources)
            except HostError as error:
                if optional:
                    warn(f"the container shares the host's network: {error.message}")
                    return Link(NetworkMode.SHARED)
                raise
        case name:
            raise UsageError(
                f"network `{name}` is not known",
                hint="use default, host, none, pasta or slirp4netns",
            )


def _tools(network: str, sandbox: str) -> list[Tool]:
    """Return the programs that can connect a namespace, the better first.

    Raises:
        HostError: there is none, or the sandbox cannot join one.
    """
    from jettison.container.network import find_tools  # not for the host's network

    if sandbox == IN_CONTAINER:
        raise HostError(
            f"the container cannot have a network of its own in the sandbox `{sandbox}`",
            hint="Share the host's network: `--network host`.",
        )
    return find_tools(network if network in {"pasta", "slirp4netns"} else "")


def _own(
    request: RunRequest, tools: list[Tool], place: Path, ports: list[Port], resources: ExitStack
) -> Link:
    """Connect a namespace by the first program that succeeds.

    Raises:
        HostError: none does; of the first one.
    """
    from jettison.container.network import Connection, host_gateway

    host_access = any(text.endswith(_HOST_GATEWAY) for text in request.extra_hosts)
    require_free(ports)
    problems: list[HostError] = []
    for number, tool in enumerate(tools):
        connection = Connection(tool, place / f"network-{number}", ports, host_access=host_access)
        try:
            gateway = host_gateway(tool) if host_access else "127.0.0.1"
            resources.enter_context(connection)
        except HostError as error:
            problems.append(error)
            continue
        nameserver = _nameserver(connection.path, resources) or tool.nameserver
        return Link(NetworkMode.OWN, connection.path, gateway, nameserver)
    raise problems[0]


def _nameserver(namespace: str, resources: ExitStack) -> str:
    """Pass queries on to name servers that the container cannot reach; return where, or nothing.

    Raises:
        HostError: that is not possible.
    """
    from jettison.container.names import local_nameservers

    servers = local_nameservers()
    if not servers:
        return ""
    from jettison.container.relay import ADDRESS, Relay

    resources.enter_context(Relay(namespace, servers))
    return ADDRESS


def try_names(tool: Tool) -> bool:
    """Ask for a name through a network of a container's own.

    Returns:
        False when the host's servers do not answer the host itself.

    Raises:
        HostError: they answer the host, but not the container; or it gets no network.
    """
    from jettison.container.names import make_resolv_conf, nameservers
    from jettison.container.network import Connection
    from jettison.container.relay import ask, query_for

    query = query_for(_ANY_NAME)
    if not _is_answered(lambda server: ask(server, query), nameservers()):
        return False
    with ExitStack() as resources:
        place = Path(
            resources.enter_context(tempfile.TemporaryDirectory(prefix="jettison-network-"))
        )
        link_path = resources.enter_context(Connection(tool, place / "network")).path
        forwarder = _nameserver(link_path, resources) or tool.nameserver
        text = make_resolv_conf(host_network=False, forwarder=forwarder).decode()
        if _is_answered(lambda server: ask(server, query, link_path), nameservers(text)):
            return True
    raise HostError(
        "no name server answers there",
        hint=f"Look at the host's firewall and `/etc/resolv.conf`, or update {tool.name}.",
    )


def _is_answered(ask: Callable[[str], bytes], servers: Iterable[str]) -> bool:
    for server in servers:
        with contextlib.suppress(OSError):
            return bool(ask(server))
    return False
