"""Agents that steps sign with: running ones, and own ones for key files."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from jettison.api.agent import agents
from jettison.errors import UsageError


@pytest.fixture
def environ() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}


def found(*texts: str, environ: dict[str, str]) -> dict[str, Path]:
    with ExitStack() as resources:
        return agents(texts, environ, resources)


def test_the_caller_s_agent_is_forwarded_under_any_id(tmp_path, environ):
    place = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        environ["SSH_AUTH_SOCK"] = str(place)
        assert found("", "default", "a", environ=environ) == {"default": place, "a": place}
        del environ["SSH_AUTH_SOCK"]
        assert found(f"b={place}", environ=environ) == {"b": place}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "--ssh a: no agent runs"),
        ("a=/nonexistent", "--ssh a: `/nonexistent` is neither a socket nor a key file"),
        ("a=/dev/null", "--ssh a: `/dev/null` is neither a socket nor a key file"),
    ],
)
def test_what_is_no_agent_is_an_error(environ, text, message):
    with pytest.raises(UsageError) as caught:
        found(text, environ=environ)
    assert caught.value.message == message


def test_a_key_file_gets_an_agent_of_its_own_that_ends(tmp_path, environ, need):
    need("ssh-agent")
    key = tmp_path / "key"
    make = [need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "mine", "-f", str(key)]
    subprocess.run(make, check=True)
    with ExitStack() as resources:
        place = agents([f"k={key}"], environ, resources)["k"]
        listing = subprocess.run(
            [need("ssh-add"), "-l"],
            env={**environ, "SSH_AUTH_SOCK": str(place)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "mine" in listing.stdout
    assert not place.parent.exists()


def test_a_key_that_is_none_is_an_error(tmp_path, environ, need):
    need("ssh-agent")
    (tmp_path / "key").write_text("no key")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(UsageError, match="--ssh k: a key cannot be used: "):
        found(f"k={tmp_path}/key", environ=environ)


def test_without_openssh_a_key_file_is_an_error(tmp_path):
    (tmp_path / "key").write_text("key")
    with pytest.raises(UsageError) as caught:
        found(f"k={tmp_path}/key", environ={"PATH": str(tmp_path)})
    assert caught.value.message == "--ssh k: `ssh-agent` and `ssh-add` are needed for a key file"
