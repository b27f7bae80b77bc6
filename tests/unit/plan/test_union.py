"""Plans that are solved as one."""

from __future__ import annotations

from jettison.oci.config import ContainerConfig
from jettison.oci.platform import Platform
from jettison.plan.graph import ImageTemplate, Plan, union
from jettison.plan.op import ImageOp, MkdirOp
from jettison.plan.vertex import vertex
from jettison.solver.result import Solution, StackResult

AMD64, ARM64 = Platform("amd64", "linux"), Platform("arm64", "linux")


def plan(platform, *vertices):
    return Plan(vertices, vertices[-1].digest, ImageTemplate(platform, ContainerConfig(), ()))


SHARED = vertex(MkdirOp("/shared"), name="shared")
ONE = vertex(MkdirOp("/one"), name="one", base=SHARED)
TWO = vertex(MkdirOp("/two"), name="two", base=SHARED)


def test_a_single_plan_stays_as_it_is():
    only = plan(AMD64, SHARED, ONE)
    assert union([only]) is only
    assert only.targets == (ONE.digest,)


def test_what_plans_share_is_there_once_and_needs_come_first():
    whole = union([plan(AMD64, SHARED, ONE), plan(ARM64, SHARED, TWO)])
    assert whole.vertices == (SHARED, ONE, TWO)
    assert whole.targets == (ONE.digest, TWO.digest)
    assert whole.image.platform == AMD64


def test_a_vertex_that_one_of_them_must_not_look_up_is_not_looked_up():
    forced = vertex(MkdirOp("/shared"), name="shared", ignore_cache=True)
    whole = union([plan(AMD64, SHARED, ONE), plan(ARM64, forced, TWO)])
    assert [each.ignore_cache for each in whole.vertices] == [True, False, False]


def test_empty_targets_are_none():
    empty = Plan((), None, ImageTemplate(AMD64, ContainerConfig(), ()))
    assert union([empty, empty]).targets == ()


def test_a_solution_is_taken_apart_again():
    image = vertex(ImageOp("a", AMD64, ()), name="a")
    first, second = plan(AMD64, SHARED, ONE), plan(ARM64, image, SHARED, TWO)
    results = {each.digest: StackResult(()) for each in (SHARED, ONE, TWO, image)}
    whole = Solution(
        union([first, second]),
        results,
        executed=(SHARED.digest, TWO.digest),
        cached=(ONE.digest,),
        failed=(image.digest,),
    )
    assert whole.of(whole.plan) is whole
    part = whole.of(second)
    assert part.plan is second
    assert part.results.keys() == {image.digest, SHARED.digest, TWO.digest}
    assert (part.executed, part.cached) == ((SHARED.digest, TWO.digest), ())
    assert part.failed == (image.digest,)
