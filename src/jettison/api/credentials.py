"""What the sources of a build may use: the caller's environment, secrets of the request.

In:  a session, a ``BuildRequest``.
Out: ``Access``.
"""

from __future__ import annotations

from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.source.access import Access


def access_of(session: Session, request: BuildRequest) -> Access:
    """Return how the sources of a build reach servers; secrets are read when they are asked for."""
    by_id = {each.id: each for each in request.secrets}

    def find(name: str) -> bytes | None:
        if name not in by_id:
            return None
        from jettison.api.execution import is_unset, secret_value  # few ask

        secret = by_id[name]
        return None if is_unset(secret, session.environ) else secret_value(session, secret)

    return Access(session.environ, find, request.offline)
