"""Names in a network of a container's own, where the host's name server is out of its reach."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from host_tools import tool
from scratch_rig import Scratch

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]

SERVER = r"""
import socket, struct, sys, threading
def answer(query):
    return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:] + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + bytes((203, 0, 113, 7))
def question(query):  # without what EDNS adds
    end = query.index(b"\0", 12) + 5
    return query[:end]
def reply(query):
    data = answer(question(query))
    if query[question(query).__len__() - 4:][:2] == b"\0\x1c":  # no IPv6 address
        data = query[:2] + b"\x81\x80\0\1\0\0\0\0\0\0" + question(query)[12:]
    return data
family, _, _, _, address = socket.getaddrinfo(sys.argv[1], 53, type=socket.SOCK_DGRAM)[0]
udp, tcp = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_STREAM)
for each in (udp, tcp):
    each.bind(address)
tcp.listen()
def stream():
    while True:
        client, _ = tcp.accept()
        (count,) = struct.unpack("!H", client.recv(2))
        data = reply(client.recv(count))
        client.sendall(struct.pack("!H", len(data)) + data)
        client.close()
threading.Thread(target=stream, daemon=True).start()
print("ready", flush=True)
while True:
    query, client = udp.recvfrom(4096)
    udp.sendto(reply(query), client)
"""
HOST = """
ip link set lo up
ip tuntap add dev tap7 mode tap
ip link set tap7 up
ip address add 192.0.2.2/24 dev tap7
ip address add 169.254.77.1/32 dev lo
ip address add fe80::53/64 dev tap7 nodad
ip route add default via 192.0.2.1
mount --bind "$1" /etc/resolv.conf
shift
if test "$1"; then
  "$PYTHON" -c "$SERVER" "$1" > "$READY" &
  trap "kill $!" EXIT
  while ! grep -q ready "$READY"; do sleep 0.05; done
fi
shift
"$@"
"""


class Host:
    """A host with a network of its own, in which a name server listens."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        for name in ("unshare", "ip"):
            tool(name)
        done = scratch.build("FROM busybox\n", "-t", "box")
        assert done.returncode == 0, done.stderr

    def run(
        self, server: str, *args: str | Path, answers: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run Jettison where ``/etc/resolv.conf`` names a server."""
        scratch = self._scratch
        conf = scratch.directory / "resolv.conf"
        conf.write_text(f"nameserver {server}\noptions timeout:2 attempts:1\n")
        more = {
            "PYTHON": sys.executable, "SERVER": SERVER, "READY": str(scratch.directory / "ready"),
        }  # fmt: skip
        (scratch.directory / "ready").write_text("")
        shell = [tool("unshare"), "--net", "--mount", "sh", "-euc", HOST, "sh", str(conf)]
        return subprocess.run(
            [*shell, server if answers else "", *scratch.argv(*args)],
            env=scratch.env | more, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    return Host(Scratch(tmp_path_factory.mktemp("host"), tool("busybox")))


@pytest.mark.parametrize("network", ["pasta", "slirp4netns"])
@pytest.mark.parametrize("server", ["127.0.0.53", "169.254.77.1", "::1", "fe80::53%tap7"])
def test_names_are_resolved_by_a_server_that_the_container_cannot_reach(
    host: Host, server: str, network: str
) -> None:
    tool(network)
    query = r"\0\33\1\2\1\0\0\1\0\0\0\0\0\0\4name\4test\0\0\1\0\1"
    script = f"""
nslookup name.test
printf '{query}' | nc -w 2 127.0.0.11 53 | wc -c
"""
    said = host.run(server, "run", "--rm", f"--network={network}", "box", "sh", "-c", script)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "203.0.113.7" in said.stdout, said.stdout + said.stderr
    assert int(said.stdout.split()[-1]) == 2 + 27 + 16, said.stdout


def test_doctor_has_a_name_resolved_before_it_says_ok(host: Host) -> None:
    tool("pasta")
    said = host.run("127.0.0.1", "doctor")
    line = next(each for each in said.stdout.splitlines() if "network of run" in each)
    assert line.startswith("ok ")
    assert line.endswith(": names are resolved")
    said = host.run("127.0.0.1", "doctor", answers=False)
    line = next(each for each in said.stdout.splitlines() if "network of run" in each)
    assert line.startswith("- ")
    assert line.endswith("this host's name servers do not answer either")
