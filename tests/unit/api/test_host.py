"""What the doctor says about this host, and when images can be built."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.api.host import HostCheck, can_build, examine_host
from jettison.errors import HostError
from jettison.settings import Settings

STORE = HostCheck("store", True, "", purpose="store")
SANDBOX = HostCheck("sandbox", True, "", purpose="sandbox")
BROKEN = HostCheck("sandbox 2", False, "no", purpose="sandbox")


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ([STORE, SANDBOX, BROKEN], True),
        ([STORE, BROKEN], False),
        ([SANDBOX], False),
        ([STORE, SANDBOX, HostCheck("git", False, "not found")], True),
    ],
)
def test_a_store_and_one_sandbox_are_enough(checks: list[HostCheck], expected: bool):
    assert can_build(checks) is expected


def test_without_a_namespace_the_reason_and_the_remedy_are_told(tmp_path: Path):
    problem = HostError("no subordinate ids", hint="run usermod")
    checks = examine_host(Settings(root=str(tmp_path / "store")), os.environ, problem=problem)
    sandbox = next(check for check in checks if check.purpose == "sandbox")
    assert (sandbox.works, sandbox.detail, sandbox.remedy) == (
        False,
        "no subordinate ids",
        "run usermod",
    )
    assert not can_build(checks)


def test_a_store_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("")
    problem = HostError("not tried")
    settings = Settings(root=str(tmp_path / "file"))
    store = examine_host(settings, os.environ, problem=problem)[0]
    assert (store.name, store.works) == ("store", False)
    assert store.remedy


def test_proxies_and_the_ca_bundle_are_told(tmp_path: Path):
    problem = HostError("not tried")
    environ = {"HTTPS_PROXY": "http://user:secret@proxy:3128", "HOME": str(tmp_path)}
    settings = Settings(root=str(tmp_path / "store"), ca_bundle=str(tmp_path / "missing.pem"))
    checks = {check.name: check for check in examine_host(settings, environ, problem=problem)}
    assert "HTTPS_PROXY" in checks["proxy"].detail
    assert "secret" not in checks["proxy"].detail
    assert checks["CA bundle"].works is False


def test_the_network_of_containers_is_told_with_what_is_missing(tmp_path: Path):
    problem = HostError("not tried")
    settings = Settings(root=str(tmp_path / "store"))
    checks = {check.name: check for check in examine_host(settings, os.environ, problem=problem)}
    network = checks["network of run"]
    own = network.detail.startswith("its own, through `/")
    assert own or network.detail.startswith("the host's: ")
    assert own or not network.works
    assert network.works or network.remedy  # a name server may not answer here
    assert "AppArmor" in checks
