"""Several layers as one: it shows what they show, and hides what they hid."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_rig import Rig
from jettison.fs.overlay_form import is_opaque, is_whiteout, make_opaque, make_whiteout
from jettison.image.form import AS_MADE, LayerForm
from jettison.image.squash import squash_layers, squashed_history
from jettison.oci.config import History
from jettison.oci.digest import sha256_digest
from jettison.plan.graph import HistoryStep
from jettison.store.layer import LayerId


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "store") as made:
        yield made


def marked(
    rig: Rig, files: dict[str, str], *, gone: tuple[str, ...] = (), opaque: str = ""
) -> LayerId:
    """Make a layer of files that hides names, or all that was in a directory."""
    active = rig.layer_store.prepare()
    for name, content in files.items():
        path = active.upper / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for name in gone:
        (active.upper / name).parent.mkdir(parents=True, exist_ok=True)
        make_whiteout(os.fspath(active.upper / name))
    if opaque:
        make_opaque(os.fspath(active.upper / opaque))
    return rig.layer_store.commit(active).id


def squashed(rig: Rig, below: tuple[LayerId, ...], *layers: LayerId) -> Path:
    made = squash_layers(layers, below, rig.layer_store, rig.blobs.materialise)
    return rig.layer_store.directory(made)


def test_later_files_win_and_what_is_gone_is_hidden_once(rig: Rig) -> None:
    base = rig.layer({"etc/old": "base", "keep": "base"})
    first = rig.layer({"a": "1", "etc/new": "1", "own": "1"})
    second = marked(rig, {"a": "2"}, gone=("etc/old", "own"))
    place = squashed(rig, (base,), first, second)
    assert (place / "a").read_text() == "2"
    assert (place / "etc/new").read_text() == "1"
    assert is_whiteout(os.lstat(place / "etc/old"))
    assert not os.path.lexists(place / "own")  # the base has no such file
    assert sorted(os.listdir(place)) == ["a", "etc"]


def test_a_directory_in_the_place_of_what_hid_another_hides_it_too(rig: Rig) -> None:
    base = rig.layer({"d/base": "", "e/base": ""})
    first = marked(rig, {"d": "a file"}, gone=("e",))
    second = marked(rig, {"e/own": "2"}, gone=("d",))
    third = rig.layer({"d/own": "3"})
    place = squashed(rig, (base,), first, second, third)
    for name, content in (("d", "3"), ("e", "2")):
        assert is_opaque(os.fspath(place / name))
        assert os.listdir(place / name) == ["own"]
        assert (place / name / "own").read_text() == content


def test_an_opaque_directory_forgets_what_own_layers_had_in_it(rig: Rig) -> None:
    base = rig.layer({"d/base": ""})
    first = rig.layer({"d/first": ""})
    second = marked(rig, {"d/second": ""}, opaque="d")
    third = rig.layer({"d/third": ""})
    place = squashed(rig, (base,), first, second, third)
    assert sorted(os.listdir(place / "d")) == ["second", "third"]
    assert is_opaque(os.fspath(place / "d"))


def test_links_of_one_layer_stay_links(rig: Rig) -> None:
    active = rig.layer_store.prepare()
    (active.upper / "a").write_text("x")
    os.link(active.upper / "a", active.upper / "b")
    layer = rig.layer_store.commit(active).id
    place = squashed(rig, (), layer, rig.layer({"c": ""}))
    assert os.path.samefile(place / "a", place / "b")
    assert os.stat(place / "a").st_nlink == 2


def test_the_last_entry_of_the_history_has_the_layer() -> None:
    vertex = sha256_digest(b"v")
    steps = (
        HistoryStep(History(created_by="base"), None),
        HistoryStep(History(created_by="RUN a"), vertex),
        HistoryStep(History(created_by="ENV b", empty_layer=True), vertex),
    )
    made = squashed_history(steps, 1)
    assert [each.entry.empty_layer for each in made] == [False, True, True, False]
    assert made[-1].entry.comment == "merge of 1 layer"
    assert made[-1].vertex == vertex
    assert squashed_history(steps, 0) == steps


@pytest.mark.parametrize(
    "form", [LayerForm(epoch=0), LayerForm(squash=True), LayerForm(estargz=True)]
)
def test_a_form_says_whether_layers_become_others(form: LayerForm) -> None:
    assert form.changes
    assert not AS_MADE.changes
