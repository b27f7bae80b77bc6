"""Root file systems as copies of layers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from copy_rig import fill
from jettison.sandbox.rootfs.copy import CopySnapshotter
from jettison.sandbox.spec import OverlayMount, Root, RootKind, SandboxSpec
from ownership_rig import OWNERSHIP


@pytest.fixture
def spec(tmp_path: Path) -> SandboxSpec:
    base = fill(tmp_path / "base", {"a": "base", "keep": "base"})
    top = fill(tmp_path / "top", {"a": "top"})
    upper = fill(tmp_path / "active/fs", {})
    work = fill(tmp_path / "active/work", {})
    return SandboxSpec(
        Root(RootKind.OVERLAY, upper, work, (base, top)),
        ("true",),
        (),
        mounts=(OverlayMount((base, top), "/", "/m"), OverlayMount((base,), "/", "/one")),
    )


def test_layers_become_one_directory_and_so_do_stacks_that_are_mounted(spec):
    prepared = CopySnapshotter(OWNERSHIP).prepare(spec)
    root = prepared.spec.root
    assert root.kind is RootKind.DIRECTORY
    assert (root.upper / "a").read_text() == "top"
    assert (root.upper / "keep").read_text() == "base"
    merged, single = (each.merged for each in prepared.spec.mounts)
    assert (merged / "a").read_text() == "top"
    assert single == spec.root.lowers[0]  # nothing to merge
    prepared.remove()
    assert not root.upper.exists()
    assert (spec.root.lowers[1] / "a").read_text() == "top"


def test_changes_are_collected_and_the_layers_stay_as_they_are(spec):
    prepared = CopySnapshotter(OWNERSHIP).prepare(spec)
    (prepared.spec.root.upper / "a").write_text("changed")
    (prepared.spec.root.upper / "new").write_text("new")
    prepared.collect()
    prepared.remove()
    assert sorted(os.listdir(spec.root.upper)) == ["a", "new"]
    assert (spec.root.upper / "a").read_text() == "changed"
    assert (spec.root.lowers[1] / "a").read_text() == "top"


def test_what_cannot_be_copied_leaves_nothing(spec, tmp_path):
    (tmp_path / "base").rename(tmp_path / "gone")
    with pytest.raises(OSError, match="No such file"):
        CopySnapshotter(OWNERSHIP).prepare(spec)
    assert os.listdir(tmp_path / "active/work") == []
