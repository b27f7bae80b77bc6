"""Real servers for the tests of this directory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from registry_server import VERSIONS, RegistryServer, program_of

Factory = pytest.TempPathFactory


@pytest.fixture(scope="session", params=VERSIONS)
def registry(request: pytest.FixtureRequest, tmp_path_factory: Factory) -> Iterator[RegistryServer]:
    """A registry without authentication."""
    program = program_of(request.param)
    with RegistryServer(tmp_path_factory.mktemp("registry"), program=program) as server:
        yield server


@pytest.fixture(scope="session", params=VERSIONS)
def basic_registry(
    request: pytest.FixtureRequest, tmp_path_factory: Factory
) -> Iterator[RegistryServer]:
    """A registry that wants a user name and a password."""
    program = program_of(request.param)
    with RegistryServer(tmp_path_factory.mktemp("basic"), "basic", program) as server:
        yield server


@pytest.fixture(params=VERSIONS)
def bearer_registry(
    request: pytest.FixtureRequest, tmp_path_factory: Factory
) -> Iterator[RegistryServer]:
    """A registry that wants tokens of a token server."""
    program = program_of(request.param)
    with RegistryServer(tmp_path_factory.mktemp("bearer"), "bearer", program) as server:
        yield server
