"""sigstore's own services, started here: Fulcio, the log of certificates, Rekor 2 and the clock.

In:  a directory with their programs, another one for their data.
Out: the files of their keys and services, as ``sigstore_rig.Sigstore`` has them; tokens.

The programs are built by ``go install`` (one after the other they take five minutes):
``github.com/sigstore/fulcio@v1.8.8`` as ``fulcio``,
``github.com/transparency-dev/tesseract/cmd/tesseract/posix@v0.1.1`` as ``tesseract``,
``github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix@v2.3.0`` as ``rekor-server`` and
``github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server@v2.1.2`` as ``timestamp-server``.
"""

from __future__ import annotations

import base64
import http.server
import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from registry_server import free_port
from sigstore_rig import MARIA, Authority, Log, trusted_root_of

_SECONDS = 60


class RealSigstore:
    """The services; a context manager.

    Args:
        programs: Directory with their programs.
        directory: Of their data.
    """

    def __init__(self, programs: Path, directory: Path) -> None:
        self.programs = programs
        self.directory = directory
        directory.mkdir()
        self.trusted_root = directory / "trusted_root.json"
        self.signing_config = directory / "signing_config.json"
        self._started: list[subprocess.Popen[bytes]] = []
        self._identities = generate_private_key(SECP256R1())

    def __enter__(self) -> Self:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Issuer)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._server.documents = self._documents()  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        try:
            self._start_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            process.terminate()
        for process in self._started:
            process.wait()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def token(self) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": "1", "email": MARIA, "email_verified": True}
        claims |= {"aud": "sigstore", "iat": now, "exp": now + 600}
        return jwt.encode(claims, self._identities, algorithm="ES256", headers={"kid": "1"})

    def _start_all(self) -> None:
        authority, log = Authority("fulcio"), Log()
        fulcio, certificates, rekor, clock = (free_port() for _ in range(4))
        at = "http://127.0.0.1"
        self._file("root.pem", _pem(authority.root))
        self._file("authority.pem", _pem(authority.issuer, authority.root))
        self._file("authority.key", _private(authority.key, b"pass"))
        traditional = authority.log_key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )
        self._file("certificates.key", traditional)
        public = authority.log_key.public_key()
        self._file(
            "certificates.pub",
            public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        )
        self._file("rekor.key", _private(log.key))
        issuer = {"IssuerURL": self.issuer, "ClientID": "sigstore", "Type": "email"}
        self._file("fulcio.json", json.dumps({"OIDCIssuers": {self.issuer: issuer}}).encode())
        self._start(
            "tesseract", "-private_key=certificates.key", "-origin=ct.example.com",
            "-roots_pem_file=root.pem", "-storage_dir=certificates",
            f"-http_endpoint=127.0.0.1:{certificates}",
        )  # fmt: skip
        self._start(
            "rekor-server", "serve", f"--http-port={rekor}", f"--grpc-port={free_port()}",
            f"--http-metrics-port={free_port()}", "--hostname=rekor.example.com",
            "--storage-dir=rekor", "--signer-filepath=rekor.key", "--checkpoint-interval=1s",
        )  # fmt: skip
        self._start(
            "timestamp-server", "serve", "--host=127.0.0.1", f"--port={clock}",
            "--timestamp-signer=memory", "--disable-ntp-monitoring",
        )  # fmt: skip
        self._answer(f"{at}:{certificates}/ct/v1/get-roots")
        self._start(
            "fulcio", "serve", "--host=127.0.0.1", f"--port={fulcio}", "--grpc-host=127.0.0.1",
            f"--grpc-port={free_port()}", f"--metrics-port={free_port()}", "--ca=fileca",
            "--fileca-cert=authority.pem", "--fileca-key=authority.key", "--fileca-key-passwd=pass",
            f"--ct-log-url={at}:{certificates}", "--ct-log-public-key-path=certificates.pub",
            "--ct-log-origin=ct.example.com", "--config-path=fulcio.json",
            f"--legacy-unix-domain-socket=@fulcio-{fulcio}",
        )  # fmt: skip
        self._answer(f"{at}:{fulcio}/healthz")
        self._answer(f"{at}:{rekor}/healthz")
        chain = x509.load_pem_x509_certificates(
            self._answer(f"{at}:{clock}/api/v1/timestamp/certchain")
        )
        root = trusted_root_of(at, authority, log, chain)
        self._file(self.trusted_root.name, json.dumps(root).encode())

        def service(url: str, version: int = 1) -> list[dict[str, Any]]:
            valid = {"start": "2020-01-01T00:00:00Z"}
            return [{"url": url, "majorApiVersion": version, "validFor": valid, "operator": "a"}]

        config = {
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": service(f"{at}:{fulcio}"),
            "oidcUrls": service(self.issuer),
            "rekorTlogUrls": service(f"{at}:{rekor}", 2),
            "tsaUrls": service(f"{at}:{clock}/api/v1/timestamp"),
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        }
        self._file(self.signing_config.name, json.dumps(config).encode())

    def _file(self, name: str, data: bytes) -> None:
        (self.directory / name).write_bytes(data)
        (self.directory / name).chmod(0o644)

    def _start(self, program: str, *args: str) -> None:
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.directory)}
        with (self.directory / f"{program}.log").open("wb") as log:
            self._started.append(
                subprocess.Popen(
                    [str(self.programs / program), *args],
                    cwd=self.directory, env=environ, stdout=log, stderr=log,
                )
            )  # fmt: skip

    def _answer(self, url: str) -> bytes:
        """Return what is at an address once somebody answers there."""
        end = time.monotonic() + _SECONDS
        while True:
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    return answer.read()  # type: ignore[no-any-return]
            except urllib.error.URLError:
                ended = [each.args for each in self._started if each.poll() is not None]
                if ended or time.monotonic() > end:
                    raise AssertionError(f"{url} does not answer; ended: {ended}") from None
                threading.Event().wait(0.02)

    def _documents(self) -> dict[str, Any]:
        numbers = self._identities.public_key().public_numbers()
        x, y = (
            base64.urlsafe_b64encode(each.to_bytes(32, "big")).rstrip(b"=").decode()
            for each in (numbers.x, numbers.y)
        )
        key = {
            "kty": "EC",
            "crv": "P-256",
            "use": "sig",
            "alg": "ES256",
            "kid": "1",
            "x": x,
            "y": y,
        }
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/auth",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            },
            "/keys": {"keys": [key]},
        }


class _Issuer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        data = json.dumps(self.server.documents[self.path]).encode()  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def _pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def _private(key: EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
