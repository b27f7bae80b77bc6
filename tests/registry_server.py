"""A real registry (Debian's docker-registry) for tests, and a token server for its bearer mode.

In:  a directory, the kind of authentication.
Out: a running server on a free port of 127.0.0.1.
"""

from __future__ import annotations

import base64
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import NamedTuple, Self

import pytest

from host_tools import go_program

USER, PASSWORD = "maria", "open sesame"
# bcrypt of PASSWORD, cost 5; docker-registry takes nothing else.
HTPASSWD = "maria:$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n"


_REQUEST = re.compile(r'"([A-Z]+) (/v2/\S*) HTTP/1.1" (\d+) (\d+)')


class Request(NamedTuple):
    """One line of a registry's log: ``size`` is how many bytes its answer had."""

    method: str
    path: str
    status: int
    size: int


def needed(program: str) -> str:
    """Return a program's path; skip the test where it is not installed, but fail in CI."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed")
    return found


def certificate(directory: Path, name: str) -> None:
    """Make ``tls.crt`` and ``tls.key``, signed by themselves."""
    directory.mkdir()
    command = [needed("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt"]
    command += ["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", f"{directory}/tls.key", "-out", f"{directory}/tls.crt"]
    subprocess.run(command, check=True, capture_output=True)


VERSIONS = ("distribution2", "distribution3")
"""Of docker's registry: Debian's, and that of ``go_programs``."""


def program_of(version: str) -> str:
    """Return the program of one of ``VERSIONS``; Debian's has no path."""
    return go_program("distribution") if version == "distribution3" else ""


class RegistryServer:
    """One docker-registry process; a context manager.

    Args:
        directory: Its data, config and log.
        auth: ``none``, ``basic`` or ``bearer``.
        program: Path of another registry of the same kind; empty for Debian's.
        deletes: Whether manifests may be deleted.
    """

    def __init__(
        self, directory: Path, auth: str = "none", program: str = "", *, deletes: bool = True
    ) -> None:
        self.deletes = deletes
        self.directory = directory
        self.auth = auth
        self.program = program
        self.port = free_port()
        self.tokens: TokenServer | None = None
        self._marks = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        program = self.program or needed("docker-registry")
        self.directory.mkdir(parents=True, exist_ok=True)
        auth: dict[str, object] = {}
        if self.auth == "basic":
            (self.directory / "htpasswd").write_text(htpasswd_line())
            auth = {"auth": {"htpasswd": {"realm": "test", "path": f"{self.directory}/htpasswd"}}}
        if self.auth == "bearer":
            self.tokens = TokenServer(self.directory)
            self.tokens.start()
            auth = {
                "auth": {
                    "token": {
                        "realm": f"http://127.0.0.1:{self.tokens.port}/token",
                        "service": "test-registry",
                        "issuer": "test-issuer",
                        "rootcertbundle": f"{self.directory}/token.crt",
                    }
                }
            }
        config = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": False}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.directory / "data")},
                "delete": {"enabled": self.deletes},
            },
            "http": {"addr": self.host, "secret": "test"},
            **auth,
        }
        path = self.directory / "config.yml"
        path.write_text(json.dumps(config))  # JSON is YAML
        with (self.directory / "log").open("wb") as log:
            self._process = subprocess.Popen([program, "serve", str(path)], stdout=log, stderr=log)
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        if self.tokens is not None:
            self.tokens.stop()

    def log(self) -> str:
        return (self.directory / "log").read_text()

    def requests(self) -> list[Request]:
        """Return the requests that were answered so far."""
        self._marks += 1
        marker = f"/v2/?marker={self._marks}"
        urllib.request.urlopen(f"http://{self.host}{marker}", timeout=5).close()
        deadline = time.monotonic() + 5
        while marker not in (log := self.log()) and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        return [
            Request(method, path, int(status), int(size))
            for method, path, status, size in _REQUEST.findall(log)
        ]

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"http://{self.host}/v2/", timeout=5).close()
            except urllib.error.HTTPError as error:
                error.close()
                return
            except OSError:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"docker-registry does not start: {self.log()}") from None
                threading.Event().wait(0.02)
            else:
                return


class TokenServer:
    """Gives tokens to USER: what docker's ``auth.token`` mode asks for.

    Args:
        directory: Gets ``token.crt`` and ``token.key``.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.requests: list[tuple[str, str]] = []
        self.anonymous_pull = False
        openssl = needed("openssl")
        subprocess.run(
            [
                openssl,
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=test",
                "-keyout",
                f"{directory}/token.key",
                "-out",
                f"{directory}/token.crt",
            ],
            check=True,
            capture_output=True,
        )
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self, urllib.parse.urlsplit(self.path).query)

            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                outer.answer(self, self.rfile.read(size).decode())

            def log_message(self, *args: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, handler: http.server.BaseHTTPRequestHandler, query: str) -> None:
        fields = urllib.parse.parse_qs(query)
        self.requests.append((handler.command, query))
        given = handler.headers.get("Authorization", "")
        right = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        known = given == right or fields.get("refresh_token") == ["the-identity-token"]
        if not known and not (self.anonymous_pull and not given):
            handler.send_response(401)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        access = []
        for scope in " ".join(fields.get("scope", [])).split():
            kind, name, actions = scope.split(":")
            allowed = [a for a in actions.split(",") if known or a == "pull"]
            access.append({"type": kind, "name": name, "actions": allowed})
        data = json.dumps({"token": self._token(access), "expires_in": 300}).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def _token(self, access: list[dict[str, object]]) -> str:
        pem = (self.directory / "token.crt").read_text()
        der = "".join(line for line in pem.splitlines() if "-----" not in line)
        now = int(time.time())
        header = {"typ": "JWT", "alg": "RS256", "x5c": [der]}
        claims = {
            "iss": "test-issuer",
            "sub": USER,
            "aud": "test-registry",
            "exp": now + 300,
            "nbf": now - 10,
            "iat": now,
            "jti": str(now),
            "access": access,
        }
        signed = ".".join(_encode(json.dumps(part).encode()) for part in (header, claims))
        made = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", f"{self.directory}/token.key"],
            input=signed.encode(),
            check=True,
            capture_output=True,
        )
        return f"{signed}.{_encode(made.stdout)}"


def htpasswd_line() -> str:
    """Return the line of an htpasswd file for USER and PASSWORD."""
    return HTPASSWD


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class NewerRegistry:
    """A registry that lists referrers and takes chunks in order only; see ``go_programs``.

    Args:
        program: Its path.
        directory: Its log.
    """

    def __init__(self, program: str, directory: Path) -> None:
        self._program = program
        self._directory = directory
        self.host = f"127.0.0.1:{free_port()}"

    def __enter__(self) -> Self:
        with (self._directory / "log").open("wb") as log:
            self._process = subprocess.Popen([self._program, self.host], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://{self.host}/v2/", timeout=5).close()
            except OSError:
                threading.Event().wait(0.02)
            else:
                return self
        self._process.kill()
        raise RuntimeError(f"nothing is served: {(self._directory / 'log').read_text()}")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
