"""Credentials of a build that its sources may ask for.

In:  a ``BuildRequest``.
Out: what finds secrets by name.
"""

from __future__ import annotations

from jettison.api.request import BuildRequest
from jettison.source.secrets import Secrets


def secrets_of(request: BuildRequest) -> Secrets:
    """Return what finds the secrets of a build by name; it reads them when they are asked for."""
    by_id = {each.id: each for each in request.secrets}

    def find(name: str) -> bytes | None:
        if name not in by_id:
            return None
        from jettison.api.execution import is_unset, secret_value  # noqa: PLC0415 - few ask

        return None if is_unset(by_id[name]) else secret_value(by_id[name])

    return find
