"""What executors of all ops share."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.oci.digest import sha256_digest
from jettison.oci.platform import parse_platform
from jettison.plan.op import ExecMount, ExecOp, ImageOp, MountType
from jettison.plan.vertex import vertex
from jettison.snapshot.overlay import OverlayLayerStore
from jettison.snapshot.stack import StackTree
from jettison.solver.ops.base import Inputs, inputs_of, making, sees_secrets
from jettison.solver.result import StackResult, TreeResult
from jettison.solver.root_layers import RootLayers
from jettison.store.layer import LayerId
from jettison.store.store import Store
from ownership_rig import OWNERSHIP

IMAGE = ImageOp("a", parse_platform("linux/amd64"), (sha256_digest(b"1"),))
RUN = ExecOp(argv=("x",), env=(), cwd="/")
LAYER = LayerId("sha256:" + "1" * 64)


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_made_is_committed_or_leaves_nothing(tmp_path: Path, fails: bool):
    with Store.open(tmp_path / "store") as store:
        layers = OverlayLayerStore(store, OWNERSHIP)
        try:
            with making(layers) as active:
                (active.upper / "file").write_text("x")
                if fails:
                    raise ZeroDivisionError
                info = layers.commit(active)
        except ZeroDivisionError:
            assert not active.path.exists()
            assert list((tmp_path / "store/snapshots").iterdir()) == []
        else:
            assert (layers.directory(info.id) / "file").read_text() == "x"


def test_inputs_are_the_base_and_what_is_read_by_index():
    image = vertex(IMAGE, name="image")
    run = vertex(RUN, name="run", base=image, inputs=(image,))
    result = StackResult((LAYER,))
    assert inputs_of(run, {image.digest: result}) == Inputs(RootLayers((LAYER,)), (result,))
    assert inputs_of(image, {}) == Inputs(RootLayers(), ())
    files = TreeResult(StackTree((), OWNERSHIP))
    assert inputs_of(run, {image.digest: files}) == Inputs(RootLayers(), (files,))


@pytest.mark.parametrize(
    ("kind", "sees"),
    [
        (MountType.SECRET, True),
        (MountType.CACHE, True),
        (MountType.BIND, False),
        (MountType.TMPFS, False),
        (MountType.SSH, False),
    ],
)
def test_steps_with_secrets_or_caches_see_secrets(kind, sees):
    op = ExecOp(argv=("x",), env=(), cwd="/", mounts=(ExecMount(kind, "/m"),))
    assert sees_secrets(op) is sees
    assert not sees_secrets(RUN)
