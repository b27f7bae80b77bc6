"""Facts of layers that rules found, kept in the store by the layer's name.

In:  a session's memo of answers.
Out: ``KeptLayerFacts``; ``check.layer_facts.LayerFacts``.

All facts of a layer are one answer: it is read once, and written if a rule found one more.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from jettison import __version__
from jettison.cache.record import AnswerMemo
from jettison.check.layer_facts import LayerFact
from jettison.oci.digest import Digest, sha256_digest
from jettison.store.layer import LayerId

T = TypeVar("T")

_VERSION = f"layer-facts-{__version__}-1\0".encode()
_decoder = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])


class KeptLayerFacts:
    """Facts of layers.

    Args:
        answers: Of the store.
    """

    def __init__(self, answers: AnswerMemo) -> None:
        self._answers = answers
        self._layers: dict[LayerId, dict[str, msgspec.Raw]] = {}
        self._changed: set[LayerId] = set()

    def get(self, layer: LayerId, fact: LayerFact[T]) -> T | None:
        """Return the value of a fact, None if it is not kept."""
        kept = self._of(layer).get(fact.name)
        if kept is None:
            return None
        try:
            return msgspec.msgpack.decode(kept, type=fact.type)
        except msgspec.DecodeError:
            return None  # of another version

    def keep(self, layer: LayerId, fact: LayerFact[Any], value: object) -> None:
        """Keep the value of a fact, once ``save`` is called."""
        self._of(layer)[fact.name] = msgspec.Raw(msgspec.msgpack.encode(value))
        self._changed.add(layer)

    def save(self) -> None:
        """Write what is new."""
        for layer in self._changed:
            self._answers.keep(_question(layer), msgspec.msgpack.encode(self._layers[layer]))
        self._changed.clear()

    def _of(self, layer: LayerId) -> dict[str, msgspec.Raw]:
        known = self._layers.get(layer)
        if known is None:
            kept = self._answers.find(_question(layer))
            try:
                known = _decoder.decode(kept) if kept is not None else {}
            except msgspec.DecodeError:
                known = {}
            self._layers[layer] = known
        return known


def _question(layer: LayerId) -> Digest:
    return sha256_digest(_VERSION + layer.encode())
