"""Published ports: parsing, and passing connections on."""

from __future__ import annotations

import socket
import threading

import pytest

from jettison.errors import HostError, UsageError
from jettison.sandbox.publish import Forwarder, Port, parse_ports


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("80", [Port(80, 80)]),
        ("8080:80", [Port(80, 8080)]),
        ("127.0.0.1:8080:80", [Port(80, 8080, "127.0.0.1")]),
        ("[::1]:8080:80/tcp", [Port(80, 8080, "::1")]),
        ("53:53/udp", [Port(53, 53, "", "udp")]),
        ("8000-8001:90-91", [Port(90, 8000), Port(91, 8001)]),
    ],
)
def test_ports_are_written_as_for_docker(text, ports):
    assert parse_ports([text]) == ports


@pytest.mark.parametrize(
    "text",
    ["", "x", "80:", ":80:", "0:80", "80:65536", "80-81:80", "80:80/icmp", "::1:80:80", "a:b:c:1"],
)
def test_a_malformed_port_is_an_error(text):
    with pytest.raises(UsageError, match="port"):
        parse_ports([text])


def test_udp_cannot_change_its_number():
    with pytest.raises(UsageError, match="only TCP"):
        parse_ports(["5353:53/udp"])


@pytest.fixture
def echo():
    """A server that answers what it read in capitals, once the client has said everything."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                data = b""
                while chunk := client.recv(65536):
                    data += chunk
                client.sendall(data.upper())

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def ask(address: tuple[str, int], data: bytes) -> bytes:
    with socket.create_connection(address) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    return answer


def test_connections_are_passed_on_in_both_directions(echo):
    with Forwarder([Port(echo, free_port(), "127.0.0.1")]) as forwarder:
        (address,) = forwarder.addresses()
        assert ask(address, b"hello") == b"HELLO"
        big = b"x" * (3 << 20)
        assert ask(address, big) == big.upper()


def test_equal_ports_need_nothing():
    with Forwarder([Port(80, 80)]) as forwarder:
        assert forwarder.addresses() == []


def test_a_container_that_does_not_listen_yet_closes_the_connection():
    with Forwarder([Port(free_port(), free_port(), "127.0.0.1")]) as forwarder:
        (address,) = forwarder.addresses()
        assert ask(address, b"") == b""


def test_a_port_that_is_taken_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HostError, match=f"cannot publish port {port}"):
            Forwarder([Port(1, port, "127.0.0.1")])


def test_open_connections_end_with_the_forwarder(echo):
    with Forwarder([Port(echo, free_port(), "127.0.0.1")]) as forwarder:
        (address,) = forwarder.addresses()
        client = socket.create_connection(address)
        client.sendall(b"x")
    with client:
        client.settimeout(10)
        try:
            while client.recv(100):
                pass
        except ConnectionResetError:
            return
