"""Docker's config.json: reading, writing, helpers."""

from __future__ import annotations

import base64
import json
import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from jettison.errors import AuthenticationError, UsageError
from jettison.registry.credentials import Credentials, CredentialStore, server_key

HELPER = """#!/bin/sh
# Keeps one secret per server in files beside itself.
dir=$(dirname "$0")
read -r input
case "$1" in
store) echo "$input" > "$dir/secret" ;;
get)
    if [ "$input" = "broken.example" ]; then echo "locked: hunter2"; exit 1; fi
    if [ ! -e "$dir/secret" ]; then echo "credentials not found in native keychain"; exit 1; fi
    cat "$dir/secret" ;;
erase) rm -f "$dir/secret" ;;
esac
"""


@pytest.fixture
def store(tmp_path: Path) -> CredentialStore:
    return CredentialStore.of_user({"DOCKER_CONFIG": str(tmp_path / "docker"), "HOME": "/nowhere"})


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "bin"
    directory.mkdir()
    program = directory / "docker-credential-test"
    program.write_text(HELPER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    return directory


def write(store: CredentialStore, config: object) -> None:
    store.path.parent.mkdir(exist_ok=True)
    store.path.write_text(json.dumps(config))


def test_nothing_is_known_without_a_file(store):
    assert store.get("example.org") is None
    assert store.erase("example.org") is False
    assert not store.path.exists()


def test_what_was_put_is_got_and_only_the_user_can_read_it(store):
    place = store.put("example.org:5000", Credentials("maria", "open sesame"))
    assert place == str(store.path)
    assert store.get("example.org:5000") == Credentials("maria", "open sesame")
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert store.get("example.org") is None
    assert store.erase("example.org:5000") is True
    assert store.get("example.org:5000") is None


def test_other_keys_of_the_file_stay(store):
    write(
        store,
        {
            "auths": {"other.example": {"auth": "eDp5"}},
            "detachKeys": "ctrl-e",
            "plugins": {"a": {"b": "c"}},
        },
    )
    store.put("example.org", Credentials("u", "p"))
    store.erase("example.org")
    found = json.loads(store.path.read_text())
    assert found["detachKeys"] == "ctrl-e"
    assert found["plugins"] == {"a": {"b": "c"}}
    assert found["auths"] == {"other.example": {"auth": "eDp5"}}


def test_docker_io_has_its_historic_key(store):
    store.put("docker.io", Credentials("u", "p"))
    assert list(json.loads(store.path.read_text())["auths"]) == ["https://index.docker.io/v1/"]
    assert store.get("docker.io") == Credentials("u", "p")
    assert store.get("registry-1.docker.io") == Credentials("u", "p")
    assert server_key("ghcr.io") == "ghcr.io"


@pytest.mark.parametrize(
    "key", ["https://example.org", "https://example.org/v2/", "example.org/v1", "EXAMPLE.org"]
)
def test_keys_may_be_urls(store, key):
    write(store, {"auths": {key: {"auth": base64.b64encode(b"u:p:with:colons").decode()}}})
    assert store.get("example.org") == Credentials("u", "p:with:colons")


def test_plain_fields_and_identity_tokens_are_read(store):
    write(
        store,
        {
            "auths": {
                "a.example": {"username": "u", "password": "p"},
                "b.example": {"identitytoken": "t"},
                "c.example": {},
            }
        },
    )
    assert store.get("a.example") == Credentials("u", "p")
    assert store.get("b.example") == Credentials(identity_token="t")
    assert store.get("c.example") is None


def test_a_linked_file_stays_a_link(store, tmp_path: Path):
    real = tmp_path / "real.json"
    real.write_text("{}")
    store.path.parent.mkdir()
    store.path.symlink_to(real)
    store.put("example.org", Credentials("u", "p"))
    assert store.path.is_symlink()
    assert "example.org" in real.read_text()


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", '{"auths": {"example.org": {"auth": "c2VjcmV0LXdpdGhvdXQtcGFkZGluZw="}}', "\xff"],
)
def test_a_broken_file_is_told_without_its_content(store, text):
    store.path.parent.mkdir()
    store.path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError) as raised:
        store.get("example.org")
    assert "c2VjcmV0" not in str(raised.value)


def test_an_auth_that_is_no_base64_is_told_without_it(store):
    write(store, {"auths": {"example.org": {"auth": "!secret!"}}})
    with pytest.raises(UsageError) as raised:
        store.get("example.org")
    assert "secret" not in str(raised.value)
    assert "jettison login" in raised.value.hint


@pytest.mark.parametrize(
    "config", [{"credsStore": "test"}, {"credHelpers": {"example.org": "test"}}]
)
def test_helpers_keep_secrets_out_of_the_file(store, helper, config):
    write(store, config)
    assert store.get("example.org") is None
    assert store.put("example.org", Credentials("maria", "open sesame")) == "docker-credential-test"
    assert "sesame" not in store.path.read_text()
    assert store.get("example.org") == Credentials("maria", "open sesame")
    assert store.erase("example.org") is True
    assert store.get("example.org") is None


def test_a_helper_for_one_registry_says_nothing_of_others(store, helper):
    write(store, {"credHelpers": {"example.org": "test"}, "auths": {"b.example": {"auth": "dTpw"}}})
    assert store.get("b.example") == Credentials("u", "p")


def test_a_failing_helper_is_told_without_what_it_says(store, helper):
    write(store, {"credsStore": "test"})
    with pytest.raises(AuthenticationError, match="docker-credential-test get") as raised:
        store.get("broken.example")
    assert "hunter2" not in str(raised.value)


def test_a_missing_helper_is_told(store, helper):
    write(store, {"credsStore": "absent"})
    with pytest.raises(AuthenticationError, match="docker-credential-absent"):
        store.get("example.org")


def test_a_helper_is_never_a_path(store):
    write(store, {"credsStore": "../../tmp/evil"})
    with pytest.raises(UsageError, match="plain name"):
        store.get("example.org")


def test_secrets_are_not_in_the_text_of_credentials():
    text = repr(Credentials("maria", "open sesame", "identity", "registry"))
    assert "maria" in text
    assert not any(word in text for word in ("sesame", "identity", "registry"))


@pytest.mark.parametrize(
    "config",
    [
        {"auths": []},
        {"auths": None},
        {"auths": "x"},
        {"auths": {"r.example": []}},
        {"credHelpers": [], "credsStore": None},
        {"credHelpers": {"r.example": 7}},
        {"credsStore": "a\0b"},
        {"credsStore": "../evil"},
        {"credsStore": "-x"},
        {"auths": {"r.example": {"auth": "ünïcode"}}},
        {"auths": {"r.example": {"auth": 5, "username": []}}},
        {"auths": {"r.example": {"registrytoken": "a\r\nX-Evil: b"}}},
    ],
)
def test_a_config_of_any_shape_is_read_or_told(tmp_path: Path, config: object) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    store = CredentialStore(path)
    with suppress(UsageError, AuthenticationError):  # nothing else
        store.get("r.example")
    path.write_text(json.dumps(config))
    with suppress(UsageError, AuthenticationError):
        store.put("r.example", Credentials("u", "p"))
        assert store.get("r.example") == Credentials("u", "p")
    with suppress(UsageError, AuthenticationError):
        store.erase("r.example")


def test_a_config_that_is_a_pipe_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(UsageError, match="no regular file"):
        CredentialStore(tmp_path / "config.json").get("r.example")
