"""Facts of sizes tell all that rules ask of them, and are the same where nothing is large."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from jettison.check.layer_facts import LayerFact, digest_of
from jettison.check.rules.ms604 import _may_repeat
from jettison.check.size_facts import (
    EMPTY_PROGRAMS,
    LARGE,
    LARGE_BYTES,
    REPEATED,
    SIZE_FACTS,
    SIZES,
)
from jettison.fs.listing import Listing

MEGABYTE = 1_000_000


def listing(sizes: list[int], mode: int = 0o100644, name: str = "file") -> Listing:
    zeros = [0] * len(sizes)
    paths = [f"/{name}{number}" for number in range(len(sizes))]
    return Listing(paths, [mode] * len(sizes), zeros, zeros, sizes)


class Layers:
    """A subject of which only the sizes of layers are asked for."""

    def __init__(self, layers: list[list[int]]) -> None:
        self.listings = list(map(listing, layers))
        self.provenance = self.image = self.record = self
        self.layers, self.target = layers, 0

    def of_layer(self, fact: LayerFact[object], _stage: int, position: int) -> object:
        return fact.find(self.listings[position])


@pytest.mark.parametrize("seed", range(300))
def test_no_size_that_many_files_have_is_missed(seed: int) -> None:
    chance = random.Random(seed)
    sizes = [chance.randrange(1, 10 ** chance.randrange(1, 8)) for _ in range(4)]
    layers = [
        chance.choices(sizes, k=chance.randrange(400)) for _ in range(chance.choice([1, 3, 15, 20]))
    ]
    counts: Counter[int] = sum(map(Counter, layers), Counter())
    if any(size * (count - 1) >= MEGABYTE for size, count in counts.items()):
        assert _may_repeat(Layers(layers))


def test_layers_of_small_files_have_the_same_facts() -> None:
    one, other = listing([1, 200, 3000]), listing([2, 100, 4000])
    for fact in (LARGE, REPEATED, EMPTY_PROGRAMS):
        assert digest_of(fact.find(one)) == digest_of(fact.find(other))
    assert not _may_repeat(Layers([[1, 200, 3000], [200]]))


def test_values_of_facts_are_told_apart() -> None:
    assert LARGE.find(listing([LARGE_BYTES - 1, LARGE_BYTES])) == [1]
    assert LARGE.find(listing([LARGE_BYTES], 0o100755)) == []
    assert LARGE.find(listing([LARGE_BYTES], name="lib.so.")) == []
    assert REPEATED.find(listing([70_000, 5, 70_000])) == {70_000: 2}
    assert SIZES.find(listing([5, 7, 5])) == {5: 2, 7: 1}
    assert EMPTY_PROGRAMS.find(listing([0, 1], 0o100755)) == [0]
    assert digest_of({1: 2, 3: 4}) == digest_of(Counter({3: 4, 1: 2}))
    assert digest_of({1: 2}) != digest_of({1: 3})


def test_all_of_them_are_found_by_their_names() -> None:
    assert all(fact.of_sizes and fact.name == name for name, fact in SIZE_FACTS.items())
    assert len(SIZE_FACTS) == 4
