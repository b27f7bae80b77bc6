"""Named contexts: which of them a name in the file means.

In:  the request's contexts by name: ``name``, or ``name::os/architecture``.
Out: the context of a stage's or an image's name.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from jettison.errors import InvalidReferenceError
from jettison.frontend.base import ImageContext, NamedContext
from jettison.oci.platform import Platform
from jettison.oci.reference import parse_reference

SCRATCH = "scratch"
_RESERVED = frozenset({SCRATCH, "context"})
_SCRATCH_REFERENCES = frozenset({SCRATCH, "docker.io/library/scratch:latest"})


class ContextBase(msgspec.Struct, frozen=True):
    """A base that is a named context; ``key`` is its name as the request spells it."""

    key: str
    context: NamedContext

    @property
    def is_scratch(self) -> bool:
        """Whether the context is the empty image."""
        context = self.context
        return isinstance(context, ImageContext) and context.reference in _SCRATCH_REFERENCES


class Contexts:
    """The named contexts of a build.

    Args:
        contexts: By the names that the request gives.
        platform: What the image is for.
    """

    def __init__(self, contexts: Mapping[str, NamedContext], platform: Platform) -> None:
        self._by_name = {_familiar(key): ContextBase(key, contexts[key]) for key in contexts}
        self._platform = platform
        self._found: dict[tuple[str, Platform | None], ContextBase | None] = {}

    def find(self, name: str, platform: Platform | None) -> ContextBase | None:
        """Return the context of a name, one for the platform first; None platform is the build's.

        >>> from jettison.frontend.base import LocalContext
        >>> from jettison.oci.platform import parse_platform
        >>> contexts = Contexts({"alpine": LocalContext()}, parse_platform("linux/amd64"))
        >>> contexts.find("docker.io/library/alpine:latest", None).key
        'alpine'
        """
        if not self._by_name or name.lower() in _RESERVED:
            return None
        asked = (name, platform)
        if asked not in self._found:  # a stage's name is asked for eight times
            self._found[asked] = self._look_up(name, platform)
        return self._found[asked]

    def _look_up(self, name: str, platform: Platform | None) -> ContextBase | None:
        familiar = _familiar(name)
        found = self._by_name.get(f"{familiar}::{platform or self._platform}")
        return found or self._by_name.get(familiar)


def _familiar(name: str) -> str:
    """Return docker's short form of a name, without ``:latest``."""
    head, separator, platform = name.partition("::")
    try:
        reference = parse_reference(head)
    except InvalidReferenceError:
        return name
    return reference.familiar.removesuffix(":latest") + separator + platform
