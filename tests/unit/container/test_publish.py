"""Published ports: parsing, and whether the host's side is free."""

from __future__ import annotations

import os
import socket

import pytest

from jettison.container.publish import Port, parse_ports, require_free
from jettison.errors import HostError, UsageError


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("80", [Port(80, 80)]),
        ("8080:80", [Port(80, 8080)]),
        ("127.0.0.1:8080:80", [Port(80, 8080, "127.0.0.1")]),
        ("[::1]:8080:80/tcp", [Port(80, 8080, "::1")]),
        ("5353:53/udp", [Port(53, 5353, "", "udp")]),
        ("8000-8001:90-91", [Port(90, 8000), Port(91, 8001)]),
    ],
)
def test_ports_are_written_as_for_docker(text, ports):
    assert parse_ports([text]) == ports


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "80:",
        ":80:",
        "0:80",
        "80:65536",
        "80-81:80",
        "80:80/icmp",
        "80:80/sctp",
        "::1:80:80",
        "a:b:c:1",
        "localhost:80:80",
        "0" * 5000 + "1:80",
        "\u0663:80",
        "1.2.3:80:80",
        "127.0.0.1/24,-t,all:80:80",
    ],
)
def test_a_malformed_port_is_an_error(text):
    with pytest.raises(UsageError, match="port"):
        parse_ports([text])


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_port_that_is_taken_is_an_error(protocol: str):
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if protocol == "tcp":
            taken.listen()
        number = taken.getsockname()[1]
        port = Port(1, number, "127.0.0.1", protocol)
        with pytest.raises(HostError, match=f"cannot publish port {number}/{protocol} of 127.0.0"):
            require_free([port])
    require_free([port])
    require_free([port])  # it was not kept


def test_an_address_of_another_host_is_an_error():
    with pytest.raises(HostError, match="no such address"):
        require_free([Port(80, 8080, "198.51.100.7")])


@pytest.mark.needs_root
def test_ports_of_root_s_are_told_from_those_in_use():
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as file:
        if int(file.read()) <= 1:
            pytest.skip("all ports are everybody's here")
    os.seteuid(65534)
    try:
        with pytest.raises(HostError, match="reserved for root"):
            require_free([Port(80, 1, "127.0.0.1")])
    finally:
        os.seteuid(0)
