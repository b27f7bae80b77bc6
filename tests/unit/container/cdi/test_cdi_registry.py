"""Descriptions of devices: JSON, the YAML that tools write, names, annotations."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jettison.container.cdi.registry import Registry, check_nodes
from jettison.container.cdi.yaml import YamlError, load
from jettison.errors import HostError
from jettison.sandbox.spec import BindMount, DeviceNode

GPU = """\
---
cdiVersion: 0.6.0   # as tools write it
kind: vendor.com/gpu
devices:
- name: "0"
  containerEdits:
    deviceNodes:
    - path: /dev/gpu0
      hostPath: /dev/null
      permissions: rw
      fileMode: 0o660
- name: "1"
  annotations:
    org.mobyproject.buildkit.device.class: big
    org.mobyproject.buildkit.device.autoallow: true
  containerEdits:
    env:
    - GPU=1
    additionalGids: [44, 0]
- name: all
  containerEdits:
    deviceNodes:
      - path: /dev/zero
      - path: '/dev/full'
containerEdits:
  env:
  - 'A=it''s "quoted" # not a comment'
  - B=x#y
  hooks:
  - args: [nvidia-cdi-hook, update-ldcache, "--folder", /usr/lib]
    hookName: createContainer
    path: /usr/bin/hook
  mounts:
  - containerPath: /usr/lib/lib.so
    hostPath: /etc/passwd
    options:
    - ro
    - nosuid
    - rbind
"""


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    low, high = tmp_path / "etc", tmp_path / "run"
    low.mkdir()
    high.mkdir()
    (low / "gpu.yaml").write_text(GPU)
    (low / "other.json").write_text(
        json.dumps(
            {
                "cdiVersion": "0.6.0",
                "kind": "vendor.com/net",
                "annotations": {"org.mobyproject.buildkit.device.autoallow": "true"},
                "devices": [{"name": "a", "containerEdits": {"env": ["N=low"]}}],
            }
        )
    )
    (high / "other.json").write_text(
        json.dumps(
            {
                "kind": "vendor.com/net",
                "devices": [{"name": "a", "containerEdits": {"env": ["N=high"]}}],
            }
        )
    )
    (high / "broken.yaml").write_text("kind: &a x\n")
    (high / "not.txt").write_text("kind: x\n")
    return Registry([low, high, tmp_path / "none"])


def names(registry: Registry, name: str) -> list[str]:
    return [each.name for each in registry.find(name)]


def test_names_mean_what_buildkit_says(registry: Registry):
    assert names(registry, "vendor.com/gpu=1") == ["vendor.com/gpu=1"]
    assert names(registry, "vendor.com/gpu") == ["vendor.com/gpu=0"]
    assert names(registry, "vendor.com/gpu=*") == [f"vendor.com/gpu={n}" for n in ("0", "1", "all")]
    assert names(registry, "big") == ["vendor.com/gpu=1"]
    for unknown in (
        "vendor.com/gpu=2",
        "vendor.com",
        "vendor.com/none",
        "gpu",
        "",
        "=",
        "*",
        "/dev",
    ):
        assert names(registry, unknown) == []


def test_edits_of_the_kind_and_of_the_device_are_joined(registry: Registry):
    [first] = registry.find("vendor.com/gpu=0")
    assert first.env == ('A=it\'s "quoted" # not a comment', "B=x#y")
    assert first.nodes == (DeviceNode(Path("/dev/null"), "/dev/gpu0"),)
    assert first.mounts == (BindMount(Path("/etc/passwd"), "/usr/lib/lib.so", readonly=True),)
    assert first.hooks == ("/usr/bin/hook",)
    assert not first.is_free
    [second] = registry.find("vendor.com/gpu=1")
    assert second.env[-1] == "GPU=1"
    assert (second.gids, second.classes, second.is_free) == ((44,), ("big",), True)


def test_later_directories_count_and_broken_files_are_told(registry: Registry):
    [found] = registry.find("vendor.com/net=a")
    assert (found.env, found.is_free) == (("N=high",), False)
    [told] = registry.unread
    assert "broken.yaml" in told


def test_nodes_of_dev_are_devices_of_their_own():
    registry = Registry([])
    [null] = registry.find("/dev/null")
    assert null.nodes == (DeviceNode(Path("/dev/null"), "/dev/null"),)
    assert not null.is_free
    for none in ("/dev/pts", "/dev/nosuch", "/dev/../dev/null", "/etc/passwd", "/dev/shm"):
        assert registry.find(none) == ()


def test_what_a_description_needs_must_be_there(tmp_path: Path):
    (tmp_path / "a.json").write_text(
        json.dumps(
            {
                "kind": "a/b",
                "containerEdits": {"deviceNodes": [{"path": "/dev/nosuch"}]},
                "devices": [{"name": "c"}],
            }
        )
    )
    [found] = Registry([tmp_path]).find("a/b")
    with pytest.raises(HostError, match="needs `/dev/nosuch`, which is not there"):
        check_nodes(found)


@pytest.mark.parametrize(
    "text",
    [
        "a: *b", "a: |\n  b", "a: >\n  b", "a: !t b", "? a", "a:\n\tb: 1", "a: {b: c}", "a: [b, [c]]",
        "a: 1\n b: 2", "a: 1\na: 2", "a: b: c", "--- a", "a: 1\n---\nb: 2", 'a: "b', "a: 'b", "a: @b",
        "- a\nb: 1", "a: `b`", "%YAML 1.2\n---\na: 1", "a: [1", "\n".join(" " * n + "- a:" for n in range(0, 200, 2)),
    ],
)  # fmt: skip
def test_what_is_not_of_the_subset_is_an_error(text: str):
    with pytest.raises(YamlError, match="line "):
        load(text)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def emit(value: object, indent: int) -> str:
    """Write a value as block YAML with quoted texts."""
    pad = " " * indent
    if isinstance(value, dict) and value:
        return "".join(
            f"\n{pad}{json.dumps(key)}:{emit(each, indent + 2)}" for key, each in value.items()
        )
    if isinstance(value, list) and value:
        return "".join(f"\n{pad}-{emit(each, indent + 2)}" for each in value)
    return " " + json.dumps(value)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_block_yaml_is_read_as_it_was_meant(value: object):
    assert load(emit(value, 0).lstrip()) == value


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab:-#'\"[]{},&*| \n\t0~", max_size=60))
def test_any_text_is_a_value_or_an_error(text: str):
    with contextlib.suppress(YamlError):
        load(text)
