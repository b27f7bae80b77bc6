"""What connects a container's network: found, refused, and told why."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jettison.container.network import PASTA, SLIRP, Connection, Tool, find_tools, host_gateway
from jettison.container.publish import Port
from jettison.errors import HostError


def program(directory: Path, name: str, script: str = "exit 0") -> Path:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def tunnel() -> None:
    try:
        open("/dev/net/tun", "r+b", buffering=0).close()
    except OSError as error:
        pytest.skip(f"the tunnel device cannot be opened: {error}")


@pytest.mark.usefixtures("tunnel")
def test_the_better_program_comes_first_and_one_can_be_asked_for(tmp_path: Path):
    for name in (SLIRP, PASTA):
        program(tmp_path, name)
    path = ["/nonexistent", str(tmp_path)]
    assert [tool.name for tool in find_tools(path=path)] == [PASTA, SLIRP]
    assert [tool.program for tool in find_tools(SLIRP, path)] == [tmp_path / SLIRP]


def test_without_a_program_the_error_names_the_package(tmp_path: Path):
    (tmp_path / PASTA).mkdir()
    (tmp_path / SLIRP).write_text("not executable")
    with pytest.raises(HostError, match="neither `pasta` nor `slirp4netns` is installed") as raised:
        find_tools(path=[str(tmp_path)])
    assert "`passt`" in raised.value.hint
    with pytest.raises(HostError, match="`slirp4netns` is installed"):
        find_tools(SLIRP, [str(tmp_path)])


@pytest.mark.needs_root
@pytest.mark.parametrize("name", [PASTA, SLIRP])
def test_the_reason_of_a_program_that_fails_is_told(tmp_path: Path, name: str):
    script = "echo Failed to send 5 bytes to syslog >&2; echo no route here >&2; exit 1"
    tool = Tool(name, program(tmp_path, name, script), "")
    with (
        pytest.raises(HostError, match=f"network: {name}: no route here"),
        Connection(tool, tmp_path / "place"),
    ):
        raise AssertionError("it did not fail")


@pytest.mark.needs_root
def test_a_program_that_cannot_be_executed_is_told(tmp_path: Path):
    path = program(tmp_path, PASTA)
    path.write_bytes(b"\x7fELF nonsense")
    with (
        pytest.raises(HostError, match=r"[Ee]xec format error"),
        Connection(Tool(PASTA, path, ""), tmp_path / "place"),
    ):
        raise AssertionError("it did not fail")


@pytest.mark.needs_root
@pytest.mark.usefixtures("tunnel")
def test_a_port_that_slirp4netns_cannot_take_is_an_error(tmp_path: Path, need):
    tool = Tool(SLIRP, Path(need(SLIRP)), "")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = Port(80, taken.getsockname()[1], "127.0.0.1")
        with (
            pytest.raises(HostError, match=f"{port.host}/tcp: slirp4netns: "),
            Connection(tool, tmp_path / "place", [port]),
        ):
            raise AssertionError("it did not fail")
    with (
        pytest.raises(HostError, match="cannot listen on `::1`"),
        Connection(tool, tmp_path / "place", [Port(80, 8080, "::1")]),
    ):
        raise AssertionError("it did not fail")


RECEIVE = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 5353))
print("up", flush=True)
print(server.recv(100).decode(), flush=True)
"""


@pytest.mark.needs_root
@pytest.mark.usefixtures("tunnel")
@pytest.mark.parametrize("name", [PASTA, SLIRP])
def test_datagrams_reach_a_published_port(tmp_path: Path, name: str, need):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    port = Port(5353, number, "127.0.0.1", "udp")
    with Connection(Tool(name, Path(need(name)), ""), tmp_path / "place", [port]) as connection:
        server = [need("nsenter"), f"--net={connection.path}", sys.executable, "-c", RECEIVE]
        with (
            subprocess.Popen(server, stdout=subprocess.PIPE) as process,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
        ):
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
            client.sendto(b"ping", ("127.0.0.1", number))
            timer = threading.Timer(20, process.kill)
            timer.start()
            assert process.stdout.readline() == b"ping\n"
            timer.cancel()


def test_the_gateway_stands_for_the_host(tmp_path: Path):
    routes = tmp_path / "route"
    routes.write_text(
        "Iface\tDestination\tGateway\tFlags\n"
        "eth0\t0002000A\t00000000\t0001\n"
        "eth0\t00000000\t0102000A\t0003\n"
    )
    pasta, slirp = (Tool(name, Path(shutil.which("true") or ""), "") for name in (PASTA, SLIRP))
    assert host_gateway(pasta, routes) == "10.0.2.1"
    assert host_gateway(slirp, routes) == "10.0.2.2"
    routes.write_text("Iface\tDestination\tGateway\tFlags\n")
    with pytest.raises(HostError, match="no default route"):
        host_gateway(pasta, routes)
