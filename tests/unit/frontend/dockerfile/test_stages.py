"""Which stage, context or image a name means, and what a target needs."""

from __future__ import annotations

import pytest

from jettison.errors import StageGraphError
from jettison.frontend.base import GitContext, HttpContext, ImageContext, LocalContext
from jettison.frontend.dockerfile.parser import parse
from jettison.frontend.dockerfile.stages import StageGraph
from jettison.frontend.dockerfile.syntax import From
from jettison.oci.config import ContainerConfig
from jettison.oci.platform import parse_platform
from jettison.plan.op import CopyOp, ExecOp, GitOp, HttpOp, ImageOp, LocalOp


def ops(plan, kind):
    return [each.op for each in plan.vertices if isinstance(each.op, kind)]


def references(plan):
    return [op.reference for op in ops(plan, ImageOp)]


def test_only_what_the_target_needs_is_asked_for_and_planned(plan_for):
    plan = plan_for("FROM a AS one\nRUN 1\nFROM b AS two\nRUN 2\nFROM c\nCOPY --from=one /x /")
    assert references(plan) == ["docker.io/library/c:latest", "docker.io/library/a:latest"]
    assert [each.needed for each in plan.stages] == [True, False, True]
    assert [each.argv[-1] for each in ops(plan, ExecOp)] == ["1"]
    assert plan.stages[1].result is None


def test_the_target_may_be_a_name_in_any_case_or_an_index(plan_for):
    text = "FROM a AS One\nRUN 1\nFROM b\nRUN 2"
    for target in ("one", "ONE", "0"):
        assert references(plan_for(text, target=target)) == ["docker.io/library/a:latest"]
    assert references(plan_for(text)) == ["docker.io/library/b:latest"]


def test_a_mistyped_target_is_told_with_a_suggestion(plan_for):
    with pytest.raises(StageGraphError) as caught:
        plan_for("FROM a AS build\nFROM b AS test", target="bulid")
    assert caught.value.message == 'target stage "bulid" could not be found (did you mean build?)'
    assert caught.value.hint == "stages of this file: build, test"


def test_users_of_a_stage_are_recorded(plan_for):
    plan = plan_for(
        "FROM a AS base\nFROM base AS two\nRUN --mount=from=base,target=/m x\n"
        "FROM scratch\nCOPY --from=0 / /\nCOPY --from=two / /\nCOPY --from=two /y /"
    )
    assert plan.stages[0].used_by == ((1, "FROM"), (1, "RUN --mount"), (2, "COPY --from"))
    assert plan.stages[1].used_by == ((2, "COPY --from"),)


def test_from_sees_earlier_stages_only_so_a_stage_may_shadow_its_own_base(plan_for):
    plan = plan_for("FROM later AS later\nRUN 1\nFROM later\nRUN 2")
    assert references(plan) == ["docker.io/library/later:latest"]
    assert len(ops(plan, ExecOp)) == 2


def test_the_last_stage_of_a_name_is_meant(plan_for):
    plan = plan_for("FROM a AS s\nRUN 1\nFROM b AS s\nRUN 2\nFROM scratch\nCOPY --from=S / /")
    assert [each.argv[-1] for each in ops(plan, ExecOp)] == ["2"]


def test_names_of_stages_are_found_in_any_case_and_mounts_may_use_an_index(plan_for):
    plan = plan_for("FROM a AS Base\nRUN 1\nFROM BASE\nRUN --mount=from=0,target=/m 2")
    assert references(plan) == ["docker.io/library/a:latest"]
    first, second = [each for each in plan.vertices if isinstance(each.op, ExecOp)]
    assert second.base == first.digest
    assert second.inputs == (first.digest,)


def test_a_stage_named_scratch_is_a_stage(plan_for):
    plan = plan_for("FROM a AS scratch\nRUN 1\nFROM scratch\nRUN 2")
    assert len(ops(plan, ExecOp)) == 2


def test_copying_from_scratch_is_copying_from_nothing(plan_for):
    plan = plan_for(
        "FROM scratch AS empty\nFROM a\nCOPY --from=scratch / /1\nCOPY --from=empty / /2"
    )
    assert ("scratch", ()) in [(op.reference, op.diff_ids) for op in ops(plan, ImageOp)]
    assert all(op.from_image for op in ops(plan, CopyOp))


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (
            "FROM a AS one\nCOPY --from=two / /\nFROM b AS two",
            'cannot copy from stage "two", it needs to be defined before current stage "one"',
            2,
        ),
        ("FROM a\nCOPY --from=0 / /", "circular dependency detected on stage: stage-0", 2),
        (
            "FROM a AS one\nCOPY --from=two / /\nFROM b AS two\nCOPY --from=one / /",
            "circular dependency detected on stage: one",
            2,
        ),
        ("FROM a\nCOPY --from=7 / /", "invalid stage index 7", 2),
        ("FROM a\nCOPY --from=-1 / /", "invalid stage index -1", 2),
        (
            "FROM a\nCOPY --from=$X / /",
            (
                "variable expansion is not supported for --from, define a new stage with FROM using"
                " ARG from global scope as a workaround"
            ),
            2,
        ),
        ("FROM $X", "base name ($X) should not be blank", 1),
        ("FROM --platform=$X a", "empty platform value from expression $X", 1),
    ],
)
def test_misplaced_stages_are_refused_with_their_place(plan_for, text, message, line):
    target = "one" if "AS two" in text else ""
    with pytest.raises(StageGraphError) as caught:
        plan_for(text, target=target)
    assert caught.value.message == message
    assert caught.value.span.line == line


def test_mounting_from_a_later_stage_is_refused(plan_for):
    with pytest.raises(StageGraphError, match='cannot mount from stage "two" to "/m"'):
        plan_for("FROM a\nRUN --mount=from=two,target=/m x\nFROM b AS two", target="0")


def test_a_circle_names_its_stages(plan_for):
    text = "FROM a AS x\nCOPY --from=z / /\nFROM a AS y\nCOPY --from=x / /\nFROM a AS z\nCOPY --from=y / /"
    with pytest.raises(StageGraphError) as caught:
        plan_for(text)
    assert caught.value.hint == "break the circle x -> z -> y -> x"


def test_a_named_context_replaces_a_stage_of_its_name(plan_for):
    contexts = {"base": ImageContext("docker.io/library/other:1")}
    plan = plan_for("FROM a AS base\nRUN never\nFROM base\nRUN mine", contexts=contexts)
    assert references(plan) == ["docker.io/library/other:1"]
    assert [each.argv[-1] for each in ops(plan, ExecOp)] == ["mine"]


def test_a_named_context_replaces_an_image_by_its_short_name(plan_for):
    for key in ("alpine", "alpine:latest", "docker.io/library/alpine", "alpine::linux/amd64"):
        contexts = {key: ImageContext("docker.io/library/other:1")}
        plan = plan_for("FROM alpine\nRUN x", contexts=contexts)
        assert references(plan) == ["docker.io/library/other:1"], key
    contexts = {"alpine::linux/arm64": ImageContext("docker.io/library/other:1")}
    assert references(plan_for("FROM alpine\nRUN x", contexts=contexts)) != [
        "docker.io/library/other:1"
    ]


def test_a_local_context_is_copied_from_without_owners_and_is_a_base_of_its_files(plan_for):
    contexts = {"src": LocalContext()}
    copied = plan_for("FROM scratch\nCOPY --from=src a /", contexts=contexts)
    assert [(op.from_image, op.sources[0].path) for op in ops(copied, CopyOp)] == [(False, "a")]
    assert [op.context for op in ops(copied, LocalOp)] == ["src"]
    based = plan_for("FROM src\nRUN x", contexts=contexts)
    assert [(op.sources[0].path, op.dest) for op in ops(based, CopyOp)] == [("/", "/")]


def test_git_and_http_contexts_become_sources(plan_for):
    contexts = {
        "code": GitContext("https://host/a.git#v1:sub"),
        "data": HttpContext("https://host/x.tar.gz"),
    }
    plan = plan_for(
        "FROM scratch\nCOPY --from=code / /c\nRUN --mount=from=data,target=/d x", contexts=contexts
    )
    (git,) = ops(plan, GitOp)
    assert (git.remote, git.ref, git.subdir) == ("https://host/a.git", "v1", "sub")
    (http,) = ops(plan, HttpOp)
    assert http.url == "https://host/x.tar.gz"
    assert [op.dest for op in ops(plan, CopyOp) if op.unpack] == ["/"]


def test_contexts_that_nothing_needs_are_not_asked_for(plan_for):
    plan = plan_for("FROM a AS other\nFROM scratch\nCOPY x /", contexts={"a": ImageContext("no:1")})
    assert plan_for.asked == []
    assert references(plan) == []


def test_a_context_that_is_scratch_is_empty(plan_for):
    contexts = {"alpine": ImageContext("scratch")}
    plan = plan_for("FROM alpine\nCOPY x /", contexts=contexts)
    assert plan_for.asked == []
    assert plan.image.config.working_dir == "/"


def test_images_are_asked_for_in_the_order_of_the_text_each_once(plan_for):
    plan_for("FROM b AS one\nCOPY --from=a / /\nCOPY --from=b /x /\nFROM c\nCOPY --from=one / /")
    names = [each.reference.split("/")[-1] for each in plan_for.asked[0]]
    assert names == ["b:latest", "a:latest", "c:latest"]


def test_an_image_of_another_platform_is_another_request(plan_for):
    arm = parse_platform("linux/arm64")
    plan_for("FROM --platform=$BUILDPLATFORM x AS a\nFROM x\nCOPY --from=a / /", platform=arm)
    assert [str(each.platform) for each in plan_for.asked[0]] == ["linux/amd64", "linux/arm64"]


def test_triggers_of_an_image_run_first_and_may_need_other_images(plan_for):
    trigger = ContainerConfig(on_build=("RUN first", "COPY --from=extra /x /"))
    images = {"base": plan_for.image("base", trigger)}
    plan = plan_for("FROM base\nRUN second", images=images)
    assert [each[0].reference.split("/")[-1] for each in plan_for.asked] == [
        "base:latest",
        "extra:latest",
    ]
    assert [each.argv[-1] for each in ops(plan, ExecOp)] == ["first", "second"]
    assert plan.image.config.on_build is None


def test_triggers_of_a_stage_run_in_its_children_but_not_in_grandchildren(plan_for):
    plan = plan_for("FROM a AS x\nONBUILD RUN t\nFROM x AS y\nRUN y\nFROM y\nRUN z")
    assert [each.argv[-1] for each in ops(plan, ExecOp)] == ["t", "y", "z"]


def test_a_wrong_trigger_is_told_at_the_from_line(plan_for):
    images = {"base": plan_for.image("base", ContainerConfig(on_build=("FOO bar",)))}
    with pytest.raises(Exception, match="unknown instruction: FOO") as caught:
        plan_for("ARG X\nFROM base\nRUN x", images=images)
    assert caught.value.span.line == 2


def test_a_chain_of_thousands_of_stages_compiles(plan_for):
    lines = ["FROM scratch AS s0", "COPY x /0"]
    for n in range(1, 3000):
        lines += [f"FROM scratch AS s{n}", f"COPY --from=s{n - 1} / /"]
    assert len(plan_for("\n".join(lines)).vertices) == 3001


def graph_of(text: str) -> StageGraph:
    graph = StageGraph({}, parse_platform("linux/amd64"), "\\")
    instructions = parse(text.encode()).instructions
    bodies: list[list] = []
    for each in instructions:
        if isinstance(each, From):
            graph.add(each, {})
            bodies.append([])
        else:
            bodies[-1].append(each)
    for stage, body in zip(graph.stages, bodies, strict=True):
        graph.connect(stage, body)
    return graph


def test_a_graph_knows_who_uses_a_stage_and_what_is_outside():
    graph = graph_of(
        "FROM x AS a\nFROM A\nCOPY --from=0 p q\nCOPY --from=img p q\nCOPY --from=img r s\n"
        "RUN --mount=from=a,target=/a true\nRUN --mount=type=cache,target=/c true\n"
    )
    first, second = graph.stages
    assert first.used_by == [(1, "FROM"), (1, "COPY --from"), (1, "RUN --mount")]
    assert graph.external_count == 3
    assert [(each.index, each.base_name) for each in graph.reachable(second)] == [
        (0, "x"),
        (1, "A"),
        (-1, "img"),
    ]
    assert [each.label for each in second.needs()] == ["a", "a", "stage--1", "stage--1", "a"]


def test_an_only_stage_has_a_label_when_something_is_outside():
    assert graph_of("FROM x\n").label(graph_of("FROM x\n").stages[0]) == ""
    graph = graph_of("FROM x\nCOPY --from=img a b\n")
    assert graph.label(graph.stages[0]) == "stage-0"


def test_a_long_cycle_is_found_without_recursion():
    count = 1500
    text = "".join(f"FROM x AS s{n}\nCOPY --from=s{(n + 1) % count} a b\n" for n in range(count))
    with pytest.raises(StageGraphError) as caught:
        graph_of(text).check_cycles()
    assert caught.value.message == "circular dependency detected on stage: s0"
    assert caught.value.span.line == 2
