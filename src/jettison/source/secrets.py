"""Secrets of a build that sources may ask for, by name."""

from __future__ import annotations

from collections.abc import Callable

Secrets = Callable[[str], bytes | None]
"""Returns the value of a secret of the build, or None."""


def no_secrets(_name: str) -> bytes | None:
    """Know no secret."""
    return None
