"""What rules know of single layers: found once a layer, kept by whoever has a store.

In:  the listing of a layer.
Out: ``LayerFact``, whose value depends on the listing alone; ``Marks``: which entries a rule looks
     at; ``LayerFacts``, a protocol.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from jettison.fs.listing import Listing
from jettison.store.layer import LayerId

T = TypeVar("T")

Wanted = Callable[[str, int], bool]
"""Tells by path and mode whether an entry matters: most do not, and are looked at no further."""


class LayerFact(Generic[T]):
    """Something that can be said of a layer.

    Args:
        name: By which its value is kept: who finds something else has another name.
        find: Finds it in a listing.
        type: Of the value, for decoding.
        of_sizes: Whether it depends on sizes or digests of files: of others ``find`` gets none.
    """

    def __init__(
        self,
        name: str,
        find: Callable[[Listing], T],
        type: type[T],  # noqa: A002
        *,
        of_sizes: bool = False,
    ) -> None:
        self.of_sizes = of_sizes
        self.name = name
        self.find = find
        self.type = type


class Marks(LayerFact[list[int]]):
    """Which entries of a layer are wanted: their numbers.

    Args:
        name: As of ``LayerFact``.
        wanted: Tells whether one is.
    """

    def __init__(self, name: str, wanted: Wanted) -> None:
        def find(listing: Listing) -> list[int]:
            entries = enumerate(zip(listing.paths, listing.modes, strict=True))
            return [entry for entry, (path, mode) in entries if wanted(path, mode)]

        super().__init__(name, find, list[int])


class LayerFacts(Protocol):
    """Keeps facts of layers."""

    def get(self, layer: LayerId, fact: LayerFact[T]) -> T | None:
        """Return the value of a fact, None if it is not kept."""
        ...

    def keep(self, layer: LayerId, fact: LayerFact[Any], value: object) -> None:
        """Keep one."""
        ...


class _Nothing:
    """Keeps nothing."""

    def get(self, _layer: LayerId, _fact: LayerFact[T]) -> T | None:
        """Return nothing."""
        return None

    def keep(self, layer: LayerId, fact: LayerFact[Any], value: object) -> None:
        """Forget it."""


def digest_of(value: object) -> bytes:
    """Return a digest of the value of a fact."""
    ordered = sorted(value.items()) if isinstance(value, dict) else value
    return hashlib.sha256(msgspec.msgpack.encode(ordered)).digest()


NO_LAYER_FACTS: LayerFacts = _Nothing()
