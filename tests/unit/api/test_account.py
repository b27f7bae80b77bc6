"""Credentials are kept only when a registry takes them."""

from __future__ import annotations

import json

import pytest

from jettison.api.account import login, logout
from jettison.errors import AuthenticationError, RegistryUnavailableError
from jettison.settings import Settings
from server_rig import DIRECT, serving
from unit.registry.conftest import ScriptedRegistry


@pytest.fixture
def registry():
    scripted = ScriptedRegistry()
    with serving(scripted.respond) as scripted.host:
        yield scripted


@pytest.fixture
def environ(tmp_path) -> dict[str, str]:
    return {**DIRECT, "HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path / "docker")}


def test_what_a_registry_takes_is_kept_until_logout(registry, environ, tmp_path):
    registry.give("GET /v2/", 200)
    registry.give("GET /v2/", 401, WWW_Authenticate="Basic realm=x")
    registry.give("GET /v2/", 200)
    place = login(Settings(), environ, registry.host, "me", "secret")
    assert place == str(tmp_path / "docker/config.json")
    kept = json.loads((tmp_path / "docker/config.json").read_text())
    assert kept["auths"] == {registry.host: {"auth": "bWU6c2VjcmV0"}}
    assert (tmp_path / "docker/config.json").stat().st_mode & 0o077 == 0
    assert logout(environ, registry.host)
    assert not logout(environ, registry.host)


def test_what_it_refuses_is_not_kept(registry, environ, tmp_path):
    registry.give("GET /v2/", 401, WWW_Authenticate="Basic realm=x")
    with pytest.raises(AuthenticationError) as caught:
        login(Settings(), environ, registry.host, "me", "secret")
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "docker").exists()


def test_a_registry_that_is_not_there_is_told(environ, tmp_path):
    with pytest.raises(RegistryUnavailableError, match=r"127\.0\.0\.1:1"):
        login(Settings(), environ, "127.0.0.1:1", "me", "secret")
    assert not (tmp_path / "docker").exists()
