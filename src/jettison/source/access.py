"""What the sources of a build may use to reach servers.

In:  the caller's environment, the secrets of the build.
Out: ``Access``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

Secrets = Callable[[str], bytes | None]
"""Returns the value of a secret of the build, or None."""


def no_secrets(_name: str) -> bytes | None:
    """Know no secret."""
    return None


class Access(msgspec.Struct, frozen=True):
    """How servers are reached.

    Args:
        environ: Of the caller: PATH, HOME (for ssh), proxies.
        secrets: Finds secrets by name: ``HTTP_AUTH_TOKEN_<host>``, ``GIT_AUTH_TOKEN`` and the like.
        offline: Whether only what is kept may be used.
    """

    environ: Mapping[str, str]
    secrets: Secrets = no_secrets
    offline: bool = False
