"""Results of vertices, and the root file systems of a solution."""

from __future__ import annotations

from jettison.oci.config import ContainerConfig
from jettison.oci.digest import sha256_digest
from jettison.oci.platform import parse_platform
from jettison.plan.graph import ImageTemplate, Plan
from jettison.snapshot.stack import StackTree
from jettison.solver.result import Solution, StackResult, TreeResult
from jettison.store.layer import LayerId
from ownership_rig import OWNERSHIP

STACK, TREE = sha256_digest(b"stack"), sha256_digest(b"tree")
LAYERS = (LayerId("sha256:" + "1" * 64), LayerId("sha256:" + "2" * 64))


def test_a_root_file_system_is_a_stack_and_scratch_and_files_are_none():
    template = ImageTemplate(parse_platform("linux/amd64"), ContainerConfig(), ())
    results = {
        STACK: StackResult(LAYERS, LAYERS[1], 7, cached=True),
        TREE: TreeResult(StackTree((), OWNERSHIP)),
    }
    solution = Solution(Plan((), STACK, template), results)
    assert solution.stack(STACK) == LAYERS
    assert solution.stack(TREE) == ()
    assert solution.stack(None) == ()


def test_an_image_has_no_layer_of_its_own_and_no_time():
    assert StackResult(LAYERS) == StackResult(LAYERS, None, 0, cached=False, duration_ns=0)
