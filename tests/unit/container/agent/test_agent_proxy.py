"""What a container may say to an SSH agent, and what becomes of everything else."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jettison.container.agent.protocol import MAX_MESSAGE_BYTES, answers_to, receive, send
from jettison.container.agent.proxy import AgentProxy

LIST, SIGN, EXTENSION = b"\x0b", b"\x0d", b"\x1b"
IDENTITIES, SIGNED, FAILURE, SUCCESS = b"\x0c\0\0\0\0", b"\x0e\0\0\0\1s", b"\x05", b"\x06"


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


SIGNING = SIGN + string(b"key") + string(b"data") + bytes(4)
BINDING = (
    EXTENSION
    + string(b"session-bind@openssh.com")
    + string(b"host")
    + string(b"id")
    + string(b"signature")
    + b"\0"
)


class Agent:
    """An agent that notes what it is asked, and does whatever it is told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[bytes] = []
        self.answers = {LIST: IDENTITIES, SIGN: SIGNED}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            while (request := receive(client)) is not None:
                self.asked.append(request)
                send(client, self.answers.get(request[:1], SUCCESS))

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    agent = Agent(tmp_path / "agent")
    yield agent
    agent.close()


@pytest.fixture
def proxy(agent: Agent, tmp_path: Path) -> Iterator[AgentProxy]:
    long = tmp_path / ("long" * 40)  # longer than an address may be
    long.mkdir()
    with AgentProxy(agent.path, long / "d", mode=0o600, owner=(os.geteuid(), 0)) as proxy:
        yield proxy


def connect(proxy: AgentProxy) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    directory = os.open(proxy.path.parent, os.O_PATH)
    client.connect(f"/proc/self/fd/{directory}/{proxy.path.name}")
    os.close(directory)
    client.settimeout(10)
    return client


def ask(client: socket.socket, request: bytes) -> bytes | None:
    send(client, request)
    return receive(client)


def test_listing_signing_and_binding_reach_the_agent(agent: Agent, proxy: AgentProxy) -> None:
    with connect(proxy) as client:
        assert ask(client, LIST) == IDENTITIES
        assert ask(client, SIGNING) == SIGNED
        assert ask(client, BINDING) == SUCCESS
    assert agent.asked == [LIST, SIGNING, BINDING]


@pytest.mark.parametrize(
    "request_",
    [
        *(bytes([kind]) for kind in range(256) if kind != LIST[0]),
        *(bytes([kind]) + string(b"key") for kind in (17, 18, 20, 21, 22, 23, 25, 26)),
        LIST + b"\0",
        SIGN + string(b"key") + string(b"data") + bytes(3),
        SIGN + string(b"key") + string(b"data") + bytes(5),
        SIGN + b"\xff\xff\xff\xff" + b"key" + bytes(4),
        EXTENSION + string(b"query"),
        EXTENSION + string(b"session-bind@openssh.org") + BINDING[29:],
        BINDING + b"\0",
        BINDING[:-1],
    ],
)
def test_everything_else_is_answered_with_a_failure(request_: bytes) -> None:
    assert answers_to(request_) == frozenset()


def test_a_refused_request_never_reaches_the_agent(agent: Agent, proxy: AgentProxy) -> None:
    with connect(proxy) as client:
        assert ask(client, b"\x13") == FAILURE
        assert ask(client, LIST) == IDENTITIES
        assert ask(client, b"\x16" + string(b"password")) == FAILURE
    assert agent.asked == [LIST]


def test_an_answer_of_another_kind_is_a_failure(agent: Agent, proxy: AgentProxy) -> None:
    agent.answers[SIGN] = b"\x63strange"
    with connect(proxy) as client:
        assert ask(client, SIGNING) == FAILURE
        assert ask(client, LIST) == IDENTITIES


@pytest.mark.parametrize("head", [0, MAX_MESSAGE_BYTES + 1, 0xFFFFFFFF])
def test_a_length_that_is_none_ends_the_connection(proxy: AgentProxy, head: int) -> None:
    with connect(proxy) as client:
        client.sendall(head.to_bytes(4, "big"))
        assert client.recv(1) == b""


def test_a_message_of_the_greatest_length_passes(agent: Agent, proxy: AgentProxy) -> None:
    data = bytes(MAX_MESSAGE_BYTES - 1 - 4 - 3 - 4 - 4)
    with connect(proxy) as client:
        assert ask(client, SIGN + string(b"key") + string(data) + bytes(4)) == SIGNED


def test_the_socket_is_a_file_of_its_own_and_goes(agent: Agent, tmp_path: Path) -> None:
    with AgentProxy(agent.path, tmp_path / "d", mode=0o640, owner=(os.geteuid(), 0)) as proxy:
        facts = os.lstat(proxy.path)
        assert stat.S_IMODE(facts.st_mode) == 0o640
        assert facts.st_ino != os.lstat(agent.path).st_ino
        client = connect(proxy)
        assert ask(client, LIST) == IDENTITIES
    with client:
        assert client.recv(1) == b""
    assert not proxy.path.parent.exists()


def test_idle_connections_do_not_hold_up_its_end(agent: Agent, tmp_path: Path) -> None:
    with AgentProxy(agent.path, tmp_path / "d", mode=0o600, owner=(os.geteuid(), 0)) as proxy:
        clients = [connect(proxy) for _ in range(100)]
        assert ask(clients[0], LIST) == IDENTITIES
        clients[0].close()
        clients[1].sendall(b"\0\0\1")
    assert threading.active_count() < 50
    for client in clients:
        client.close()


def test_a_hundred_connections_are_all_served(agent: Agent, proxy: AgentProxy) -> None:
    for _ in range(100):
        with connect(proxy) as client:
            assert ask(client, LIST) == IDENTITIES
    assert agent.asked == [LIST] * 100


def test_without_an_agent_connections_end(agent: Agent, proxy: AgentProxy) -> None:
    agent.path.unlink()
    with connect(proxy) as client:
        assert ask(client, b"\x13") == FAILURE
        assert ask(client, LIST) is None


PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([string(LIST), string(SIGNING), string(BINDING), string(b"\x13"), b"\0\0"]),
    st.binary(max_size=40).map(lambda data: string(SIGN + data)),
    st.binary(max_size=40).map(string),
)


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(PIECES, max_size=8), st.integers(1, 50))
def test_whatever_is_sent_the_agent_sees_whole_harmless_messages(
    agent: Agent, proxy: AgentProxy, pieces: list[bytes], cut: int
) -> None:
    agent.asked.clear()
    data = b"".join(pieces)
    with connect(proxy) as client:
        try:
            for at in range(0, len(data), cut):
                client.sendall(data[at : at + cut])
            client.shutdown(socket.SHUT_WR)
            while client.recv(1 << 16):
                pass
        except OSError:
            pass
    with connect(proxy) as client:
        assert ask(client, LIST) == IDENTITIES
    assert all(answers_to(message) for message in agent.asked)
    assert agent.asked[:-1] == _allowed(data)


def _allowed(data: bytes) -> list[bytes]:
    """Return the messages of a stream that may pass, read in the plainest way."""
    found = []
    while len(data) >= 4:
        length = int.from_bytes(data[:4], "big")
        message = data[4 : 4 + length]
        if not 0 < length <= MAX_MESSAGE_BYTES or len(message) < length:
            break
        if answers_to(message):
            found.append(message)
        data = data[4 + length :]
    return found
