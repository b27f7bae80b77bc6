"""``jettison run`` with a network of its own: published ports, what is reached, what is left."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.command import Cli
from e2e.rig import get
from host_tools import lacking
from registry_server import free_port
from server_rig import accepting

TUN = Path("/dev/net/tun")
SERVE = "mkdir /w; echo hi > /w/index.html; httpd -p 80 -h /w; echo up; "
"""A web server that listens before it is said to be up."""


@pytest.fixture(scope="module")
def connected(cli: Cli) -> Cli:
    """The command line of a user who may open the tunnel device, as users may nearly everywhere."""
    if not TUN.exists():
        lacking(f"`{TUN}`")
    if os.geteuid() != 0 or not cli.prefix or TUN.stat().st_mode & stat.S_IWOTH:
        return cli
    device = Path(cli.work / "tun")
    if not device.exists():
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(10, 200))
        device.chmod(0o666)
    script = f'mount --bind "{device}" {TUN} && exec "$@"'
    unshare = [shutil.which("unshare") or lacking("`unshare`"), "--mount", "sh", "-c", script, "-"]
    other = Cli(cli.work, [*unshare, *cli.prefix], cli.python)
    other._directories = 5000
    return other


@pytest.fixture(params=["pasta", "slirp4netns"])
def tool(request: pytest.FixtureRequest, need: Callable[[str], str]) -> str:
    need(request.param)
    return request.param


@contextmanager
def serving(cli: Cli, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a web server in a container; it is asked to end after the block."""
    process = cli.start(
        "run", "--rm", "--init", *flags, "box", "sh", "-c", SERVE + "exec sleep 1000",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    said = process.stdout.readline()
    assert said == b"up\n", process.communicate()
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def connectors(cli: Cli) -> list[str]:
    """Return the command lines of programs that connect containers of a store."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if os.fsencode(cli.env["JETTISON_ROOT"]) in words and b"netns" in words:
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


def refuses(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=5).close()
    except OSError:
        return True
    return False


def eventually(condition: Callable[[], object]) -> bool:
    end = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.05)
    return True


def test_a_published_port_reaches_the_server_at_the_stated_address_only(connected: Cli, tool: str):
    port = free_port()
    flags = ["--network", tool, "-p", f"127.0.0.1:{port}:80"]
    with serving(connected, *flags) as process:
        assert get(f"http://127.0.0.1:{port}/index.html") == "hi\n"
        assert refuses("127.0.0.2", port)
        assert refuses("127.0.0.1", 80)
        assert len(connectors(connected)) == 1
    assert process.returncode == 128 + signal.SIGTERM
    assert connectors(connected) == []
    assert refuses("127.0.0.1", port)
    with serving(connected, *flags):  # the port is free again at once
        assert get(f"http://127.0.0.1:{port}/index.html") == "hi\n"


def test_nothing_of_the_network_outlives_a_killed_jettison(connected: Cli, tool: str):
    port = free_port()
    with serving(connected, "--network", tool, "-p", f"127.0.0.1:{port}:80") as process:
        assert connectors(connected)
        process.kill()
        process.wait()
        assert eventually(lambda: not connectors(connected))
        assert eventually(lambda: refuses("127.0.0.1", port))


@pytest.mark.parametrize("isolation", ["embedded", "crun", "runc"])
def test_every_sandbox_joins_the_network(connected: Cli, isolation: str, need):
    if isolation != "embedded":
        need(isolation)
    need("pasta")
    port = free_port()
    driver = f"--isolation={isolation}"
    init = ["--init"] if isolation == "embedded" else []
    process = connected.start(
        "run", "--rm", "-i", *init, driver, "-p", f"{port}:80", "box", "sh", "-c", SERVE + "cat",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout.readline() == b"up\n", process.communicate()
    assert get(f"http://127.0.0.1:{port}/index.html") == "hi\n"
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, b"")


def test_services_on_the_host_s_loopback_are_reached_only_when_asked_for(connected: Cli, tool: str):
    def greet(client: socket.socket) -> None:
        with client:
            client.sendall(b"from the host\n")
            client.settimeout(5)
            with contextlib.suppress(OSError):
                client.recv(1)  # the other side is done

    with accepting(greet) as port:
        # pasta may lose the end of a connection that is closed at once, so that nc would wait.
        ask = f"timeout -s KILL 5 nc -w 1 host {port} < /dev/null"
        network = ["run", "--rm", "--init", "--network", tool]
        own = connected.attempt(*network, "box", "nc", "-w", "1", "127.0.0.1", str(port))
        assert own.returncode != 0
        asked = connected.attempt(*network, "--add-host=host:host-gateway", "box", "sh", "-c", ask)
        # pasta may also send what was not confirmed yet again.
        assert set(asked.stdout.splitlines()) == {"from the host"}, asked.stderr
        gateway = connected("run", "--network", tool, "box", "ip", "route").stdout.split()[2]
        flags = [f"--add-host=host:{gateway}", "box", "sh", "-c", ask]
        assert connected.attempt(*network, *flags).stdout == ""


def test_a_container_has_interfaces_of_its_own_by_default(connected: Cli, need):
    need("pasta")
    script = "readlink /proc/self/ns/net; ip -o link | wc -l; grep -c nameserver /etc/resolv.conf"
    lines = connected("run", "box", "sh", "-c", script).stdout.split()
    assert lines[0] != os.readlink("/proc/self/ns/net")
    assert lines[1] == "2"
    assert int(lines[2]) >= 1
    shared = connected("run", "--network=host", "box", "readlink", "/proc/self/ns/net").stdout
    assert shared.strip() == os.readlink("/proc/self/ns/net")


def test_a_port_in_use_is_told_before_anything_runs(connected: Cli, need):
    need("pasta")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = connected.attempt("run", "-p", f"127.0.0.1:{port}:80", "box", "echo", "ran")
    assert (said.returncode, said.stdout) == (125, "")
    assert f"cannot publish port {port}/tcp of 127.0.0.1: address already in use" in said.stderr
    said = connected.attempt("run", "-p", f"198.51.100.7:{port}:80", "box", "true")
    assert "this host has no such address" in said.stderr


def test_the_host_s_network_needs_no_ports_and_none_has_none(cli: Cli):
    said = cli.attempt("run", "--network=host", "-p", "8080:80", "box", "true")
    assert said.returncode == 0
    assert "published ports change nothing" in said.stderr
    assert cli.attempt("run", "--network=none", "-p", "8080:80", "box", "true").returncode == 125


def test_without_the_tunnel_device_ports_cannot_be_published_and_the_network_is_shared(cli: Cli):
    if os.access(TUN, os.W_OK) and (not cli.prefix or TUN.stat().st_mode & stat.S_IWOTH):
        pytest.skip("this user may open the tunnel device")
    said = cli.attempt("run", "-p", "8080:80", "box", "true")
    assert said.returncode == 125
    assert "`/dev/net/tun` may not be opened" in said.stderr
    assert "hint: " in said.stderr
    assert cli.attempt("run", "--network=default", "box", "true").returncode == 125
    shared = cli("run", "box", "readlink", "/proc/self/ns/net").stdout
    assert shared.strip() == os.readlink("/proc/self/ns/net")
