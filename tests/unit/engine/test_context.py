"""Which engine is meant: as docker's own client finds it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from jettison.engine.address import parse_address
from jettison.engine.context import (
    context_engine,
    default_engine,
    named_engine,
    podman_sockets,
)
from jettison.engine.select import find_engine, is_named
from jettison.errors import UsageError


def write_context(home: Path, name: str, meta: object, *, tls: bool = False) -> dict[str, str]:
    place = hashlib.sha256(name.encode()).hexdigest()
    directory = home / "contexts/meta" / place
    directory.mkdir(parents=True)
    text = meta if isinstance(meta, str) else json.dumps(meta)
    (directory / "meta.json").write_text(text)
    if tls:
        (home / "contexts/tls" / place / "docker").mkdir(parents=True)
    return {"DOCKER_CONFIG": str(home)}


def endpoint(host: str, *, unchecked: bool = False) -> dict[str, object]:
    found: dict[str, object] = {"Host": host}
    if unchecked:
        found["SkipTLSVerify"] = True
    return {"Name": "x", "Metadata": {}, "Endpoints": {"docker": found}}


def test_docker_host_comes_before_contexts(tmp_path: Path):
    environ = write_context(tmp_path, "there", endpoint("unix:///there"))
    (tmp_path / "config.json").write_text('{"currentContext": "there", "auths": {}}')
    assert named_engine(environ) == parse_address("unix:///there")
    environ["DOCKER_HOST"] = "tcp://here"
    environ["DOCKER_CONTEXT"] = "there"
    assert named_engine(environ) == parse_address("tcp://here")
    assert find_engine("", "there", environ) == parse_address("unix:///there")


def test_docker_context_comes_before_the_configuration(tmp_path: Path):
    environ = write_context(tmp_path, "one", endpoint("unix:///one"))
    (tmp_path / "config.json").write_text('{"currentContext": "missing"}')
    assert named_engine({**environ, "DOCKER_CONTEXT": "one"}) == parse_address("unix:///one")
    assert named_engine({**environ, "DOCKER_CONTEXT": "default"}) is None


def test_nothing_is_named_without_any(tmp_path: Path):
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    assert named_engine(environ) is None
    assert not is_named("", "", environ)
    assert find_engine("docker", "", environ) == default_engine()
    assert is_named("podman", "", environ)


def test_the_default_context_is_docker_host_or_the_usual_socket():
    assert context_engine("default", {}) == default_engine()
    assert context_engine("default", {"DOCKER_HOST": "unix:///x"}) == parse_address("unix:///x")


@pytest.mark.parametrize(("unchecked", "files"), [(False, True), (True, True), (True, False)])
def test_certificates_of_a_context_are_beside_it(tmp_path: Path, unchecked: bool, files: bool):
    environ = write_context(tmp_path, "a", endpoint("tcp://a", unchecked=unchecked), tls=files)
    found = context_engine("a", environ)
    assert found.port == 2376
    assert found.tls is not None
    assert found.tls.verify is not unchecked
    assert found.tls.directory.name == "docker"


def test_certificates_of_the_environment_are_docker_s(tmp_path: Path):
    environ = {"DOCKER_HOST": "tcp://a", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}
    found = named_engine(environ)
    assert found is not None
    assert found.tls is not None
    assert (str(found.tls.directory), found.tls.verify) == ("/c", True)
    del environ["DOCKER_CERT_PATH"]
    environ |= {"DOCKER_CONFIG": str(tmp_path), "DOCKER_TLS": "1", "DOCKER_TLS_VERIFY": ""}
    found = named_engine(environ)
    assert found is not None
    assert found.tls is not None
    assert (found.tls.directory, found.tls.verify) == (tmp_path, False)


@pytest.mark.parametrize(
    "meta",
    [
        "{",
        "[]",
        '{"Endpoints": 3}',
        '{"Endpoints": {"docker": []}}',
        "[" * 100_000,
        "x" * 2_000_000,
    ],
)
def test_a_damaged_context_is_told_with_its_file(tmp_path: Path, meta: str):
    environ = write_context(tmp_path, "a", meta)
    with pytest.raises(UsageError, match=r"meta\.json` is not what docker writes"):
        context_engine("a", environ)


def test_a_context_for_something_else_is_told(tmp_path: Path):
    environ = write_context(tmp_path, "k", {"Name": "k", "Endpoints": {"kubernetes": {}}})
    with pytest.raises(UsageError, match="names no engine of docker"):
        context_engine("k", environ)


@pytest.mark.parametrize("name", ["nobody", "../../etc", "a/b", ""])
def test_a_context_that_is_not_there_is_told(tmp_path: Path, name: str):
    with pytest.raises(UsageError, match=r"no context|no name of a context"):
        context_engine(name, {"DOCKER_CONFIG": str(tmp_path)})


def test_podman_is_its_socket_where_there_is_one(tmp_path: Path):
    assert podman_sockets({}, 0) == ["/run/podman/podman.sock"]
    assert podman_sockets({"XDG_RUNTIME_DIR": "/r"}, 7) == ["/r/podman/podman.sock"]
    assert find_engine("podman", "", {"CONTAINER_HOST": "unix:///p"}) == parse_address("unix:///p")
    with pytest.raises(UsageError, match="no engine of docker's contexts"):
        find_engine("podman", "a", {})
