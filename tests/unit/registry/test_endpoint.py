"""Hosts, mirrors, rewrites and insecure registries."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.errors import RegistryError, UsageError
from jettison.oci.reference import parse_reference
from jettison.registry.endpoint import RegistryHosts, registry_hosts
from jettison.registry.registries_conf import MirrorRule, RegistryRule
from jettison.settings import Settings


def places(hosts: RegistryHosts, text: str, *, push: bool = False) -> list[str]:
    found = hosts.endpoints(parse_reference(text), push=push)
    return [
        f"{e.scheme or '?'} {e.host}/{e.repository}{' insecure' if e.insecure else ''}"
        for e in found
    ]


def test_docker_io_is_served_by_its_own_host():
    (endpoint,) = RegistryHosts().endpoints(parse_reference("python:3.11"))
    assert (endpoint.host, endpoint.repository) == ("registry-1.docker.io", "library/python")
    assert endpoint.registry == "docker.io"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.8.9.1", True),
        ("127.1:5000", True),
        ("[::1]:5000", True),
        ("[::ffff:127.0.0.1]:5000", True),
        ("registry.localhost", True),
        ("127.0.0.1.evil.example", False),
        ("example.org", False),
        ("127.example.org", False),
        ("[::2]:5000", False),
    ],
)
def test_loopback_hosts_are_insecure(host, expected):
    assert RegistryHosts().endpoint(host).insecure is expected


@pytest.mark.parametrize(
    "mirror", ["u:s3cret@m.example", "m.example:99999", "ftp://m.example", "a b", "m.example\\x"]
)
def test_a_mirror_that_is_no_address_is_told_without_its_password(mirror):
    with pytest.raises(RegistryError, match="is no host of a registry") as raised:
        RegistryHosts(mirrors=(mirror,)).endpoints(parse_reference("python:3"))
    assert "s3cret" not in str(raised.value)


def test_mirrors_of_docker_io_come_first_and_get_no_push():
    hosts = RegistryHosts(mirrors=("http://mirror.example:81", "other.example/hub"))
    assert places(hosts, "python:3") == [
        "http mirror.example:81/library/python",
        "? other.example/hub/library/python",
        "? registry-1.docker.io/library/python",
    ]
    assert places(hosts, "python:3", push=True) == ["? registry-1.docker.io/library/python"]
    assert places(hosts, "ghcr.io/a/b:1") == ["? ghcr.io/a/b"]


def test_mirrors_of_other_registries_have_their_names_in_front():
    hosts = RegistryHosts(mirrors=("ghcr.io=http://127.0.0.1:81/ghcr", "docker.io=hub.example"))
    assert places(hosts, "ghcr.io/a/b:1") == [
        "http 127.0.0.1:81/ghcr/a/b insecure",
        "? ghcr.io/a/b",
    ]
    assert places(hosts, "python:3")[0] == "? hub.example/library/python"
    assert places(hosts, "quay.io/a:1") == ["? quay.io/a"]


def test_settings_name_insecure_registries():
    hosts = registry_hosts(Settings(insecure_registries=("lab.example:5000",)), {})
    assert places(hosts, "lab.example:5000/a:1") == ["? lab.example:5000/a insecure"]
    assert places(hosts, "lab.example/a:1") == ["? lab.example/a"]


def test_the_longest_prefix_rewrites(tmp_path: Path):
    path = tmp_path / "registries.conf"
    path.write_text(
        """
        unqualified-search-registries = ["docker.io"]
        [[registry]]
        prefix = "docker.io"
        location = "docker.io"
        [[registry.mirror]]
        location = "127.0.0.1:5000"
        insecure = true
        [[registry]]
        prefix = "docker.io/library"
        location = "internal.example/base"
        [[registry]]
        prefix = "*.corp.example"
        location = "gate.example/corp"
        """
    )
    hosts = registry_hosts(Settings(), {"CONTAINERS_REGISTRIES_CONF": str(path)})
    assert places(hosts, "python:3") == ["? internal.example/base/python"]
    assert places(hosts, "org/app:1") == [
        "? 127.0.0.1:5000/org/app insecure",
        "? registry-1.docker.io/org/app",
    ]
    assert places(hosts, "a.corp.example/x:1") == ["? gate.example/corp/x"]


def test_a_prefix_ends_at_a_part_of_the_name():
    hosts = RegistryHosts(rules=(RegistryRule(prefix="example.org/a", location="other.example/a"),))
    assert places(hosts, "example.org/ab:1") == ["? example.org/ab"]
    assert places(hosts, "example.org/a/b:1") == ["? other.example/a/b"]


def test_a_blocked_registry_is_refused():
    hosts = RegistryHosts(rules=(RegistryRule(prefix="bad.example", blocked=True),))
    with pytest.raises(RegistryError, match="blocked"):
        hosts.endpoints(parse_reference("bad.example/x:1"))


def test_a_mirror_keeps_the_rest_of_the_name():
    rule = RegistryRule(location="example.org", mirror=(MirrorRule("m.example/cache"),))
    assert places(RegistryHosts(rules=(rule,)), "example.org/a/b:1") == [
        "? m.example/cache/a/b",
        "? example.org/a/b",
    ]


@pytest.mark.parametrize("text", ["[[registry]", "[[registry]]\nprefix = 1", None])
def test_a_broken_file_is_told(tmp_path: Path, text):
    path = tmp_path / "registries.conf"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=r"registries\.conf"):
        registry_hosts(Settings(), {"CONTAINERS_REGISTRIES_CONF": str(path)})
