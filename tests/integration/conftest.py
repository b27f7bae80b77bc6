"""Real servers for the tests of this directory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from registry_server import RegistryServer


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A registry without authentication."""
    with RegistryServer(tmp_path_factory.mktemp("registry")) as server:
        yield server


@pytest.fixture(scope="session")
def basic_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A registry that wants a user name and a password."""
    with RegistryServer(tmp_path_factory.mktemp("basic"), "basic") as server:
        yield server


@pytest.fixture
def bearer_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A registry that wants tokens of a token server."""
    with RegistryServer(tmp_path_factory.mktemp("bearer"), "bearer") as server:
        yield server
