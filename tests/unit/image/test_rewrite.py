"""Layers in other forms: without times later than one, with one time, as one, as eStargz."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from image_rig import Rig
from jettison.cache.record import AnswerMemo
from jettison.image.form import LayerForm
from jettison.image.manifest import Compression
from jettison.image.rewrite import rewrite_layers
from jettison.oci.manifest import TOC_DIGEST
from jettison.store.layer import LayerId, is_image_layer

EPOCH = 1_000_000_000


@pytest.fixture
def rig(tmp_path: Path):
    with Rig(tmp_path / "store") as opened:
        yield opened


def layer(rig: Rig, *seconds: int) -> LayerId:
    active = rig.layer_store.prepare()
    for number, time in enumerate(seconds):
        (active.upper / str(number)).write_text("x")
        os.utime(active.upper / str(number), (time, time))
    return rig.layer_store.commit(active).id


def rewritten(
    rig: Rig, *layers: LayerId, base: int = 0, epoch: int | None = EPOCH, **form: Any
) -> tuple[LayerId, ...]:
    answers = AnswerMemo(rig.store.database)
    wanted = LayerForm(epoch=epoch, **form)
    return rewrite_layers(layers, base, wanted, rig.blobs, answers, Compression("none"))


def times(rig: Rig, layer: LayerId) -> dict[str, int]:
    blob = rig.store.layers.find(layer).blob
    assert blob is not None
    with tarfile.open(rig.store.blobs.path(blob.descriptor.digest)) as archive:
        return {each.name.removeprefix("./").rstrip("/"): int(each.mtime) for each in archive}


def test_later_times_become_the_given_one_and_earlier_ones_stay(rig):
    (made,) = rewritten(rig, layer(rig, EPOCH - 5, EPOCH + 5))
    assert is_image_layer(made)
    found = times(rig, made)
    assert (found["0"], found["1"]) == (EPOCH - 5, EPOCH)
    assert max(found.values()) == EPOCH


def test_layers_of_the_base_image_stay_as_they_are(rig):
    base, own = layer(rig, EPOCH + 5), layer(rig, EPOCH + 7)
    stack = rewritten(rig, base, own, base=1)
    assert stack[0] == base
    assert stack[1] != own
    assert rewritten(rig, *stack, base=1) == stack  # an image's layer is not made again


def test_what_was_made_is_remembered_for_its_time(rig, monkeypatch):
    own = layer(rig, EPOCH + 5)
    first = rewritten(rig, own)
    other = rewritten(rig, own, epoch=EPOCH - 1)
    assert first != other
    monkeypatch.setattr(type(rig.blobs), "rewritten", None)  # nothing is made
    assert rewritten(rig, own) == first
    assert rewritten(rig, own, epoch=EPOCH - 1) == other


def test_exact_times_are_all_the_given_one(rig):
    (made,) = rewritten(rig, layer(rig, EPOCH - 5, EPOCH + 5), exact=True)
    assert set(times(rig, made).values()) == {EPOCH}


def test_own_layers_become_one_that_is_made_once(rig, monkeypatch):
    base, first, second = layer(rig, 1), layer(rig, 2, 3), layer(rig, 4, 5, 6)
    stack = rewritten(rig, base, first, second, base=1, epoch=None, squash=True)
    assert stack[0] == base
    assert len(stack) == 2
    assert sorted(os.listdir(rig.layer_store.directory(stack[1]))) == ["0", "1", "2"]
    monkeypatch.setattr(type(rig.blobs), "squashed", None)
    assert rewritten(rig, base, first, second, base=1, epoch=None, squash=True) == stack


def test_estargz_keeps_the_base_unless_that_is_forced_and_is_not_made_twice(rig):
    base, own = layer(rig, 1), layer(rig, 2)
    stack = rewritten(rig, base, own, base=1, epoch=None, estargz=True)
    assert stack[0] == base
    assert is_image_layer(stack[1])
    descriptor = rig.blobs.describe(stack[1], "estargz")
    assert TOC_DIGEST in descriptor.annotations
    forced = rewritten(rig, *stack, base=1, epoch=None, estargz=True, given=True)
    assert forced[0] != base
    assert forced[1] == stack[1]
    assert TOC_DIGEST not in rig.blobs.describe(base, "estargz").annotations
    assert rewritten(rig, base, own, base=1, epoch=None, estargz=True, level=0) != stack
