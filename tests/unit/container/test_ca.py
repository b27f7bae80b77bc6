"""Certificate bundles and proxies for RUN steps."""

from __future__ import annotations

import pytest

from jettison.container import ca
from jettison.errors import UsageError
from jettison.linux import certificates


def test_no_choice_is_no_mount():
    assert ca.authorities("", {}) is None


def test_a_file_is_mounted_read_only_and_every_program_is_told(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("pem")
    made = ca.authorities(str(bundle), {})
    assert made is not None
    assert (made.mount.source, made.mount.target) == (bundle, "/dev/jettison/ca-bundle.pem")
    assert made.mount.readonly
    assert "PIP_CERT=/dev/jettison/ca-bundle.pem" in made.env
    assert {entry.split("=")[0] for entry in made.env} == set(ca.VARIABLES)


def test_the_host_s_bundle_is_the_one_it_names_itself(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("pem")
    made = ca.authorities("host", {"SSL_CERT_FILE": str(bundle)})
    assert made is not None
    assert made.mount.source == bundle


def test_a_missing_bundle_is_the_user_s_mistake(tmp_path):
    with pytest.raises(UsageError, match="not a file"):
        ca.authorities(str(tmp_path / "none"), {})


def test_a_host_without_a_bundle_is_told_to_name_one(monkeypatch):
    monkeypatch.setattr(certificates, "BUNDLES", ())
    with pytest.raises(UsageError, match="no certificate bundle") as caught:
        ca.authorities("host", {})
    assert "--ca-bundle" in caught.value.hint


def test_proxies_are_passed_on_in_the_spelling_that_is_set():
    environ = {"HTTP_PROXY": "http://p", "no_proxy": "lan", "https_proxy": "", "PATH": "/bin"}
    assert ca.proxies(environ) == {"HTTP_PROXY": "http://p", "no_proxy": "lan"}
