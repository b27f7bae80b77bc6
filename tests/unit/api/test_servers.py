"""The clients of a session are made when they are needed, once, and are closed with it."""

from __future__ import annotations

from pathlib import Path

from jettison.api.servers import Servers
from jettison.api.session import Session
from jettison.settings import Settings


def test_a_client_is_made_when_it_is_needed_and_only_once() -> None:
    servers = Servers(Settings(), {"HOME": "/nonexistent"})
    assert not servers.has_registry
    assert servers.places() is servers.places()
    assert not servers.has_registry
    assert servers.registry() is servers.registry()
    assert servers.has_registry
    servers.close()
    Servers(Settings(), {}).close()


def test_a_session_has_one_of_each(tmp_path: Path) -> None:
    with Session.open(Settings(root=str(tmp_path / "store")), {}) as session:
        assert session.places() is session.places()
        assert session.registry() is session.registry()
