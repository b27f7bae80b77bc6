"""Real servers for the tests of this directory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from host_tools import go_program
from registry_server import RegistryServer

Factory = pytest.TempPathFactory


def program_of(version: str) -> str:
    """Return the program of a version of docker's registry; Debian's has no path."""
    return go_program("distribution") if version == "distribution3" else ""


@pytest.fixture(scope="session", params=["distribution2", "distribution3"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: Factory) -> Iterator[RegistryServer]:
    """A registry without authentication."""
    program = program_of(request.param)
    with RegistryServer(tmp_path_factory.mktemp("registry"), program=program) as server:
        yield server


@pytest.fixture(scope="session", params=["distribution2", "distribution3"])
def basic_registry(
    request: pytest.FixtureRequest, tmp_path_factory: Factory
) -> Iterator[RegistryServer]:
    """A registry that wants a user name and a password."""
    program = program_of(request.param)
    with RegistryServer(tmp_path_factory.mktemp("basic"), "basic", program) as server:
        yield server


@pytest.fixture(params=["distribution2", "distribution3"])
def bearer_registry(
    request: pytest.FixtureRequest, tmp_path_factory: Factory
) -> Iterator[RegistryServer]:
    """A registry that wants tokens of a token server."""
    program = program_of(request.param)
    with RegistryServer(tmp_path_factory.mktemp("bearer"), "bearer", program) as server:
        yield server
