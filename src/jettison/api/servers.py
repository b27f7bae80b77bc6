"""The servers that a session asks: registries, and the places of build caches.

In:  settings and the environment.
Out: one client each, made when it is first needed, the same one ever after.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jettison.settings import Settings

if TYPE_CHECKING:
    from jettison.registry.client import RegistryClient
    from jettison.remote.places import CachePlaces


class Servers:
    """Clients of one session; close them.

    Args:
        settings: What holds.
        environ: The process's environment.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._registry: RegistryClient | None = None
        self._places: CachePlaces | None = None

    @property
    def has_registry(self) -> bool:
        """Whether registries were needed so far."""
        return self._registry is not None

    def registry(self) -> RegistryClient:
        """Return the client of registries."""
        if self._registry is None:
            from jettison.registry.client import RegistryClient

            self._registry = RegistryClient.of_user(self._settings, self._environ)
        return self._registry

    def places(self) -> CachePlaces:
        """Return the caches in buckets and at services."""
        if self._places is None:
            from jettison.remote.places import CachePlaces

            self._places = CachePlaces(self._environ)
        return self._places

    def close(self) -> None:
        """Close all connections."""
        for each in (self._registry, self._places):
            if each is not None:
                each.close()
