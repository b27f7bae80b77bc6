"""Signatures beside real cosign: what one signs, the other verifies, with keys and without.

``JETTISON_TEST_COSIGN`` names the program. It is in no package of Debian's, and takes more than six
minutes of a processor and 270 MB of sources to build; so nobody installs it for these tests:
``go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3``. ``JETTISON_TEST_SIGSTORE`` names the directory of
sigstore's own services, which ``sigstore_services`` starts.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.command import Cli
from registry_server import RegistryServer
from sigstore_rig import ISSUER, MARIA, Sigstore
from sigstore_services import RealSigstore

SLSA, SPDX = "https://slsa.dev/provenance/v1", "https://spdx.dev/Document"
OWN = "https://example.com/own"
NO_LOG = {"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"}
IDENTITY = ("--certificate-identity", MARIA, "--certificate-oidc-issuer", ISSUER)


class Cosign:
    """The program, with a home of its own, and a pair of keys."""

    def __init__(self, program: str, home: Path) -> None:
        self.program = program
        self.home = home
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "COSIGN_PASSWORD": "pass"}
        self("generate-key-pair")
        self.key, self.public = home / "cosign.key", home / "cosign.pub"
        self.no_log = self.file("no-log.json", json.dumps(NO_LOG))
        self.predicate = self.file("predicate.json", '{"a":1}')

    def file(self, name: str, content: str) -> Path:
        path = self.home / name
        path.write_text(content)
        return path

    def attempt(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *map(str, args)],
            cwd=self.home, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip

    def __call__(self, *args: str | Path) -> str:
        done = self.attempt(*args)
        assert done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def cosign(tmp_path_factory: pytest.TempPathFactory) -> Cosign:
    program = os.environ.get("JETTISON_TEST_COSIGN", "")
    if not program:
        pytest.skip("JETTISON_TEST_COSIGN names no cosign")
    return Cosign(program, tmp_path_factory.mktemp("cosign"))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path_factory.mktemp("registry")) as server:
        yield server


def programs() -> str:
    """Directory with sigstore's own services; empty if nobody has built them."""
    return os.environ.get("JETTISON_TEST_SIGSTORE", "")


@pytest.fixture(scope="module")
def real(cli: Cli) -> Iterator[RealSigstore]:
    if not programs():
        pytest.skip("JETTISON_TEST_SIGSTORE names no directory of sigstore's services")
    with RealSigstore(Path(programs()), cli.output()) as made:
        yield made


@pytest.fixture(scope="module", params=[1, 2], ids=["rekor 1", "rekor 2"])
def sigstore(cli: Cli, request: pytest.FixtureRequest) -> Iterator[Sigstore]:
    with Sigstore(cli.output(), rekor=request.param) as made:
        yield made


@pytest.fixture(scope="module")
def key(cli: Cli, cosign: Cosign) -> Path:
    """The key that cosign made, where the user may read it; its public one has `.pub`."""
    path = cli.output(".key")
    for there, here in ((cosign.key, path), (cosign.public, path.with_suffix(".pub"))):
        here.write_bytes(there.read_bytes())
        here.chmod(0o644)
    return path


def identity(real: RealSigstore, name: str = MARIA) -> list[str | Path]:
    said = ["--certificate-identity", name, "--certificate-oidc-issuer", real.issuer]
    return [*said, "--trusted-root", real.trusted_root]


def pushed(cli: Cli, registry: RegistryServer, name: str, *flags: str | Path, **more: str) -> str:
    full = f"{registry.host}/{name}:1"
    context = cli.context({"Dockerfile": "FROM scratch\nCOPY a /\n", "a": name})
    cli(
        "build",
        "--push",
        "-q",
        "-t",
        full,
        *flags,
        context,
        env={"COSIGN_PASSWORD": "pass", **more},
    )
    return full


def test_cosign_verifies_what_a_key_has_signed_here(
    cli: Cli, cosign: Cosign, registry: RegistryServer, key: Path
) -> None:
    name = pushed(cli, registry, "ours", "--provenance", "--sbom", "--sign", f"key={key}")
    by_key = ("--key", cosign.public, "--insecure-ignore-tlog")
    (found,) = json.loads(cosign("verify", *by_key, name))
    digest = json.loads(cli("verify", "--key", key.with_suffix(".pub"), "-o", "json", name).stdout)
    assert found["critical"]["image"]["docker-manifest-digest"] == digest["digest"]
    for kind in ("slsaprovenance1", "spdxjson", SLSA, SPDX):
        assert "payload" in cosign("verify-attestation", *by_key, "--type", kind, name)
    later = pushed(cli, registry, "later")
    assert cosign.attempt("verify", *by_key, later).returncode != 0
    cli("sign", "--key", key, later, env={"COSIGN_PASSWORD": "pass"})
    cosign("verify", *by_key, later)


@pytest.mark.parametrize("form", ["bundle", "tag", "logged"])
def test_we_verify_what_cosign_has_signed_with_a_key(
    cli: Cli,
    cosign: Cosign,
    registry: RegistryServer,
    key: Path,
    sigstore: Sigstore,
    form: str,
) -> None:
    name = pushed(cli, registry, f"theirs-{form}-{sigstore.rekor}")
    flags: dict[str, tuple[str | Path, ...]] = {
        "bundle": ("--signing-config", cosign.no_log),
        "tag": ("--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false"),
        "logged": (
            *("--signing-config", sigstore.signing_config),
            *("--trusted-root", sigstore.trusted_root),
        ),
    }
    cosign("sign", "-y", "--key", cosign.key, *flags[form], name)
    said = ("--predicate", cosign.predicate, "--type", OWN)
    cosign("attest", "-y", "--key", cosign.key, *flags[form], *said, name)
    found = cli("verify", "--key", key.with_suffix(".pub"), name)
    assert "  the image is signed by this key\n" in found.stdout
    assert f"  attestation {OWN} is signed by this key\n" in found.stdout
    (proved,) = json.loads(
        cli("verify", "--key", key.with_suffix(".pub"), "--type", OWN, "-o", "json", name).stdout
    )["attestations"]
    assert json.dumps(proved["predicate"]).count('{"a": 1}') == 1


def test_cosign_verifies_what_is_signed_here_without_a_key(
    cli: Cli, cosign: Cosign, registry: RegistryServer, sigstore: Sigstore
) -> None:
    files = f"signing-config={sigstore.signing_config},trusted-root={sigstore.trusted_root}"
    name = pushed(
        cli, registry, f"keyless-{sigstore.rekor}", "--provenance", "--sbom", "--sign", files,
        SIGSTORE_ID_TOKEN=sigstore.token(),
    )  # fmt: skip
    root = ("--trusted-root", sigstore.trusted_root)
    assert "sign/v1" in cosign("verify", *IDENTITY, *root, name)
    for kind in ("slsaprovenance1", "spdxjson"):
        assert "payload" in cosign("verify-attestation", *IDENTITY, *root, "--type", kind, name)
    other = ("--certificate-identity", "eve@example.com", "--certificate-oidc-issuer", ISSUER)
    failed = cosign.attempt("verify", *other, *root, name)
    assert (failed.returncode, 'expected SAN value "eve@example.com"' in failed.stderr) == (1, True)


def test_we_verify_what_cosign_has_signed_without_a_key(
    cli: Cli, cosign: Cosign, registry: RegistryServer, sigstore: Sigstore
) -> None:
    name = pushed(cli, registry, f"keyless-theirs-{sigstore.rekor}")
    token = cosign.file("token", sigstore.token())
    root = ("--trusted-root", sigstore.trusted_root)
    services = ("--signing-config", sigstore.signing_config, *root, "--identity-token", token)
    cosign("sign", "-y", *services, name)
    said = ("--predicate", cosign.predicate, "--type", OWN)
    cosign("attest", "-y", *services, *said, name)
    found = cli("verify", *IDENTITY, *root, name)
    assert f"  the image is signed by {MARIA} ({ISSUER})\n" in found.stdout
    assert f"  attestation {OWN} is signed by {MARIA} ({ISSUER})\n" in found.stdout
    failed = cli.attempt("verify", *IDENTITY[:-1], "https://e.example.com", *root, name)
    assert (failed.returncode, "an identity of" in failed.stderr) == (4, True), failed.all


@pytest.mark.xdist_group("sigstore's own services")  # one of them has a port of its own
def test_with_sigstore_s_own_services(
    cli: Cli, registry: RegistryServer, real: RealSigstore
) -> None:
    files = f"signing-config={real.signing_config},trusted-root={real.trusted_root}"
    flags = ("--provenance", "--sbom", "--sign", files)
    name = pushed(cli, registry, "real", *flags, SIGSTORE_ID_TOKEN=real.token())
    found = cli("verify", *identity(real), name)
    assert found.stdout.count(f"is signed by {MARIA} ({real.issuer})\n") == 3
    failed = cli.attempt("verify", *identity(real, "eve@example.com"), name)
    assert (failed.returncode, "not by `eve@example.com`" in failed.stderr) == (4, True), failed.all
    unknown = real.token()[:-8] + "AAAAAAAA"
    services = ("--signing-config", real.signing_config, "--trusted-root", real.trusted_root)
    failed = cli.attempt("sign", *services, "--identity-token", unknown, name)
    assert (failed.returncode, "processing the identity token" in failed.stderr) == (6, True)


@pytest.mark.xdist_group("sigstore's own services")  # one of them has a port of its own
def test_with_sigstore_s_own_services_and_cosign(
    cli: Cli, cosign: Cosign, registry: RegistryServer, real: RealSigstore
) -> None:
    services = ("--signing-config", real.signing_config, "--trusted-root", real.trusted_root)
    name = pushed(cli, registry, "real-ours")
    cli("sign", *services, "--identity-token", real.token(), name)
    assert "sign/v1" in cosign("verify", *identity(real), name)
    theirs = pushed(cli, registry, "real-theirs")
    token = cosign.file("real-token", real.token())
    cosign("sign", "-y", *services, "--identity-token", token, theirs)
    assert f"signed by {MARIA}" in cli("verify", *identity(real), theirs).stdout
