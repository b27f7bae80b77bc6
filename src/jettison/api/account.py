"""Credentials of registries: checked before they are kept.

In:  what a user typed.
Out: where they are kept, as docker keeps them.

Security: a password is in no message and no log.
"""

from __future__ import annotations

from collections.abc import Mapping

from jettison.registry.client import RegistryClient
from jettison.registry.credentials import Credentials, CredentialStore
from jettison.settings import Settings


def login(
    settings: Settings, environ: Mapping[str, str], registry: str, username: str, password: str
) -> str:
    """Check credentials with a registry and keep them; return where.

    Raises:
        AuthenticationError: the registry refuses them; nothing is kept.
        RegistryUnavailableError: it does not answer.
    """
    credentials = Credentials(username, password)
    with RegistryClient.of_user(settings, environ) as client:
        client.check(registry, credentials)
    return CredentialStore.of_user(environ).put(registry, credentials)


def logout(environ: Mapping[str, str], registry: str) -> bool:
    """Forget the credentials of a registry; return whether there were any."""
    return CredentialStore.of_user(environ).erase(registry)
