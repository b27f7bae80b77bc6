"""Addresses of engines as users write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.engine.address import EngineAddress, TlsFiles, parse_address
from jettison.errors import UsageError

CERTIFICATES = TlsFiles(Path("/certs"))


@pytest.mark.parametrize(
    ("text", "scheme", "rest"),
    [
        ("unix:///run/docker.sock", "unix", ("/run/docker.sock", "", 0, "")),
        ("tcp://build.example", "tcp", ("", "build.example", 2375, "")),
        ("tcp://[::1]:99", "tcp", ("", "::1", 99, "")),
        ("http://127.0.0.1:5", "tcp", ("", "127.0.0.1", 5, "")),
        ("ssh://maria@build.example:2222", "ssh", ("", "build.example", 2222, "maria")),
        ("ssh://build/run/x.sock", "ssh", ("/run/x.sock", "build", 0, "")),
    ],
)
def test_every_form_of_docker_is_read(text: str, scheme: str, rest: tuple[str, str, int, str]):
    found = parse_address(text)
    assert found.scheme == scheme
    assert (found.path, found.host, found.port, found.user) == rest
    assert found.is_near == (scheme == "unix")


def test_tls_changes_the_port_and_only_tcp_has_it():
    assert parse_address("tcp://a", CERTIFICATES).port == 2376
    assert parse_address("https://a").tls is not None
    assert parse_address("unix:///a", CERTIFICATES).tls is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "docker", "/run/docker.sock", "unix://run/docker.sock", "npipe:////./pipe/docker"),
        *("tcp://", "tcp://a:99999", "tcp://a/path", "tcp://u@a", "tcp://a b", "fd://"),
        *(
            "ssh://-oProxyCommand=x",
            "ssh://-l@host",
            "ssh://a@-b",
            "ssh://a\n",
            "ssh://" + "a" * 2000,
        ),
    ],
)
def test_what_is_no_address_is_refused(text: str):
    with pytest.raises(UsageError, match="no address of an engine") as raised:
        parse_address(text)
    assert "unix:///run/docker.sock" in raised.value.hint


def test_an_address_shows_what_was_written():
    assert isinstance(parse_address("tcp://a"), EngineAddress)
    assert parse_address("tcp://a").text == "tcp://a"
