"""Signing and verifying without a key: with a sigstore of one's own, verified by sigstore's library."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from e2e.command import Cli
from jettison.image.attestation import Attestation, image_subjects, statement
from jettison.image.bundles import BUNDLE_TYPE, put_bundle
from jettison.image.referrers import attach, documents, note_by_tag, referrers
from jettison.oci.codec import decode
from jettison.oci.digest import sha256_digest
from jettison.oci.manifest import Descriptor, Manifest
from jettison.oci.mediatype import OCI_MANIFEST
from jettison.oci.reference import Reference, parse_reference
from jettison.registry.client import RegistryClient
from jettison.registry.upload import Uploader
from jettison.settings import Settings
from registry_server import RegistryServer
from sigstore_rig import ACTIONS, ISSUER, MARIA, WORKFLOW, Authority, Sigstore
from unit.attest.signing_rig import cosign_pem, pair

SLSA, SPDX = "https://slsa.dev/provenance/v1", "https://spdx.dev/Document"
SIGNING = "https://sigstore.dev/cosign/sign/v1"
TEXT = "FROM scratch AS one\nCOPY a /b\nFROM scratch\nCOPY --from=one /b /a\n"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path_factory.mktemp("registry")) as server:
        yield server


@pytest.fixture(scope="module")
def client() -> Iterator[RegistryClient]:
    with RegistryClient.of_user(Settings(ca_bundle="none"), {}) as made:
        yield made


@pytest.fixture(scope="module", params=[1, 2], ids=["rekor 1", "rekor 2"])
def both(cli: Cli, request: pytest.FixtureRequest) -> Iterator[Sigstore]:
    with Sigstore(cli.output(), rekor=request.param) as made:
        yield made


@pytest.fixture
def sigstore(cli: Cli) -> Iterator[Sigstore]:
    with Sigstore(cli.output()) as made:
        yield made


def who(sigstore: Sigstore, name: str = MARIA, issuer: str = ISSUER) -> list[str | Path]:
    identity = ["--certificate-identity", name, "--certificate-oidc-issuer", issuer]
    return [*identity, "--trusted-root", sigstore.trusted_root]


def ours(sigstore: Sigstore) -> list[str | Path]:
    return [*("--signing-config", sigstore.signing_config, "--trusted-root", sigstore.trusted_root)]


def pushed(cli: Cli, registry: RegistryServer, name: str) -> tuple[str, Reference]:
    full = f"{registry.host}/{name}:1"
    context = cli.context({"Dockerfile": "FROM scratch\nCOPY a /\n", "a": name})
    cli("build", "--push", "-q", "-t", full, context)
    return full, parse_reference(full)


def test_a_build_signs_what_it_pushes_and_says_of_it(
    cli: Cli, registry: RegistryServer, client: RegistryClient, both: Sigstore
) -> None:
    name = f"{registry.host}/built-{both.rekor}:1"
    place = parse_reference(name)
    files = f"signing-config={both.signing_config},trusted-root={both.trusted_root}"
    build = ["build", "--push", "-q", "-t", name, "--provenance", "--sbom=scan-stage=true"]
    context = cli.context({"Dockerfile": TEXT, "a": "1"})
    cli(*build, "--sign", files, context, env={"SIGSTORE_ID_TOKEN": both.token()})
    digest = client.resolve(place)
    assert digest is not None
    by = f"{MARIA} ({ISSUER})"
    said = cli("verify", *who(both), name)
    assert said.stdout.splitlines()[:3] == [
        f"verified {name}",
        f"  digest {digest.digest}",
        f"  the image is signed by {by}",
    ]
    assert sorted(said.stdout.splitlines()[3:]) == [
        f"  attestation {SLSA} is signed by {by}",
        *[f"  attestation {SPDX} is signed by {by}"] * 2,
    ]
    found = json.loads(cli("verify", *who(both), "--type", "spdx", "-o", "json", name).stdout)
    assert found["signers"] == [{"identity": MARIA, "issuer": ISSUER}]
    assert [each["identity"] for each in found["attestations"]] == [MARIA, MARIA]
    # As cosign 3 lays bundles out.
    listed = referrers(client, place, digest.digest, BUNDLE_TYPE)
    kinds = sorted(each.annotations["dev.sigstore.bundle.predicateType"] for each in listed)
    assert kinds == sorted([SLSA, SPDX, SPDX, SIGNING])
    for each in listed:
        pulled = client.manifest(parse_reference(f"{place.name}@{each.digest}"))
        assert pulled is not None
        manifest = decode(Manifest, pulled.data)
        assert manifest.artifact_type == BUNDLE_TYPE
        assert manifest.annotations["dev.sigstore.bundle.content"] == "dsse-envelope"
        assert [layer.media_type for layer in manifest.layers] == [BUNDLE_TYPE]
        (data,) = documents(client, place, digest.digest, each)
        assert json.loads(data)["mediaType"] == BUNDLE_TYPE


def test_an_image_is_signed_later_by_several_people(
    cli: Cli, registry: RegistryServer, client: RegistryClient, sigstore: Sigstore
) -> None:
    name, place = pushed(cli, registry, "later")
    token = cli.output()
    token.write_text(sigstore.token() + "\n")
    token.chmod(0o644)
    said = cli("sign", *ours(sigstore), "--identity-token", token, name)
    digest = client.resolve(place)
    assert digest is not None
    assert said.stdout == (f"signed {name}\n  digest {digest.digest}\n  by {MARIA} ({ISSUER})\n")
    other = sigstore.token("spiffe://example.com/ci", "https://ci.example.com")
    cli("sign", *ours(sigstore), "--identity-token", other, name)
    cli("verify", *who(sigstore), name)  # it stays
    cli("verify", *who(sigstore, "spiffe://example.com/ci", "https://ci.example.com"), name)
    patterns = ["--certificate-identity-regexp", ".", "--certificate-oidc-issuer-regexp", "^https"]
    said = cli("verify", *patterns, "--trusted-root", sigstore.trusted_root, name)
    assert said.stdout.count("the image is signed by") == 2


def test_a_ci_system_says_who_signs(cli: Cli, registry: RegistryServer, sigstore: Sigstore) -> None:
    name, _ = pushed(cli, registry, "actions")
    environ = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{sigstore.url}/actions?a=b",
    }
    cli("sign", *ours(sigstore), name, env=environ)
    cli("verify", *who(sigstore, WORKFLOW, ACTIONS), name)
    del environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    failed = cli.attempt("sign", *ours(sigstore), name, env=environ)
    assert (failed.returncode, "the CI system cannot be used" in failed.stderr) == (125, True)


def test_a_person_at_a_terminal_is_asked(
    cli: Cli, registry: RegistryServer, sigstore: Sigstore
) -> None:
    name, _ = pushed(cli, registry, "asked")
    status, shown = cli.on_terminal(
        *("sign", *ours(sigstore), name), typed=b"the-code\n", until=b"verification code"
    )
    assert status == 0, shown
    assert f"{sigstore.url}/auth/auth?" in shown.replace("\r\n", "")
    cli("verify", *who(sigstore), name)
    status, shown = cli.on_terminal(
        *("sign", *ours(sigstore), name), typed=b"another\n", until=b"verification code"
    )
    assert (status, "nobody has proved who signs" in shown) == (125, True), shown


def test_what_is_refused_before_anything_is_signed(
    cli: Cli, registry: RegistryServer, sigstore: Sigstore, tmp_path: Path
) -> None:
    name, _ = pushed(cli, registry, "refused")
    secret = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.S3cr3t"
    key = cli.output()
    key.write_bytes(cosign_pem(pair(), b""))
    key.chmod(0o644)
    broken = cli.output()
    broken.write_text("{")
    broken.chmod(0o644)
    expired = sigstore.token(exp=1_700_000_000)
    config, root = ours(sigstore)[1], ours(sigstore)[3]
    files = f"signing-config={config},trusted-root={root}"
    build = ("build", "--push", "-t", name, cli.context({"Dockerfile": "FROM scratch\n"}))
    cases: list[tuple[tuple[Any, ...], int, str]] = [
        (("sign", *ours(sigstore), name), 125, "there is no identity token to sign with"),
        (("sign", *ours(sigstore), "--identity-token", secret, name), 125, "cannot be used"),
        (("sign", *ours(sigstore), "--identity-token", expired, name), 125, "expired"),
        (("sign", *ours(sigstore), "--identity-token", "nowhere", name), 125, "neither a token nor"),
        (("sign", *ours(sigstore), "--identity-token", tmp_path, name), 4, "cannot be read"),
        (("sign", *ours(sigstore), "--identity-token", sigstore.token(aud="x"), name), 125, "udience"),
        (("sign", "--signing-config", config, name), 125, "go together"),
        (("sign", "--signing-config", broken, "--trusted-root", root, name), 125, "is no signing config"),
        (("sign", "--signing-config", config, "--trusted-root", broken, name), 125, "is no trusted root"),
        (("sign", "--signing-config", config, "--trusted-root", "/none", name), 4, "cannot read `/none`"),
        (("sign", "--key", key, *ours(sigstore), name), 125, "--key and --signing-config are two ways"),
        (("verify", name), 125, "verify must be told who has signed"),
        (("verify", "--key", key, *who(sigstore), name), 125, "two ways to verify"),
        (("verify", "--certificate-identity", MARIA, name), 125, "verify needs --certificate-oidc-issuer"),
        (("verify", "--trusted-root", root, name), 125, "verify must be told who has signed"),
        (("verify", *who(sigstore)[:-1], "/none", name), 4, "cannot read `/none`"),
        ((*build, "--sign", files), 125, "there is no identity token to sign with"),
        ((*build, "--sign", f"identity-token={secret},colour=red"), 125, "the value of --sign is malformed"),
        ((*build, "--sign", f"identity-token={secret},red"), 125, "the value of --sign is malformed"),
        ((*build, "--sign", f"key={key},{files}"), 125, "the value of --sign is malformed"),
        ((*build, "--sign", "key="), 125, "the value of --sign is malformed"),
    ]  # fmt: skip
    for args, status, message in cases:
        failed = cli.attempt(*args)
        assert (failed.returncode, message in failed.stderr) == (status, True), (args, failed.all)
        assert "S3cr3t" not in failed.all


@pytest.mark.parametrize(
    ("path", "answer", "message"),
    [
        ("/api/v2/signingCert", (500, b"{}"), "500 Server Error"),
        ("/api/v2/signingCert", (403, b'{"message": "not you"}'), "not you"),
        ("/api/v2/signingCert", (200, b"{}"), "missing certificate chain"),
        ("/api/v2/signingCert", (200, b"nonsense"), "cannot sign without a key"),
        ("/api/v1/log/entries", (400, b'{"code": 400, "message": "no room"}'), "no room"),
        ("/api/v1/log/entries", (201, b'{"a": {}}'), "cannot sign without a key"),
        ("/api/v1/log/entries", (201, b"x" * (17 << 20)), "is larger than 16777216 bytes"),
        ("/timestamp", (500, b""), "gives no timestamp: error while sending the request"),
        ("/timestamp", (201, b"nonsense"), "gives no timestamp: invalid response"),
    ],
)
def test_services_that_refuse_or_lie(
    cli: Cli,
    registry: RegistryServer,
    sigstore: Sigstore,
    path: str,
    answer: tuple[int, bytes],
    message: str,
) -> None:
    name, _ = pushed(cli, registry, "services")
    sigstore.answers[path] = answer
    failed = cli.attempt("sign", *ours(sigstore), "--identity-token", sigstore.token(), name)
    assert (failed.returncode, message in failed.stderr) == (6, True), failed.all
    assert cli.attempt("verify", *who(sigstore), name).returncode == 4


def test_keys_that_the_trusted_root_does_not_have(
    cli: Cli, registry: RegistryServer, sigstore: Sigstore
) -> None:
    name, _ = pushed(cli, registry, "foreign")
    with Sigstore(cli.output()) as other:
        files = ["--signing-config", other.signing_config, "--trusted-root", sigstore.trusted_root]
        failed = cli.attempt("sign", *files, "--identity-token", other.token(), name)
        assert (failed.returncode, "SCT verify failed" in failed.stderr) == (6, True), failed.all
        cli("sign", *ours(other), "--identity-token", other.token(), name)
        failed = cli.attempt("verify", *who(sigstore), name)
        assert (failed.returncode, "does not hold" in failed.stderr) == (4, True), failed.all
        cli("verify", *who(other), name)


def test_bundles_that_prove_nothing_and_beside_them_one_that_does(
    cli: Cli, registry: RegistryServer, client: RegistryClient, sigstore: Sigstore
) -> None:
    name, place = pushed(cli, registry, "hostile")
    subject = client.resolve(place)
    assert subject is not None
    signed = Attestation(SIGNING, b"{}", "")
    said = statement(signed, image_subjects(subject.digest, [place], None))
    another = statement(signed, image_subjects("sha256:" + "0" * 64, [place], None))  # type: ignore[arg-type]
    right = json.dumps(sigstore.bundle(said)).encode()
    late = datetime.now(UTC) - timedelta(hours=2)
    tampered = sigstore.bundle(said)
    tampered["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = "1700000000"
    hostile = {
        "not by": json.dumps(sigstore.bundle(said, name="eve@example.com")).encode(),
        f"not of `{ISSUER}`": json.dumps(sigstore.bundle(said, issuer="https://e.com")).encode(),
        "has signed is `sha256:000000": json.dumps(sigstore.bundle(another)).encode(),
        "not valid at validation time": json.dumps(sigstore.bundle(said, certified=late)).encode(),
        "does not hold": json.dumps(sigstore.bundle(said, authority=Authority("fulcio"))).encode(),
        "": json.dumps(tampered).encode(),
        "does not hold: Input data was truncated": right[:-200],
        "does not hold: ": b"[" * 200_000,
    }
    for number, (message, data) in enumerate(hostile.items()):
        made = f"2026-01-01T00:00:{number:02}Z"
        put_bundle(client, place, subject, SIGNING, data, made=made)
        failed = cli.attempt("verify", *who(sigstore), name)
        assert (failed.returncode, message in failed.stderr) == (4, True), failed.all
    failed = cli.attempt("verify", *who(sigstore), "--type", "spdx", name)
    assert (failed.returncode, "no valid attestation of type `spdx`" in failed.stderr) == (4, True)
    put_bundle(client, place, subject, SIGNING, right, made="2025-01-01T00:00:00Z")
    said_now = cli("verify", *who(sigstore), name)
    assert said_now.stdout.count("is signed by") == 1
    assert said_now.stderr.count("proves nothing") >= 6


def test_bounds_of_bundles(
    cli: Cli, registry: RegistryServer, client: RegistryClient, sigstore: Sigstore
) -> None:
    name, place = pushed(cli, registry, "bounds")
    subject = client.resolve(place)
    assert subject is not None
    said = statement(Attestation(SIGNING, b"{}", ""), image_subjects(subject.digest, [], None))
    attach(client, place, subject, BUNDLE_TYPE, b"{}", in_place=False)
    # A manifest that names a bundle of a terabyte.
    (listed,) = referrers(client, place, subject.digest, BUNDLE_TYPE)
    pulled = client.manifest(parse_reference(f"{place.name}@{listed.digest}"))
    assert pulled is not None
    document = json.loads(pulled.data)
    document["layers"][0]["size"] = 1 << 40
    huge = json.dumps(document).encode()
    uploader = Uploader(client, place)
    digest = sha256_digest(huge)
    uploader.manifest(digest, OCI_MANIFEST, huge)
    descriptor = Descriptor(OCI_MANIFEST, digest, len(huge), artifact_type=BUNDLE_TYPE)
    note_by_tag(client, uploader, place, subject.digest, descriptor, huge)
    failed = cli.attempt("verify", *who(sigstore), name)
    assert (failed.returncode, "no valid signature" in failed.stderr) == (4, True), failed.all
    # Old ones do not keep new ones from being seen.
    for number in range(66):
        made = f"2020-01-01T00:{number // 60:02}:{number % 60:02}Z"
        put_bundle(client, place, subject, SIGNING, b"{}", made=made)
    put_bundle(
        client, place, subject, SIGNING, json.dumps(sigstore.bundle(said)).encode(),
        made="2026-01-01T00:00:00Z",
    )  # fmt: skip
    said_now = cli("verify", *who(sigstore), name)
    assert re.search(r"\d bundles of `sha256:\w+` are older", said_now.stderr), said_now.all


def test_without_the_library_it_is_said_how_to_get_it(
    cli: Cli, registry: RegistryServer, tmp_path: Path
) -> None:
    name, _ = pushed(cli, registry, "library")
    hidden = cli.output()
    hidden.mkdir()
    (hidden / "sigstore.py").write_text("raise ImportError('no sigstore')\n")
    environ = {"PYTHONPATH": f"{hidden}:{cli.env['PYTHONPATH']}"}
    identity = ("--certificate-identity", MARIA, "--certificate-oidc-issuer", ISSUER)
    for args in (("sign", name), ("verify", *identity, name)):
        # A process of its own: that which forks for commands has loaded the library.
        failed = cli.attempt(*args, env=environ, close_fds=True)
        assert failed.returncode == 125, failed.all
        assert "pip install 'jettison[keyless]'" in failed.stderr


def test_the_public_sigstore_where_there_is_no_network(cli: Cli, registry: RegistryServer) -> None:
    name, _ = pushed(cli, registry, "public")
    nowhere = {f"{each}_PROXY": "http://127.0.0.1:9" for each in ("HTTP", "HTTPS")}
    identity = ("--certificate-identity", MARIA, "--certificate-oidc-issuer", ISSUER)
    nowhere |= {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    failed = cli.attempt("verify", *identity, name, env=nowhere)
    assert failed.returncode == 4, failed.all
    assert "the keys of the public sigstore cannot be asked for" in failed.stderr
