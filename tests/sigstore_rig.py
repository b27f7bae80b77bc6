"""A sigstore of one's own: an authority, its log, a log of signatures and a clock, on 127.0.0.1.

In:  a directory.
Out: a server that speaks as Fulcio, Rekor 1, Rekor 2, a timestamp authority and an issuer of
     identities do; files of its keys (``trusted_root.json``) and services (``signing_config.json``).

It is made from the specifications, since the services themselves need databases and keys of a
cloud. What it says is verified by sigstore's own library and by cosign, not by this module.

Source: Fulcio's and Rekor's OpenAPI; RFC 6962 (certificate log, Merkle trees), 3161 (timestamps),
7519 (tokens); C2SP tlog-checkpoint; sigstore protobuf-specs.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import struct
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import jwt
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from jettison.attest.envelope import signed_bytes
from jettison.image.attestation import MEDIA_TYPE

MARIA, ISSUER = "maria@example.com", "https://accounts.example.com"
WORKFLOW = "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v1"
ACTIONS = "https://token.actions.githubusercontent.com"
_SCTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ISSUER_BEFORE = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_TSA_CONFIG = """\
[tsa]
default_tsa = config
[config]
serial = {directory}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def compact(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def public_der(key: EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sign(key: EllipticCurvePrivateKey, data: bytes) -> bytes:
    return key.sign(data, ECDSA(SHA256()))


class Authority:
    """A certificate authority: a root and what it has certified to certify, for one purpose."""

    def __init__(
        self, name: str, purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING
    ) -> None:
        self._purpose = purpose
        self.root_key, self.key = (
            generate_private_key(SECP256R1()),
            generate_private_key(SECP256R1()),
        )
        self.root = self._certificate(
            f"{name} root", f"{name} root", self.root_key, self.root_key, 1
        )
        self.issuer = self._certificate(name, f"{name} root", self.key, self.root_key, 0)
        self._log_key = generate_private_key(SECP256R1())

    def _certificate(
        self,
        name: str,
        issuer: str,
        key: EllipticCurvePrivateKey,
        by: EllipticCurvePrivateKey,
        path: int,
    ) -> x509.Certificate:
        builder = _builder(name, issuer, key.public_key(), timedelta(days=3650))
        usage = _usage(certify=True)
        if not path:
            builder = builder.add_extension(x509.ExtendedKeyUsage([self._purpose]), critical=False)
        return (
            builder.add_extension(x509.BasicConstraints(True, path), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), False
            )
            .sign(by, SHA256())
        )

    @property
    def log_key(self) -> EllipticCurvePrivateKey:
        """Of the log of certificates."""
        return self._log_key

    def certify(
        self,
        key: EllipticCurvePublicKey,
        name: str,
        issuer: str,
        *,
        at: datetime | None = None,
        logged: bool = True,
    ) -> x509.Certificate:
        """Return a certificate for ten minutes, with the promise of the log of certificates."""
        name_of = (
            x509.RFC822Name
            if "@" in name and "://" not in name
            else (x509.UniformResourceIdentifier)
        )
        builder = (
            _builder("", self.issuer.subject, key, timedelta(minutes=10), at=at)
            .add_extension(_usage(certify=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False
            )
            .add_extension(x509.SubjectAlternativeName([name_of(name)]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_ISSUER_BEFORE, issuer.encode()), False)
            .add_extension(x509.UnrecognizedExtension(_ISSUER, asn1.encode_der(issuer)), False)
        )
        if not logged:
            return builder.sign(self.key, SHA256())
        to_be = builder.sign(self.key, SHA256()).tbs_certificate_bytes
        promise = asn1.encode_der(self._promise(to_be))
        return builder.add_extension(x509.UnrecognizedExtension(_SCTS, promise), False).sign(
            self.key, SHA256()
        )

    def _promise(self, to_be: bytes) -> bytes:
        """Return a signed certificate timestamp, in a list of one (RFC 6962, 3.2 and 3.3)."""
        issuer = hashlib.sha256(public_der(self.key)).digest()
        milliseconds = int(time.time() * 1000)
        entry = issuer + len(to_be).to_bytes(3, "big") + to_be
        signed = struct.pack("!BBQH", 0, 0, milliseconds, 1) + entry + struct.pack("!H", 0)
        signature = sign(self._log_key, signed)
        one = struct.pack("!B32sQH", 0, log_id(self._log_key), milliseconds, 0)
        one += struct.pack("!BBH", 4, 3, len(signature)) + signature
        return struct.pack("!HH", len(one) + 2, len(one)) + one


class Log:
    """A log of signatures: a Merkle tree whose head is signed (RFC 6962, 2.1)."""

    origin = "rekor.example.com - 1234567890"

    def __init__(self) -> None:
        self.key = generate_private_key(SECP256R1())
        self._leaves: list[bytes] = []
        self._lock = threading.Lock()

    def add(self, body: bytes, *, at: int | None) -> dict[str, Any]:
        """Add an entry; return it as a bundle has it. Without a time it is one of Rekor 2."""
        with self._lock:
            self._leaves.append(hashlib.sha256(b"\0" + body).digest())
            index, leaves = len(self._leaves) - 1, list(self._leaves)
        root = _root(leaves)
        head = f"{self.origin}\n{len(leaves)}\n{b64(root)}\n"
        signature = b64(log_id(self.key)[:4] + sign(self.key, head.encode()))
        kind = json.loads(body)
        entry: dict[str, Any] = {
            "logIndex": str(index),
            "logId": {"keyId": b64(log_id(self.key))},
            "kindVersion": {"kind": kind["kind"], "version": kind["apiVersion"]},
            "inclusionProof": {
                "logIndex": str(index),
                "rootHash": b64(root),
                "treeSize": str(len(leaves)),
                "hashes": [b64(each) for each in _path(leaves, index)],
                "checkpoint": {"envelope": f"{head}\n— {self.origin.split()[0]} {signature}\n"},
            },
            "canonicalizedBody": b64(body),
        }
        if at is not None:
            promise = {
                "body": b64(body),
                "integratedTime": at,
                "logID": log_id(self.key).hex(),
                "logIndex": index,
            }
            entry["integratedTime"] = str(at)
            entry["inclusionPromise"] = {
                "signedEntryTimestamp": b64(sign(self.key, compact(promise)))
            }
        return entry


class Sigstore:
    """All of it; used as a context, it serves.

    Args:
        directory: Of its files.
        rekor: Version of the log's interface; that of version 2 has no times, so the clock has.
    """

    def __init__(self, directory: Path, *, rekor: int = 1) -> None:
        self.directory = directory
        directory.mkdir(exist_ok=True)
        self.authority, self.log, self.clock = (
            Authority("fulcio"),
            Log(),
            Authority("clock", ExtendedKeyUsageOID.TIME_STAMPING),
        )
        self.rekor = rekor
        self._secret = generate_private_key(SECP256R1())
        self.trusted_root, self.signing_config = (
            directory / "trusted_root.json",
            directory / "signing_config.json",
        )
        self.answers: dict[str, tuple[int, bytes]] = {}
        """What is answered at a path instead of the truth."""
        self._make_clock()
        self.url = "http://127.0.0.1:1"
        self._write()

    def __enter__(self) -> Self:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.sigstore = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self._write()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def token(self, name: str = MARIA, issuer: str = ISSUER, **claims: object) -> str:
        """Return a token that says who somebody is, for ten minutes."""
        now = int(time.time())
        said = {
            "iss": issuer,
            "sub": name,
            "email": name,
            "email_verified": True,
            "aud": "sigstore",
            "iat": now,
            "exp": now + 600,
        } | claims
        return jwt.encode(said, self._secret, algorithm="ES256")

    def certify(self, token: str, key: EllipticCurvePublicKey) -> list[str]:
        """Return a certificate for whom a token names, and its issuers, as PEM."""
        claims = jwt.decode(
            token, self._secret.public_key(), algorithms=["ES256"], audience="sigstore"
        )
        made = self.authority.certify(key, claims["sub"], claims["iss"])
        chain = (made, self.authority.issuer, self.authority.root)
        return [each.public_bytes(Encoding.PEM).decode() for each in chain]

    def bundle(
        self,
        statement: bytes,
        *,
        name: str = MARIA,
        issuer: str = ISSUER,
        authority: Authority | None = None,
        certified: datetime | None = None,
        logged: bool = True,
        kind: str = MEDIA_TYPE,
    ) -> dict[str, Any]:
        """Return a bundle that is right but for what is said otherwise."""
        key = generate_private_key(SECP256R1())
        certificate = (authority or self.authority).certify(
            key.public_key(), name, issuer, at=certified, logged=logged
        )
        envelope = {
            "payload": b64(statement),
            "payloadType": kind,
            "signatures": [{"sig": b64(sign(key, signed_bytes(kind, statement)))}],
        }
        entry = self.log.add(
            _dsse_body(envelope, b64(certificate.public_bytes(Encoding.PEM))), at=int(time.time())
        )
        if entry["logIndex"] == "0":  # as Go writes it: what is zero is left out
            del entry["logIndex"]
            for name in ("logIndex", "hashes"):
                del entry["inclusionProof"][name]
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))},
                "tlogEntries": [entry],
                "timestampVerificationData": {},
            },
            "dsseEnvelope": envelope,
        }

    def timestamp(self, query: bytes) -> bytes:
        """Return the reply of the clock."""
        (self.directory / "query").write_bytes(query)
        subprocess.run(
            [
                *("openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query"),
                *("-signer", "clock.pem", "-inkey", "clock.key", "-out", "reply"),
            ],
            cwd=self.directory,
            check=True,
            capture_output=True,
        )
        return (self.directory / "reply").read_bytes()

    def _write(self) -> None:
        self.trusted_root.write_text(json.dumps(self._root()))
        self.signing_config.write_text(json.dumps(self._config()))
        for each in (self.trusted_root, self.signing_config):
            each.chmod(0o644)

    def _make_clock(self) -> None:
        self._clock_key = generate_private_key(SECP256R1())
        self.clock_certificate = (
            _builder(
                "clock 1",
                self.clock.issuer.subject,
                self._clock_key.public_key(),
                timedelta(days=3650),
            )
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
            )
            .add_extension(_usage(certify=False), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.clock.key.public_key()),
                False,
            )
            .sign(self.clock.key, SHA256())
        )
        files = {
            "clock.pem": self.clock_certificate.public_bytes(Encoding.PEM),
            "clock.key": self._clock_key.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "tsa.cnf": _TSA_CONFIG.format(directory=self.directory).encode(),
            "serial": b"01\n",
        }
        for name, data in files.items():
            (self.directory / name).write_bytes(data)

    def _root(self) -> dict[str, Any]:
        clock = [self.clock_certificate, self.clock.issuer, self.clock.root]
        return trusted_root_of(self.url, self.authority, self.log, clock)

    def _config(self) -> dict[str, Any]:
        def service(url: str, version: int = 1) -> dict[str, Any]:
            return {
                "url": url,
                "majorApiVersion": version,
                "validFor": {"start": "2020-01-01T00:00:00Z"},
                "operator": "example.com",
            }

        return {
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [service(self.url)],
            "oidcUrls": [service(f"{self.url}/auth")],
            "rekorTlogUrls": [service(self.url, self.rekor)],
            "tsaUrls": [service(f"{self.url}/timestamp")],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        }


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def sigstore(self) -> Sigstore:
        return self.server.sigstore  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        url = self.sigstore.url
        if self.path == "/auth/.well-known/openid-configuration":
            self._json(
                200,
                {
                    "authorization_endpoint": f"{url}/auth/auth",
                    "token_endpoint": f"{url}/auth/token",
                },
            )
        elif self.path.startswith("/actions?") and "audience=sigstore" in self.path:
            self._json(200, {"value": self.sigstore.token(WORKFLOW, ACTIONS)})
        else:
            self._json(404, {"code": 404, "message": f"no {self.path}"})

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path in self.sigstore.answers:
            self._answer(*self.sigstore.answers[self.path])
            return
        methods = {
            "/api/v2/signingCert": self._certificate,
            "/api/v1/log/entries": self._entry,
            "/api/v2/log/entries": self._entry_2,
            "/timestamp": self._timestamp,
            "/auth/token": self._token,
        }
        methods[urllib.parse.urlsplit(self.path).path](data)

    def _certificate(self, data: bytes) -> None:
        asked = json.loads(data)
        if "certificateSigningRequest" in asked:
            request = x509.load_pem_x509_csr(base64.b64decode(asked["certificateSigningRequest"]))
            key: Any = request.public_key()
        else:  # of cosign: proof of possession is not looked at
            key = load_pem_public_key(asked["publicKeyRequest"]["publicKey"]["content"].encode())
        held = asked.get("credentials", {}).get("oidcIdentityToken", "")
        token = held or self.headers["Authorization"].removeprefix("Bearer ")
        try:
            chain = self.sigstore.certify(token, key)
        except jwt.InvalidTokenError:
            said = "There was an error processing the identity token"
            self._json(401, {"code": 16, "message": said, "details": []})
            return
        self._json(200, {"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}})

    def _entry(self, data: bytes) -> None:
        content = json.loads(data)["spec"]["proposedContent"]
        body = _dsse_body(
            json.loads(content["envelope"]), content["verifiers"][0], text=content["envelope"]
        )
        entry = self.sigstore.log.add(body, at=int(time.time()))
        proof = entry["inclusionProof"]
        answer = {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logID": log_id(self.sigstore.log.key).hex(),
            "logIndex": int(entry["logIndex"]),
            "verification": {
                "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
                "inclusionProof": {
                    "checkpoint": proof["checkpoint"]["envelope"],
                    "hashes": [base64.b64decode(each).hex() for each in proof["hashes"]],
                    "logIndex": int(proof["logIndex"]),
                    "rootHash": base64.b64decode(proof["rootHash"]).hex(),
                    "treeSize": int(proof["treeSize"]),
                },
            },
        }
        name = "0" * 16 + hashlib.sha256(b"\0" + body).hexdigest()
        self._json(201, {name: answer}, Location=f"/api/v1/log/entries/{name}", ETag=name)

    def _entry_2(self, data: bytes) -> None:
        asked = json.loads(data)["hashedRekordRequestV002"]
        body = {
            "apiVersion": "0.0.2",
            "kind": "hashedrekord",
            "spec": {
                "hashedRekordV002": {
                    "data": {"algorithm": "SHA2_256", "digest": asked["digest"]},
                    "signature": asked["signature"],
                }
            },
        }
        self._json(201, self.sigstore.log.add(compact(body), at=None))

    def _timestamp(self, data: bytes) -> None:
        self._answer(201, self.sigstore.timestamp(data), "application/timestamp-reply")

    def _token(self, data: bytes) -> None:
        asked = urllib.parse.parse_qs(data.decode())
        if asked["code"] != ["the-code"]:
            self._json(400, {"error": "invalid_grant"})
            return
        self._json(200, {"access_token": self.sigstore.token(), "token_type": "Bearer"})

    def _json(self, status: int, document: object, **headers: str) -> None:
        self._answer(status, json.dumps(document).encode(), "application/json", headers)

    def _answer(
        self,
        status: int,
        data: bytes,
        kind: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def trusted_root_of(
    url: str, authority: Authority, log: Log, clock: list[x509.Certificate]
) -> dict[str, Any]:
    """Return the trusted root of services; ``clock`` is the clock's certificate with its chain."""
    valid = {"start": "2020-01-01T00:00:00Z"}

    def key(url: str, of: EllipticCurvePrivateKey) -> dict[str, Any]:
        return {
            "baseUrl": url,
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": b64(public_der(of)),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": valid,
            },
            "logId": {"keyId": b64(log_id(of))},
        }

    def chain(uri: str, *certificates: x509.Certificate) -> dict[str, Any]:
        return {
            "subject": {"organization": "example.com", "commonName": "sigstore"},
            "uri": uri,
            "certChain": {
                "certificates": [
                    {"rawBytes": b64(each.public_bytes(Encoding.DER))} for each in certificates
                ]
            },
            "validFor": valid,
        }

    return {
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [key("https://rekor.example.com", log.key)],
        "certificateAuthorities": [chain(url, authority.issuer, authority.root)],
        "ctlogs": [key(f"{url}/ct", authority.log_key)],
        "timestampAuthorities": [chain(f"{url}/timestamp", *clock)],
    }


def log_id(key: EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(public_der(key)).digest()


def _dsse_body(envelope: dict[str, Any], verifier: str, *, text: str = "") -> bytes:
    """Return what Rekor 1 keeps of an envelope."""
    payload = base64.b64decode(envelope["payload"])
    whole = text.encode() or compact(envelope)
    return compact(
        {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": {
                    "algorithm": "sha256",
                    "value": hashlib.sha256(whole).hexdigest(),
                },
                "payloadHash": {
                    "algorithm": "sha256",
                    "value": hashlib.sha256(payload).hexdigest(),
                },
                "signatures": [
                    {"signature": each["sig"], "verifier": verifier}
                    for each in envelope["signatures"]
                ],
            },
        }
    )


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + _root(leaves[:split]) + _root(leaves[split:])).digest()


def _path(leaves: list[bytes], index: int) -> list[bytes]:
    if len(leaves) == 1:
        return []
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return [*_path(leaves[:split], index), _root(leaves[split:])]
    return [*_path(leaves[split:], index - split), _root(leaves[:split])]


def _builder(
    name: str,
    issuer: str | x509.Name,
    key: EllipticCurvePublicKey,
    length: timedelta,
    *,
    at: datetime | None = None,
) -> x509.CertificateBuilder:
    begin = (at or datetime.now(UTC)) - timedelta(seconds=5)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
    if isinstance(issuer, str):
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + length)
    )


def _usage(*, certify: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certify,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certify,
        crl_sign=certify,
        encipher_only=False,
        decipher_only=False,
    )
