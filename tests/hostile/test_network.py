"""Attacks of a step on the network that it shares with the host, at each sandbox level.

They run as root, or as root of a user namespace: ``contract/test_sandbox_rootless.py`` starts them once more
for an unprivileged user. Each attack is made from Python of the host, mounted into the container.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract import sandbox_rig
from contract.sandbox_rig import BUSYBOX, Rig, make_driver
from host_tools import lacking, tool
from jettison.linux.userns import has_single_id, in_user_namespace
from jettison.sandbox.helper.filters import has_vsock
from jettison.sandbox.level import DRIVERS, SINGLE_ID
from jettison.sandbox.spec import DEFAULT_CAPABILITIES, BindMount, NetworkMode
from level_rig import Level, Machine

pytestmark = pytest.mark.needs_root

PLACES = ("/usr", "/lib", "/lib64", sys.base_prefix)
PYTHON = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
REFUSED = {"PermissionError"}


OLD = "before Linux 6.12"


def levels_here() -> tuple[str, ...]:
    """Return the drivers that this process can run."""
    if has_single_id():
        return (SINGLE_ID,)
    return DRIVERS  # in-container promises nothing, and would copy all of Python for each attack


base, rig = sandbox_rig.base, sandbox_rig.rig


@pytest.fixture(scope="module", params=[*levels_here(), *(f"{x} {OLD}" for x in levels_here())])
def driver(request):
    if os.geteuid() != 0:
        lacking("root")
    name, _, old = request.param.partition(" ")
    sandbox = make_driver(name, landlock_abi=5 if old else None)
    if sandbox is None:
        lacking(request.param)
    yield sandbox
    sandbox.close()


def attack(rig: Rig, script: str, *args: str, **more) -> list[str]:
    """Run Python in a container; return the lines that it printed."""
    mounts = []
    for place in dict.fromkeys(PLACES):
        if os.path.isdir(place):
            mounts.append(BindMount(Path(place).resolve(), place, readonly=True))
    result = rig.run(PYTHON, "-I", "-S", "-c", script, *args, mounts=tuple(mounts), **more)
    assert result.code == 0, result.stderr
    return result.lines


# -- raw sockets -------------------------------------------------------------------------------

RAW = """
import socket, sys
ETH_P_ALL = 0x0300
for name, *wanted in (
    ("tcp", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP),
    ("icmp", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    ("any", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
    ("tcp6", socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_TCP),
    ("packet", socket.AF_PACKET, socket.SOCK_RAW, ETH_P_ALL),
    ("cooked", socket.AF_PACKET, socket.SOCK_DGRAM, ETH_P_ALL),
):
    try:
        socket.socket(*wanted)
    except OSError as error:
        print(name, type(error).__name__)
    else:
        print(name, "made")
"""


def test_a_step_makes_no_raw_socket(rig):
    lines = attack(rig, RAW)
    assert len(lines) == 6
    assert {line.split()[1] for line in lines} == REFUSED


SNIFF = """
import socket
sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300)
sniffer.bind(("lo", 0))
sniffer.settimeout(20)
print("listening", flush=True)
while b"password of the host" not in sniffer.recv(65535):
    pass
print("seen")
"""


def test_with_the_host_s_network_asked_for_loopback_can_be_read(rig):
    """The attack that the others refuse does work: `network.host` is an entitlement for a reason."""
    if in_user_namespace():
        pytest.skip("raw sockets are for who owns the network namespace")
    stop = threading.Event()

    def talk() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as speaker:
            while not stop.wait(0.05):
                speaker.sendto(b"password of the host", ("127.0.0.1", 9))

    speaker = threading.Thread(target=talk)
    speaker.start()
    try:
        assert attack(rig, SNIFF, network=NetworkMode.HOST) == ["listening", "seen"]
    finally:
        stop.set()
        speaker.join()


def test_capabilities_of_the_network_are_not_given_for_a_shared_one(rig):
    asked = (*DEFAULT_CAPABILITIES, "CAP_NET_ADMIN")
    script = "print([x.split()[1] for x in open('/proc/self/status') if x[:6] == 'CapBnd'][0])"
    raw_or_admin = 1 << 13 | 1 << 12
    (shared,) = attack(rig, script, capabilities=asked)
    (whole,) = attack(rig, script, capabilities=asked, network=NetworkMode.HOST)
    assert int(shared, 16) & raw_or_admin == 0
    assert int(whole, 16) & raw_or_admin == raw_or_admin
    assert int(shared, 16) | raw_or_admin == int(whole, 16)


# -- abstract sockets --------------------------------------------------------------------------


class Server:
    """An abstract socket of the host that tells who connects, as session buses do."""

    def __init__(self, kind: int, name: str) -> None:
        self.seen: list[tuple[int, bytes]] = []
        self._socket = socket.socket(socket.AF_UNIX, kind)
        self._socket.bind(f"\0{name}")
        self._kind = kind
        if kind != socket.SOCK_DGRAM:
            self._socket.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            if self._kind == socket.SOCK_DGRAM:
                data, peer = self._socket.recv(64), -1
            else:
                connection, _ = self._socket.accept()
                credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
                _, peer, _ = struct.unpack("=iii", credentials)
                data = connection.recv(64)
                connection.close()
            if data == b"end":
                return
            self.seen.append((peer, data))

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, self._kind) as end:
            end.connect(self._socket.getsockname())
            end.send(b"end")
        self._thread.join()
        self._socket.close()


@pytest.fixture
def servers() -> Iterator[dict[str, Server]]:
    """Servers of the three kinds; one has a name as X11's."""
    kinds = {
        "stream": socket.SOCK_STREAM,
        "dgram": socket.SOCK_DGRAM,
        "seqpacket": socket.SOCK_SEQPACKET,
    }
    made = {
        kind: Server(number, f"/tmp/.X11-unix/X{os.getpid()}-{kind}")
        for kind, number in kinds.items()
    }
    yield made
    for each in made.values():
        each.close()


CONNECT = """
import os, socket, sys
def attempt(what, do):
    try:
        do()
    except OSError as error:
        print(what, type(error).__name__)
    else:
        print(what, "reached")
name = "\\0/tmp/.X11-unix/X" + sys.argv[1]
def connecting(kind, made):
    def do():
        made.connect(name + "-" + kind)
        made.send(b"connected")
    return do
new = lambda kind: socket.socket(socket.AF_UNIX, kind)
attempt("stream", connecting("stream", new(socket.SOCK_STREAM)))
attempt("seqpacket", connecting("seqpacket", new(socket.SOCK_SEQPACKET)))
attempt("dgram", connecting("dgram", new(socket.SOCK_DGRAM)))
attempt("raw", connecting("dgram", new(socket.SOCK_RAW)))
attempt("sendto", lambda: new(socket.SOCK_DGRAM).sendto(b"sent", name + "-dgram"))
attempt("sendmsg", lambda: new(socket.SOCK_DGRAM).sendmsg([b"sent"], [], 0, name + "-dgram"))
pair, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
attempt("pair", lambda: pair.sendto(b"sent", name + "-dgram"))
attempt("again", connecting("dgram", pair))
"""
WAYS = 8


def test_a_step_reaches_no_abstract_socket_of_the_host(rig, servers):
    """CVE-2020-15257: containerd's shim took uid 0 in the host's network for the host's root."""
    lines = attack(rig, CONNECT, str(os.getpid()))
    assert len(lines) == WAYS
    assert not [line for line in lines if line.endswith("reached")]
    assert not any(server.seen for server in servers.values())


def test_another_user_of_the_container_reaches_none_either(rig, servers):
    lines = attack(rig, CONNECT, str(os.getpid()), uid=1000, gid=1000)
    assert not [line for line in lines if line.endswith("reached")]
    assert not any(server.seen for server in servers.values())


def test_with_the_host_s_network_asked_for_they_are_reached_as_user_0(rig, servers):
    lines = attack(rig, CONNECT, str(os.getpid()), network=NetworkMode.HOST)
    assert [line.split()[1] for line in lines] == ["reached"] * WAYS
    assert servers["stream"].seen == [(0, b"connected")]


WITHIN = """
import os, socket
for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
    server = socket.socket(socket.AF_UNIX, kind)
    server.bind("\\0of the step")
    server.listen()
    if os.fork() == 0:
        client = socket.socket(socket.AF_UNIX, kind)
        client.connect("\\0of the step")
        client.send(b"hello")
        os._exit(0)
    connection, _ = server.accept()
    print(connection.recv(9).decode(), connection.getsockopt(1, 17, 12)[4:8] == bytes(4))
    os.wait()
    server.close()
one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
one.bind("\\0of the step")
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"hello", "\\0of the step")
print(one.recv(9).decode())
left, right = socket.socketpair()
left.send(b"pair")
print(right.recv(9).decode())
left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
left.send(b"pair")
print(right.recv(9).decode(), left.fileno() != right.fileno(), os.get_inheritable(left.fileno()))
with socket.socket(socket.AF_UNIX) as server:
    server.bind("/tmp/by-path")
    server.listen()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("/tmp/by-path")
print("path")
"""


def test_abstract_sockets_within_a_step_work(rig):
    expected = ["hello True", "hello True", "hello", "pair", "pair True False", "path"]
    named = WITHIN.replace("of the step", f"of a step of {os.getpid()}")  # the host's network
    assert attack(rig, named) == expected


def test_steps_do_not_reach_each_other_s_abstract_sockets(rig):
    name = f"\\0of step {os.getpid()}"
    wait = (
        f"import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('{name}')\ns.listen()\n"
        "print('ready', flush=True)\ns.settimeout(1.2)\n"
        "try:\n    s.accept()\n    print('reached')\nexcept TimeoutError:\n    print('alone')\n"
    )
    said: list[list[str]] = []
    first = threading.Thread(target=lambda: said.append(attack(rig, wait)))
    first.start()
    reach = (
        "import socket, time\nend = time.monotonic() + 0.8\nfound = 'refused'\n"
        "while time.monotonic() < end:\n    try:\n"
        f"        socket.socket(socket.AF_UNIX).connect('{name}')\n        found = 'reached'\n"
        "    except OSError:\n        time.sleep(0.05)\nprint(found)\n"
    )
    assert attack(rig, reach) == ["refused"]
    first.join()
    assert said == [["ready", "alone"]]


# -- what goes on working ----------------------------------------------------------------------


def test_services_on_the_host_s_loopback_are_reached(rig):
    """Resolvers and proxies are there: that is why the network is shared."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 5)\nprint('ok')"
        assert attack(rig, script) == ["ok"]


def test_echo_requests_are_sent_where_the_kernel_lets_everybody(rig):
    """ping(8) opens a datagram socket, for which `net.ipv4.ping_group_range` is asked."""
    low, high = map(int, Path("/proc/sys/net/ipv4/ping_group_range").read_text().split())
    script = (
        "import socket\ntry:\n    s = socket.socket(2, 2, 1)\n    s.settimeout(5)\n"
        "    s.sendto(b'\\x08\\0\\0\\0\\0\\0\\0\\x01', ('127.0.0.1', 0))\n    s.recv(99)\n"
        "    print('answered')\nexcept PermissionError:\n    print('refused')"
    )
    group = os.getgid() if not in_user_namespace() else -1
    if group == -1:
        pytest.skip("which group of the host this is depends on the map")
    assert attack(rig, script) == ["answered" if low <= group <= high else "refused"]


def test_processes_of_a_step_may_signal_and_trace_each_other(rig):
    script = (
        "import ctypes, os, signal\nchild = os.fork()\nif child == 0:\n    signal.pause()\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "print(libc.ptrace(16, child, 0, 0), len(os.waitpid(child, 0x40000000)))\n"
        "print(open(f'/proc/{child}/environ').read() is not None)\n"
        "os.kill(child, 9)\nprint(os.waitpid(child, 0)[1])\n"
    )
    assert attack(rig, script) == ["0 2", "True", "9"]


# -- sockets to the hypervisor -----------------------------------------------------------------

AF_INET, AF_ALG, AF_VSOCK = 2, 38, 40
_MAX_ERRNO = 133


def program_of_32_bits(family: int) -> bytes:
    """Return an i386 program that makes a socket by socketcall(2) and exits with the result, negated.

    That is the errno, or minus the descriptor.
    """
    base, headers = 0x08048000, 52 + 32
    code = (
        b"\xb8\x66\0\0\0"  # mov eax, socketcall
        b"\xbb\x01\0\0\0"  # mov ebx, SYS_SOCKET
         b"\xb9" + struct.pack("<I", base + headers + 29)  # mov ecx, arguments
        + b"\xcd\x80"  # int 0x80
        b"\xf7\xd8\x89\xc3"  # neg eax; mov ebx, eax
        b"\xb8\x01\0\0\0\xcd\x80"  # mov eax, exit; int 0x80
        b"\x90" + struct.pack("<III", family, 1, 0)
    )  # fmt: skip
    size = headers + len(code)
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    fields = (2, 3, 1, base + headers, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    segment = struct.pack("<8I", 1, 0, base, base, size, size, 5, 0x1000)
    return ident + struct.pack("<HHIIIIIHHHHHH", *fields) + segment + code


@pytest.fixture
def errno_by_socketcall(rig):
    """Return a function that gives the errno of making a socket by socketcall(2)."""

    def attempt(family: int) -> int:
        root = rig.root()
        program = root.upper / "attack"
        program.write_bytes(program_of_32_bits(family))
        program.chmod(0o755)
        result = rig.start("/attack", root=root).finish()
        if b"exec format error" in result.stderr or result.code == 126:
            pytest.skip("no programs of 32 bits on this kernel")
        return 0 if result.code > _MAX_ERRNO else result.code

    return attempt


def test_a_step_makes_no_socket_to_the_hypervisor_by_any_door(rig, errno_by_socketcall):
    script = (
        "import socket, sys\nfor family in (38, 40):\n    try:\n"
        "        socket.socket(family, socket.SOCK_SEQPACKET)\n        print('made')\n"
        "    except OSError as error:\n        print(error.errno)"
    )
    assert attack(rig, script) == ["1", "1"]
    refused = {errno.EPERM} if has_vsock() else {errno.EPERM, errno.EAFNOSUPPORT}
    assert errno_by_socketcall(AF_VSOCK) in refused


def test_programs_of_32_bits_have_sockets_where_there_is_no_hypervisor_to_reach(
    rig, errno_by_socketcall
):
    """Their libc makes sockets by a call whose arguments no filter sees."""
    possible = {0, errno.EPERM} if has_vsock() else {0}
    assert errno_by_socketcall(AF_INET) in possible


# -- the command line --------------------------------------------------------------------------

STEPS = """FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN grep CapBnd /proc/self/status
RUN --network=host grep CapBnd /proc/self/status
RUN --network=none grep CapBnd /proc/self/status
"""
WHOLE, LESS = "a80425fb", "a80405fb"


@pytest.fixture(scope="module")
def machine(tmp_path_factory) -> tuple[Machine, Path, Path]:
    """Return a machine, a home directory, and a context whose image is `box` there."""
    if in_user_namespace():
        pytest.skip("the command line is run as root")
    place = tmp_path_factory.mktemp("machine")
    context = place / "context"
    context.mkdir()
    shutil.copy(BUSYBOX, context / "busybox")
    (context / "Dockerfile").write_text(STEPS)
    made = Machine(place)
    return made, made.home(0), context


def test_a_step_has_raw_sockets_where_the_host_s_network_is_granted_or_there_is_none(machine):
    made, home, context = machine
    level = Level("root")
    build = ("build", "--no-cache", "--progress=plain", "-t", "box", str(context))
    code, said = made.run(level, home, *build)
    assert code != 0
    assert "network.host is not allowed" in said
    code, said = made.run(level, home, *build, "--allow=network.host")
    assert code == 0, said
    assert re.findall(r"CapBnd:\s*0+(\w+)", said) == [LESS, WHOLE, WHOLE]
    code, said = made.run(level, home, *build, "--network=host")
    assert code == 0, said
    assert re.findall(r"CapBnd:\s*0+(\w+)", said) == [WHOLE, WHOLE, WHOLE]


def test_run_has_raw_sockets_in_a_network_of_its_own_only(machine):
    made, home, context = machine
    tool("pasta")
    code, said = made.run(Level("root"), home, "build", "--network=host", "-t", "box", str(context))
    assert code == 0, said
    grep = ("box", "grep", "CapBnd", "/proc/self/status")
    alone = Level("root without pasta", without=("pasta", "slirp4netns"))
    for level, flags, expected in (
        (Level("root"), (), WHOLE),
        (Level("root"), ("--network=host",), WHOLE),
        (Level("root"), ("--network=none",), WHOLE),
        (alone, (), LESS),
        (alone, ("--cap-add=NET_ADMIN",), LESS),
        (alone, ("--network=host",), WHOLE),
    ):
        code, said = made.run(level, home, "run", "--rm", *flags, *grep)
        assert code == 0, said
        assert re.findall(r"CapBnd:\s*0+(\w+)", said) == [expected], (level.name, flags)
        assert ("NET_ADMIN is not given" in said) == ("--cap-add=NET_ADMIN" in flags)
