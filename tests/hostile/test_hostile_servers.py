"""Registries, web servers and repositories that want time, memory or credentials of a build."""

from __future__ import annotations

import http.server
import os
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from git_server import git
from jettison.errors import ContentError, ContextError, RegistryError, RegistryUnavailableError
from jettison.oci.reference import parse_reference
from jettison.oci.url import Url
from jettison.plan.op import GitOp
from jettison.registry import client as client_module
from jettison.registry import sockets as sockets_module
from jettison.registry import transport as transport_module
from jettison.registry.client import RegistryClient
from jettison.registry.endpoint import Endpoint, RegistryHosts, is_unchecked
from jettison.registry.session import RegistrySession
from jettison.registry.transport import Transport, read_bounded
from jettison.source.access import Access
from jettison.source.git import GitSource
from jettison.source.http import HttpSource
from jettison.store.store import Store
from server_rig import accepting, serving

TRICKLE_SECONDS = 0.05


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "store") as opened:
        yield opened


def read(transport: Transport, url: str) -> bytes:
    response = transport.send("GET", Url.parse(url), headers={})
    return read_bounded(response, 1 << 20, what="the answer")


def trickle(client: socket.socket, head: bytes, endless: bytes) -> None:
    with client, suppress(OSError):
        client.recv(1 << 16)
        client.sendall(head)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            client.sendall(endless)
            time.sleep(TRICKLE_SECONDS)


@pytest.mark.parametrize(
    ("head", "endless"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"y"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\ny\r\n"),
    ],
)
def test_a_document_that_trickles_in_has_a_deadline(
    head: bytes, endless: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets_module, "HEAD_SECONDS", 0.4)
    monkeypatch.setattr(transport_module, "DOCUMENT_SECONDS", 0.4)
    transport = Transport({}, attempts=1)
    with accepting(lambda client: trickle(client, head, endless)) as port:
        begun = time.monotonic()
        with pytest.raises(RegistryUnavailableError):
            read(transport, f"http://127.0.0.1:{port}/")
        assert time.monotonic() - begun < 15
        transport.close()


def test_a_list_of_tags_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_MAX_TAGS", 10)

    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        data = b'{"tags":["a","b","c"]}'
        handler.send_response(200)
        handler.send_header("Link", '</v2/x/y/tags/list>; rel="next"')
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    with (
        serving(respond) as host,
        RegistryClient(RegistryHosts(), lambda _: None, Transport({})) as client,
        pytest.raises(RegistryError, match="lists more than"),
    ):
        client.tags(parse_reference(f"{host}/x/y"))


@pytest.mark.parametrize("length", [b"\xb2", b"9" * 5000, b"-1", b"1e3", b"0x10"])
def test_a_length_that_is_none_is_no_traceback(length: bytes, store: Store) -> None:
    def take(client: socket.socket) -> None:
        with client, suppress(OSError):
            client.recv(1 << 16)
            client.sendall(
                b"HTTP/1.1 200 OK\r\nDocker-Content-Digest: sha256:" + b"0" * 64 + b"\r\n"
            )
            client.sendall(b"Content-Length: " + length + b"\r\n\r\nhello")

    with accepting(take) as port:
        transport = Transport({}, attempts=1)
        with RegistryClient(RegistryHosts(), lambda _: None, transport) as client:
            for _ in range(2):
                with suppress(RegistryError, ContentError):
                    client.resolve(parse_reference(f"127.0.0.1:{port}/x:1"))
        source = HttpSource(store, Access({}), Transport({}, attempts=1))
        with suppress(ContextError, RegistryError):
            source.fetch(f"http://127.0.0.1:{port}/f")


def test_a_validator_that_cannot_be_sent_is_forgotten(store: Store) -> None:
    seen: list[bytes] = []

    def take(client: socket.socket) -> None:
        with client:
            seen.append(client.recv(1 << 16))
            client.sendall(
                b'HTTP/1.1 200 OK\r\nETag: "a\r\n\tX-Evil: b\xff"\r\nContent-Length: 2\r\n'
                b"Connection: close\r\n\r\nhi"
            )

    with accepting(take) as port:
        source = HttpSource(store, Access({}), Transport({}, attempts=1))
        for _ in range(2):
            source.fetch(f"http://127.0.0.1:{port}/f")
    assert b"X-Evil" not in seen[1]
    assert b"If-None-Match" not in seen[1]


@pytest.mark.parametrize(
    ("endpoint", "url", "expected"),
    [
        (Endpoint("r.example", "x", "r"), "https://other.example/", False),
        (Endpoint("r.example", "x", "r", insecure=True), "https://r.example:5001/", True),
        (Endpoint("r.example", "x", "r", insecure=True), "https://other.example/", False),
        (Endpoint("r.example", "x", "r", insecure=True), "https://listed.example/", True),
        (Endpoint("r.example", "x", "r", insecure=True), "http://127.0.0.1/", False),
        (Endpoint("127.0.0.1:5000", "x", "r", insecure=True), "http://localhost:1/", True),
        (Endpoint("127.0.0.1:5000", "x", "r", insecure=True), "https://other.example/", False),
    ],
)
def test_checks_are_off_for_the_host_that_the_user_named_only(
    endpoint: Endpoint, url: str, expected: bool
) -> None:
    assert is_unchecked(endpoint, Url.parse(url), {"listed.example"}) is expected


def test_an_upload_never_goes_on_in_plain_http() -> None:
    session = RegistrySession(Transport({}), lambda _: None)
    endpoint = Endpoint("r.example", "x", "r.example")
    with pytest.raises(RegistryError, match="from https to http"):
        session.request(
            endpoint, "PUT", Url.parse("http://r.example/v2/x"), body=b"", expected={201}
        )


def test_a_repository_that_holds_itself_many_times_is_an_error(
    store: Store, tmp_path: Path
) -> None:
    root = tmp_path / "bomb"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "f").write_text("x")
    name = git(root, "hash-object", "-w", "f")
    kind, mode = "blob", "100644"
    for _ in range(9):
        listing = "".join(f"{mode} {kind} {name}\t{n:010}\n" for n in range(10))
        done = subprocess.run(
            ["git", "mktree"], input=listing, cwd=root, text=True, capture_output=True, check=True
        )
        kind, mode, name = "tree", "040000", done.stdout.strip()
    commit = git(root, "commit-tree", "-m", "x", name)
    git(root, "update-ref", "refs/heads/main", commit)
    (tmp_path / "into").mkdir()
    source = GitSource(store, Access(os.environ), allow_files=True)
    with pytest.raises(ContextError, match="too large"):
        source.checkout(GitOp(str(root)), tmp_path / "into")
