"""Servers are checked with the certificates of this system, wherever it keeps them."""

from __future__ import annotations

import ssl
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
    assert tls_context(URL, insecure=False).cert_store_stats()["x509_ca"] > 0
    elsewhere.unlink()
    assert tls_context(URL, insecure=False).cert_store_stats()["x509_ca"] == 0


def test_what_is_insecure_checks_nothing() -> None:
    context = tls_context(URL, insecure=True)
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.check_hostname


def test_a_damaged_certificate_of_a_host_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "registry.example").mkdir()
    (tmp_path / "registry.example" / "ca.crt").write_text("nonsense")
    monkeypatch.setattr(trust, "_CERTIFICATE_DIRECTORIES", (str(tmp_path),))
    with pytest.raises(RegistryError, match="cannot load the certificates"):
        tls_context(URL, insecure=False)
