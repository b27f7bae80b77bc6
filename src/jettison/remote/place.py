"""Where a cache is: a value that says it without the credentials.

In:  a type and attributes of ``--cache-from`` and ``--cache-to``.
Out: ``CachePlace``; two that are equal are the same cache.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

REGISTRY, LOCAL, INLINE, S3, GHA = "registry", "local", "inline", "s3", "gha"


class Secrets(msgspec.Struct, frozen=True):
    """Credentials by the names of their attributes; texts do not show them."""

    values: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return "Secrets(…)"

    def get(self, name: str) -> str:
        """Return one, empty if it was not given."""
        return dict(self.values).get(name, "")


class CachePlace(msgspec.Struct, frozen=True):
    """Where a cache is.

    Args:
        kind: ``registry``, ``local``, ``inline``, ``s3`` or ``gha``.
        place: Reference, directory, or name in a bucket; the scope of ``gha``.
        tag: Of a directory.
        details: Attributes that say where it is, by name, sorted; without those that the
            environment says.
        secrets: Credentials that were given.
    """

    kind: str
    place: str = ""
    tag: str = "latest"
    details: tuple[tuple[str, str], ...] = ()
    secrets: Secrets = Secrets()

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.kind} cache `{self.place}`" if self.place else f"{self.kind} cache"

    def detail(self, name: str, default: str = "") -> str:
        """Return an attribute."""
        return dict(self.details).get(name) or default


def placed(
    kind: str,
    place: str,
    given: Mapping[str, str],
    *,
    details: frozenset[str],
    secrets: frozenset[str],
) -> CachePlace:
    """Return the place that attributes say.

    Args:
        kind: Its type.
        place: Its name.
        given: All attributes; empty ones were not given.
        details: Names of those that say where it is.
        secrets: Names of credentials.
    """

    def chosen(names: frozenset[str]) -> tuple[tuple[str, str], ...]:
        return tuple((each, given[each]) for each in sorted(names & given.keys()) if given[each])

    return CachePlace(kind, place, details=chosen(details), secrets=Secrets(chosen(secrets)))
