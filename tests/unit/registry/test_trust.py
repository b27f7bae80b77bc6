"""Servers are checked with the certificates of this system, wherever it keeps them."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jettison.errors import RegistryError
from jettison.linux import certificates
from jettison.oci.url import Url
from jettison.registry import trust
from jettison.registry.trust import tls_context

URL = Url.parse("https://registry.example/v2/")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A system whose bundle is not where this Python looks for it."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(Path(certificates.distribution_bundle()).read_text())
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    nowhere = ssl.DefaultVerifyPaths(None, None, "SSL_CERT_FILE", "/no/f", "SSL_CERT_DIR", "/no/d")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nowhere)
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: None)
    monkeypatch.setattr(certificates, "BUNDLES", ("/no/such/bundle", str(bundle)))
    return bundle


def test_the_distribution_s_bundle_counts_where_python_finds_none(elsewhere: Path) -> None:
    assert tls_context(URL, {}, insecure=False).cert_store_stats()["x509_ca"] > 0
    elsewhere.unlink()
    assert tls_context(URL, {}, insecure=False).cert_store_stats()["x509_ca"] == 0


def test_what_is_insecure_checks_nothing() -> None:
    context = tls_context(URL, {}, insecure=True)
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.check_hostname


def test_a_damaged_certificate_of_a_host_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "registry.example").mkdir()
    (tmp_path / "registry.example" / "ca.crt").write_text("nonsense")
    monkeypatch.setattr(trust, "_SYSTEM_DIRECTORIES", (str(tmp_path),))
    with pytest.raises(RegistryError, match="cannot load the certificates"):
        tls_context(URL, {}, insecure=False)


@pytest.fixture
def key_pair(tmp_path: Path, need: Callable[[str], str]) -> Path:
    """A directory with a self-signed certificate, its key, and the key with a password."""
    command = [need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt"]
    command += ["ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=test"]
    command += ["-keyout", f"{tmp_path}/key", "-out", f"{tmp_path}/crt"]
    subprocess.run(command, check=True, capture_output=True)
    locked = [command[0], "pkey", "-aes128", "-passout", "pass:x", "-in", f"{tmp_path}/key"]
    subprocess.run([*locked, "-out", f"{tmp_path}/locked"], check=True, capture_output=True)
    return tmp_path


@pytest.mark.parametrize("place", ["registry.example", "registry.example:443"])
@pytest.mark.parametrize("tool", ["containers", "docker"])
def test_certificates_of_the_user_s_directories_count(
    key_pair: Path, monkeypatch: pytest.MonkeyPatch, place: str, tool: str
) -> None:
    monkeypatch.setattr(trust, "_SYSTEM_DIRECTORIES", ())
    home = key_pair / "home"
    before = tls_context(URL, {"HOME": str(home)}, insecure=False).cert_store_stats()["x509_ca"]
    directory = home / ".config" / tool / "certs.d" / place
    directory.mkdir(parents=True)
    (key_pair / "crt").rename(directory / "ca.crt")
    for environ in ({"HOME": str(home)}, {"HOME": "/no", "XDG_CONFIG_HOME": f"{home}/.config"}):
        after = tls_context(URL, environ, insecure=False).cert_store_stats()["x509_ca"]
        assert after == before + 1


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"client.cert": "crt"}, "`client.key` beside it"),
        ({"client.key": "key"}, "`client.cert` beside it"),
        ({"client.cert": "crt", "client.key": "locked"}, "`client.cert`: "),
    ],
    ids=["no key", "no certificate", "password"],
)
def test_half_a_pair_and_a_key_with_a_password_are_told(
    key_pair: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], message: str
) -> None:
    directory = key_pair / "certs.d" / "registry.example"
    directory.mkdir(parents=True)
    for name, source in files.items():
        (directory / name).write_bytes((key_pair / source).read_bytes())
    monkeypatch.setattr(trust, "_SYSTEM_DIRECTORIES", (str(directory.parent),))
    with pytest.raises(RegistryError) as raised:
        tls_context(URL, {}, insecure=False)
    assert message in raised.value.message
    assert str(directory) in raised.value.message
