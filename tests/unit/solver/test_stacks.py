"""What a solve knows about root file systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_rig import Rig
from jettison.cache.key import stack_digest
from jettison.events import no_progress
from jettison.snapshot.base import ALL_TELL, Change
from jettison.solver.root_layers import RootLayers
from jettison.solver.stacks import Stacks
from jettison.store.layer import LayerId, image_layer_id


@pytest.fixture
def rig(tmp_path: Path):
    with Rig(tmp_path / "store") as opened:
        yield opened


def test_the_files_of_a_stack_are_those_of_its_layers_read_once(rig):
    one, two = rig.layer({"a": "1", "b": "1"}), rig.layer({"b": "22"})
    stacks = Stacks(rig.layer_store, rig.blobs)
    tree = stacks.tree(RootLayers((one, two)), no_progress)
    assert sorted(tree.names("/")) == ["a", "b"]
    assert tree.lstat("/b").size == 2
    assert stacks.tree(RootLayers((one, two)), no_progress) is tree
    assert stacks.tree(RootLayers(), no_progress).names("/") == []


def test_a_stack_is_here_when_all_of_it_is(rig):
    layer = rig.layer({"a": "1"})
    stacks = Stacks(rig.layer_store, rig.blobs)
    assert stacks.is_here(())
    assert stacks.is_here((layer,))
    assert not stacks.is_here((layer, LayerId("sha256:" + "1" * 64)))


def test_the_digest_is_of_what_layers_hold_however_it_is_known(rig):
    layer = rig.layer({"a": "1"})
    stacks, told = (Stacks(rig.layer_store, rig.blobs) for _ in range(2))
    assert stacks.contents(RootLayers((layer,))) == (rig.blobs.content(layer),)
    assert stacks.digest(RootLayers((layer,))) == stack_digest(
        stacks.contents(RootLayers((layer,)))
    )
    assert stacks.digest(RootLayers()) != stacks.digest(RootLayers((layer,)))
    told.note_content(layer, "")
    assert told.contents(RootLayers((layer,))) == stacks.contents(RootLayers((layer,)))


def test_times_say_when_a_step_ran_from_the_earliest_clock_on(rig):
    def made(clock_ns: int) -> LayerId:
        active = rig.layer_store.prepare()
        (active.upper / str(clock_ns)).write_text("x")
        return rig.layer_store.commit(active, Change(clock_ns=clock_ns)).id

    early, late = made(5), made(9)
    stacks = Stacks(rig.layer_store, rig.blobs)
    assert stacks.clock_ns(RootLayers()) == ALL_TELL
    assert stacks.clock_ns(RootLayers((late,))) == 9
    assert stacks.clock_ns(RootLayers((late, early))) == 5


def test_layers_of_an_image_count_as_the_image_has_them(rig):
    """Keys are the same where the image was made and elsewhere; so is what its times say."""
    made = rig.layer({"a": "1"}), rig.layer({"b": "1"})
    diff_id = rig.blobs.diff_id(made[0])
    pulled = (image_layer_id(diff_id), made[1])
    here = Stacks(rig.layer_store, rig.blobs)
    assert here.contents(RootLayers(made, (diff_id,))) == (pulled[0], rig.blobs.content(made[1]))
    assert here.contents(RootLayers(pulled, (diff_id,))) == here.contents(
        RootLayers(made, (diff_id,))
    )
    assert here.contents(RootLayers(made)) != here.contents(RootLayers(made, (diff_id,)))
    assert here.clock_ns(RootLayers(made[:1], (diff_id,))) == ALL_TELL
    assert RootLayers(made, (diff_id,)).below() == RootLayers(made[:1], (diff_id,))
    assert RootLayers(made[:1], (diff_id,)).below() == RootLayers()
