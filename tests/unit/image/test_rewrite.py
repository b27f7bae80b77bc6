"""Layers without times later than one."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from image_rig import Rig
from jettison.cache.record import AnswerMemo
from jettison.image.manifest import Compression
from jettison.image.rewrite import rewrite_times
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


def rewritten(rig: Rig, *layers: LayerId, base: int = 0, epoch: int = EPOCH) -> tuple[LayerId, ...]:
    answers = AnswerMemo(rig.store.database)
    return rewrite_times(layers, base, epoch, rig.blobs, answers, Compression("none"))


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
