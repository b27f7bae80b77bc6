"""The HTTP interface of engines: by sockets, by TCP with certificates, by ssh."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine_server import EngineServer, Handler, hangs_up, raw, says, takes
from jettison.engine.address import TlsFiles, parse_address
from jettison.engine.client import EngineClient, RefusedError
from jettison.engine.connection import Dialer
from jettison.errors import ExportError


def client_of(address: str, tls: TlsFiles | None = None, **environ: str) -> EngineClient:
    return EngineClient(Dialer(parse_address(address, tls), {**os.environ, **environ}))


def test_one_connection_serves_all_requests(tmp_path: Path):
    ports: set[int] = set()

    def count(handler: Handler) -> None:
        ports.add(id(handler.connection))
        says({"a": 1})(handler)

    with EngineServer(tmp_path / "s", {"/x": count}) as server:
        client = client_of(server.address)
        for _ in range(3):
            assert client.document("/x", dict[str, int], {"q": "a b"}) == {"a": 1}
        with pytest.raises(RefusedError, match="page not found") as raised:
            client.call("DELETE", "/y")
        assert raised.value.status == 404
        client.call("POST", "/x")
        client.close()
    assert len(ports) == 1
    assert server.asked[0] == ("GET", "/x?q=a+b")


def test_a_kept_connection_that_ended_is_made_again_once(tmp_path: Path):
    def closes(handler: Handler) -> None:
        raw(b"{}")(handler)
        handler.close_connection = True

    with EngineServer(tmp_path / "s", {"/x": closes, "/never": hangs_up}) as server:
        client = client_of(server.address)
        client.call("GET", "/x")
        client.call("GET", "/x")
        with pytest.raises(ExportError, match="hung up"):
            client.call("GET", "/never")
        client.close()


def test_a_body_arrives_as_it_was_written_and_messages_come_back(tmp_path: Path):
    answers = {"/load": takes(raw(b'{"stream":"one"}\n{"stream":"two"}\n'))}
    data = os.urandom(3_000_000)
    said: list[str] = []
    with EngineServer(tmp_path / "s", answers) as server:
        client = client_of(server.address)
        client.work("/load", {}, lambda sink: sink.write(data), lambda each: said.append(each.text))
        assert client.call("GET", "/version")
        client.close()
    assert server.bodies == [data]
    assert said == ["one", "two"]


def test_an_error_of_who_writes_the_body_is_its_own(tmp_path: Path):
    def fail(sink: object) -> None:
        raise KeyError("mine")

    with EngineServer(tmp_path / "s", {"/load": takes(raw(b""))}) as server:
        client = client_of(server.address)
        with pytest.raises(KeyError, match="mine"):
            client.work("/load", {}, fail)
        client.close()


@contextmanager
def forwarding(path: str, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Connect a TCP port, perhaps with TLS, with a unix socket; yield the port."""
    listening = socket.create_server(("127.0.0.1", 0))

    opened: list[socket.socket] = []

    def copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve() -> None:
        while True:
            try:
                accepted, _ = listening.accept()
            except OSError:
                return
            opened.append(accepted)
            try:
                ours = context.wrap_socket(accepted, server_side=True) if context else accepted
            except OSError:
                continue
            theirs = socket.socket(socket.AF_UNIX)
            theirs.connect(path)
            opened.extend((ours, theirs))
            for pair in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=copy, args=pair, daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()
    for each in opened:
        each.close()


def certificates(directory: Path) -> None:
    """Make an authority's certificate that is also that of 127.0.0.1 and of the client."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", directory / "key.pem", "-out", directory / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    (directory / "ca.pem").write_bytes((directory / "cert.pem").read_bytes())


def test_tcp_is_spoken_without_and_with_certificates(tmp_path: Path, need):
    need("openssl")
    certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca.pem"))
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with EngineServer(tmp_path / "s", {}) as server:
        with forwarding(str(tmp_path / "s")) as port:
            client = client_of(f"tcp://127.0.0.1:{port}")
            assert client.call("GET", "/version")
            client.close()
        with forwarding(str(tmp_path / "s"), context) as port:
            address = f"tcp://127.0.0.1:{port}"
            client = client_of(address, TlsFiles(tmp_path))
            assert client.call("GET", "/version")
            client.close()
            (tmp_path / "none").mkdir()
            with pytest.raises(ExportError, match="TLS fails"):
                client_of(address, TlsFiles(tmp_path / "none")).call("GET", "/version")
            (tmp_path / "none/ca.pem").write_text("nothing")
            with pytest.raises(ExportError, match="cannot load the certificates"):
                client_of(address, TlsFiles(tmp_path / "none")).call("GET", "/version")
    assert server.asked


def test_nobody_listens_is_told():
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
    with pytest.raises(ExportError, match="connection refused"):
        client_of(f"tcp://127.0.0.1:{port}").call("GET", "/version")


def ssh(tmp_path: Path, script: str) -> str:
    """Put a program in front of PATH that is called as ssh is."""
    program = tmp_path / "bin/ssh"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/arguments\n{script}\n")
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def test_ssh_runs_docker_s_own_bridge_over_there(tmp_path: Path, monkeypatch):
    bridge = (
        "exec python3 -c 'import socket,sys,threading,os\n"
        f's=socket.socket(socket.AF_UNIX); s.connect("{tmp_path}/s")\n'
        "def up():\n"
        " while d:=os.read(0,65536): s.sendall(d)\n"
        "threading.Thread(target=up,daemon=True).start()\n"
        "while d:=s.recv(65536): os.write(1,d)'"
    )
    monkeypatch.setenv("PATH", ssh(tmp_path, bridge))
    with EngineServer(tmp_path / "s", {}) as server:
        client = client_of("ssh://maria@build.example:22/run/x.sock")
        assert client.call("GET", "/version")
        client.close()
    assert server.asked == [("GET", "/version")]
    assert (tmp_path / "arguments").read_text().split() == [
        *("-T", "-o", "ConnectTimeout=30", "-l", "maria", "-p", "22", "--", "build.example"),
        *("docker", "--host", "unix:///run/x.sock", "system", "dial-stdio"),
    ]


def test_what_ssh_complains_of_is_told(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", ssh(tmp_path, "echo 'Permission denied (publickey).' >&2; exit 255"))
    client = client_of("ssh://build.example")
    with pytest.raises(ExportError, match=r"hung up: Permission denied \(publickey\)"):
        client.call("GET", "/version")
    client.close()
