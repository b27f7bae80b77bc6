"""EXPOSE: port specifications to single ports.

In:  words such as ``80``, ``8000-8010/udp``, ``127.0.0.1:80:8080``.
Out: ``port/protocol`` texts.

Source: Dockerfile reference, "EXPOSE"; BuildKit's checks and texts.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.errors import DockerfileSyntaxError
from jettison.oci.address import is_ip_address

_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
_MAX_PORT = 65535
_MAX_PORTS = (_MAX_PORT + 1) * len(_PROTOCOLS)


def parse_ports(words: Iterable[str]) -> tuple[str, ...]:
    """Return every port of a list of specifications, sorted as text, duplicates kept.

    An image's triggers may have it repeat ranges: no more ports are made than there are.

    Raises:
        DockerfileSyntaxError: a specification is wrong, or they are too many.

    >>> parse_ports(["8000-8001/UDP", "80"])
    ('80/tcp', '8000/udp', '8001/udp')
    """
    ports: list[str] = []
    for word in words:
        ports += _parse(word)
        if len(ports) > _MAX_PORTS:
            raise DockerfileSyntaxError(
                f"EXPOSE names more than {_MAX_PORTS} ports", hint="leave out ranges that repeat"
            )
    return tuple(sorted(ports))


def _parse(word: str) -> list[str]:
    head, _, container = word.rpartition(":")
    address, _, host = head.rpartition(":")
    port, _, protocol = container.partition("/")
    if not port:
        raise DockerfileSyntaxError(f'invalid port: "{word}": no port specified')
    protocol = protocol.lower() or "tcp"
    if protocol not in _PROTOCOLS:
        raise DockerfileSyntaxError(
            f'invalid port: "{word}": invalid proto: {protocol}', hint="use tcp, udp or sctp"
        )
    if address and not is_ip_address(address.removeprefix("[").removesuffix("]")):
        raise DockerfileSyntaxError(f"invalid IP address: {address}")
    bounds = _range(port)
    if bounds is None:
        raise DockerfileSyntaxError(
            f"invalid containerPort: {port}", hint="use a number from 0 to 65535, or a range"
        )
    start, end = bounds
    if host:
        published = _range(host)
        if published is None:
            raise DockerfileSyntaxError(f"invalid hostPort: {host}")
        if start != end and published[1] - published[0] != end - start:
            raise DockerfileSyntaxError(
                f"invalid ranges specified for container and host Ports: {port} and {host}"
            )
    return [f"{number}/{protocol}" for number in range(start, end + 1)]


def _range(text: str) -> tuple[int, int] | None:
    first, dash, last = text.partition("-")
    start = _number(first)
    end = _number(last) if dash else start
    return None if start is None or end is None or end < start else (start, end)


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        return None
    value = int(text)
    return value if value <= _MAX_PORT else None
