"""EXPOSE specifications."""

from __future__ import annotations

import pytest

from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile.ports import parse_ports


@pytest.mark.parametrize(
    ("words", "ports"),
    [
        (["80"], ("80/tcp",)),
        (["0", "65535/sctp"], ("0/tcp", "65535/sctp")),
        (["9-11/UDP", "10"], ("10/tcp", "10/udp", "11/udp", "9/udp")),
        (["127.0.0.1:80:8080/tcp"], ("8080/tcp",)),
        (["[::1]:80:8080"], ("8080/tcp",)),
        (["1000-1002:80"], ("80/tcp",)),
        (["80", "80/tcp"], ("80/tcp", "80/tcp")),
    ],
)
def test_specifications_become_single_sorted_ports(words, ports):
    assert parse_ports(words) == ports


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("65536", "invalid containerPort: 65536"),
        ("5-4", "invalid containerPort: 5-4"),
        ("+5", r"invalid containerPort: \+5"),
        ("٣", "invalid containerPort"),
        ("/tcp", "no port specified"),
        ("80:", "no port specified"),
        ("x:80", "invalid hostPort: x"),
        ("host:80:80", "invalid IP address: host"),
        ("80-82:90-99", "invalid ranges specified"),
        ("80/icmp", 'invalid port: "80/icmp": invalid proto: icmp'),
    ],
)
def test_wrong_specifications_are_refused(word, message):
    with pytest.raises(DockerfileSyntaxError, match=message):
        parse_ports([word])


def test_repeated_ranges_are_bounded():
    assert (
        len(parse_ports([f"0-65535/{protocol}" for protocol in ("tcp", "udp", "sctp")])) == 3 << 16
    )
    taken = []

    def many():
        for number in range(10_000):
            taken.append(number)
            yield f"{number}-65535"

    with pytest.raises(DockerfileSyntaxError, match="names more than 196608 ports"):
        parse_ports(many())
    assert len(taken) == 4


def test_exposing_nothing_leaves_no_trace_in_the_config(plan_for):
    assert plan_for("FROM scratch\nARG none\nEXPOSE $none\n").image.config.exposed_ports is None
