"""Configs from templates: layers, history, times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_rig import AMD64, Rig
from jettison.errors import UsageError
from jettison.image.assemble import COMMENT, assemble, format_time, normalise_history
from jettison.oci.config import ContainerConfig, History
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.platform import Platform
from jettison.plan.graph import HistoryStep, ImageTemplate

ONE, TWO = Digest("sha256:" + "1" * 64), Digest("sha256:" + "2" * 64)
SECOND = 1_000_000_000
NOW = 2_000_000_000 * SECOND


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "store") as made:
        yield made


def template(*steps: HistoryStep, platform: Platform = AMD64) -> ImageTemplate:
    return ImageTemplate(platform, ContainerConfig(env=("A=b",)), steps)


def step(created_by: str, vertex: Digest | None = None) -> HistoryStep:
    return HistoryStep(History(created_by=created_by, empty_layer=vertex is None), vertex)


def base(created: str = "2020-01-01T00:00:00Z") -> HistoryStep:
    return HistoryStep(History(created=created, created_by="base"))


def test_the_config_names_layers_by_their_diff_ids_and_the_image_by_its_config(rig):
    layers = (rig.layer({"a": "1"}), rig.layer({}))
    made = assemble(
        template(step("COPY", ONE), step("RUN", TWO)), layers, rig.blobs, created_ns=NOW
    )
    config = json.loads(made.config)
    assert made.id == sha256_digest(made.config)
    assert config["rootfs"]["diff_ids"] == [rig.blobs.diff_id(layer) for layer in layers]
    assert [layer.layer for layer in made.layers] == list(layers)
    assert config["config"] == {"Env": ["A=b"]}
    assert [each["created_by"] for each in config["history"]] == ["COPY", "RUN"]


def test_an_empty_change_keeps_its_layer(rig):
    made = assemble(template(step("RUN true", ONE)), (rig.layer({}),), rig.blobs, created_ns=NOW)
    assert len(made.layers) == 1


def test_an_image_without_layers_is_complete(rig):
    made = assemble(template(step("CMD")), (), rig.blobs, created_ns=NOW)
    config = json.loads(made.config)
    assert config["rootfs"] == {"type": "layers", "diff_ids": []}
    assert config["created"] == "2033-05-18T03:33:20Z"


def test_the_same_results_give_the_same_image_whenever_they_are_assembled(rig):
    layer = rig.layer({"a": "1"})
    steps = template(base(), step("ENV"), step("RUN", ONE), step("CMD"))
    times = {ONE: 5 * SECOND}
    images = {
        assemble(steps, (layer, layer), rig.blobs, created_ns=now, step_created_ns=times).id
        for now in (NOW, NOW + SECOND)
    }
    assert len(images) == 1


def test_metadata_on_a_base_does_not_change_from_build_to_build(rig):
    layer = rig.layer({"a": "1"})
    images = {
        assemble(template(base(), step("CMD")), (layer,), rig.blobs, created_ns=now).config
        for now in (NOW, NOW + SECOND)
    }
    assert len(images) == 1


def test_entries_have_the_time_of_their_layer_or_of_the_one_before(rig):
    layer = rig.layer({"a": "1"})
    steps = template(
        base(), step("ENV"), step("RUN", ONE), step("USER"), step("COPY", TWO), step("CMD")
    )
    times = {ONE: 5 * SECOND, TWO: 7 * SECOND}
    made = assemble(steps, (layer,) * 3, rig.blobs, created_ns=NOW, step_created_ns=times)
    config = json.loads(made.config)
    seconds = [each["created"][17:19] for each in config["history"][1:]]
    assert config["history"][0]["created"] == "2020-01-01T00:00:00Z"
    assert seconds == ["05", "05", "05", "07", "07"]
    assert config["created"].endswith("00:07Z")


def test_source_date_epoch_dates_everything_but_the_base(rig):
    layer = rig.layer({"a": "1"})
    steps = template(base(), step("RUN", ONE), step("CMD"))
    made = assemble(
        steps,
        (layer, layer),
        rig.blobs,
        created_ns=NOW,
        step_created_ns={ONE: NOW},
        source_date_epoch=0,
    )
    config = json.loads(made.config)
    assert [each["created"] for each in config["history"]] == ["2020-01-01T00:00:00Z"] + 2 * [
        "1970-01-01T00:00:00Z"
    ]
    assert config["created"] == "1970-01-01T00:00:00Z"


def test_the_platform_is_written_whole(rig):
    platform = Platform("arm", "linux", "v7", "1.2", ("x",))
    config = json.loads(assemble(template(platform=platform), (), rig.blobs, created_ns=NOW).config)
    found = {
        key: config[key] for key in ("architecture", "os", "variant", "os.version", "os.features")
    }
    assert found == {
        "architecture": "arm",
        "os": "linux",
        "variant": "v7",
        "os.version": "1.2",
        "os.features": ["x"],
    }


@given(st.lists(st.booleans(), max_size=8), st.integers(0, 8))
def test_history_tells_of_as_many_layers_as_there_are(empties, layers):
    history = tuple(History(created_by=str(n), empty_layer=e) for n, e in enumerate(empties))
    normal = normalise_history(history, layers, "2020-01-01T00:00:00Z")
    assert sum(not each.empty_layer for each in normal) == layers
    assert [each.created_by for each in normal[: len(history)]] == [
        each.created_by for each in history
    ]
    assert all(each.comment == COMMENT for each in normal[len(history) :])


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (1_700_000_000_120_000_000, "2023-11-14T22:13:20.12Z"),
    ],
)
def test_times_have_the_decimals_they_need(time_ns, text):
    assert format_time(time_ns) == text


@pytest.mark.parametrize("time_ns", [-1, 253402300800 * SECOND])
def test_times_out_of_range_are_refused(time_ns):
    with pytest.raises(UsageError, match="between the years"):
        format_time(time_ns)
