"""Certificates, proxies and back-off against real sockets."""

from __future__ import annotations

import http.server
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jettison.errors import RegistryError, RegistryUnavailableError, UsageError
from jettison.oci.reference import parse_reference
from jettison.oci.url import Url
from jettison.registry.client import RegistryClient
from jettison.registry.endpoint import RegistryHosts
from jettison.registry.transport import Transport, read_bounded
from registry_server import free_port, needed


@contextmanager
def serving(
    respond: Callable[[http.server.BaseHTTPRequestHandler], None], certificate: Path | None = None
) -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            respond(self)

        def log_message(self, *args: object) -> None:
            return

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            return  # clients that refuse the certificate hang up

    server = Server(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def hello(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "5")
    handler.end_headers()
    handler.wfile.write(b"hello")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tls")
    command = [needed("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command += ["-keyout", f"{directory}/tls.key", "-out", f"{directory}/tls.crt"]
    subprocess.run(command, check=True, capture_output=True)
    return directory


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport({}, backoff_seconds=0.01)
    yield made
    made.close()


def get(transport: Transport, url: str, *, insecure: bool = False) -> bytes:
    response = transport.send("GET", Url.parse(url), headers={}, insecure=insecure)
    return read_bounded(response, 100, what="the answer")


def test_an_unknown_certificate_is_refused_with_a_way_to_trust_it(transport, certificate):
    with serving(hello, certificate) as port:
        with pytest.raises(RegistryUnavailableError, match="TLS fails: self-signed") as raised:
            get(transport, f"https://127.0.0.1:{port}/")
        assert "SSL_CERT_FILE" in raised.value.hint
        assert "insecure_registries" in raised.value.hint


def test_ssl_cert_file_is_trusted(transport, certificate, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "tls.crt"))
    with serving(hello, certificate) as port:
        assert get(transport, f"https://127.0.0.1:{port}/") == b"hello"


def test_an_insecure_registry_needs_no_known_certificate(certificate):
    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(404)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    # Loopback registries are insecure: http is tried first, and does not work here.
    transport = Transport({}, backoff_seconds=0.01)
    with (
        serving(respond, certificate) as port,
        RegistryClient(RegistryHosts(), lambda _: None, transport) as client,
    ):
        assert client.manifest(parse_reference(f"127.0.0.1:{port}/x:1")) is None


def test_a_redirect_from_https_to_http_is_refused(transport, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "tls.crt"))

    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "http://127.0.0.1:1/")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with (
        serving(respond, certificate) as port,
        pytest.raises(RegistryError, match="from https to http"),
    ):
        get(transport, f"https://127.0.0.1:{port}/")


def test_proxies_of_the_environment_are_used_but_not_for_this_machine_or_no_proxy():
    seen: list[str] = []

    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        seen.append(f"{handler.path} {handler.headers.get('Proxy-Authorization', '')}")
        hello(handler)

    with serving(respond) as port:
        environ = {"HTTP_PROXY": f"http://u:p@127.0.0.1:{port}", "no_proxy": "direct.example"}
        transport = Transport(environ, attempts=1)
        assert get(transport, "http://registry.example/v2/") == b"hello"
        assert get(transport, f"http://127.0.0.1:{port}/local") == b"hello"
        transport.close()
    assert seen == ["http://registry.example/v2/ Basic dTpw", "/local "]


def test_a_name_that_does_not_resolve_is_not_tried_again():
    transport = Transport({}, attempts=50, backoff_seconds=60)
    with pytest.raises(RegistryUnavailableError, match="its name does not resolve"):
        get(transport, "http://no-such-host.invalid/")
    transport.close()


def test_a_refused_connection_is_told_after_the_attempts(transport):
    with pytest.raises(RegistryUnavailableError, match="connection refused"):
        get(transport, f"http://127.0.0.1:{free_port()}/")


def test_a_long_retry_after_is_not_waited_for(transport):
    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(429)
        handler.send_header("Retry-After", "86400")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with serving(respond) as port:
        response = transport.send("GET", Url.parse(f"http://127.0.0.1:{port}/"), headers={})
        assert response.status == 429
        response.close()


def test_an_answer_that_is_no_http_is_an_error(transport):
    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"SSH-2.0-OpenSSH\r\n")

    with (
        serving(respond) as port,
        pytest.raises(RegistryUnavailableError, match="connection broke"),
    ):
        get(transport, f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "target", ["ftp://example.org/x", "file:///etc/passwd", "http://u:p@127.0.0.1/", "//", "/a\\b"]
)
def test_redirects_to_other_places_are_not_followed(transport, target):
    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with serving(respond) as port, pytest.raises(RegistryError, match="cannot be asked") as raised:
        get(transport, f"http://127.0.0.1:{port}/")
    assert "u:p" not in str(raised.value)


def test_a_registry_without_tls_checks_says_nothing_of_the_hosts_it_redirects_to(
    transport, certificate
):
    with serving(hello, certificate) as port:

        def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", f"https://{socket.gethostname()}:{port}/")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        try:
            socket.getaddrinfo(socket.gethostname(), port)
        except OSError:
            pytest.skip("this machine's name does not resolve")
        with serving(respond) as first, pytest.raises(RegistryUnavailableError):
            get(transport, f"http://127.0.0.1:{first}/", insecure=True)


@pytest.mark.parametrize(
    "proxy", ["http://u:s3cret@h:99999", "http://u:s3/cret@h", "ftp://u:s3cret@h"]
)
def test_a_proxy_that_is_none_is_told_without_its_password(proxy):
    transport = Transport({"HTTP_PROXY": proxy}, attempts=1)
    with pytest.raises(UsageError, match="HTTP_PROXY") as raised:
        get(transport, "http://registry.example/v2/")
    assert "s3" not in str(raised.value)
