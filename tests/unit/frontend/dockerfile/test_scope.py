"""Which names have which values in FROM lines, in stages and in RUN."""

from __future__ import annotations

import pytest

from jettison.errors import DockerfileSyntaxError, ExpansionError
from jettison.frontend.dockerfile.scope import proxy_environment
from jettison.oci.config import ContainerConfig
from jettison.oci.platform import parse_platform
from jettison.plan.op import ExecOp


def runs(plan):
    return [each.op for each in plan.vertices if isinstance(each.op, ExecOp)]


def environment(plan, index=-1):
    return dict(each.split("=", 1) for each in runs(plan)[index].env)


def test_a_global_argument_is_seen_by_from_but_not_inside_a_stage(plan_for):
    plan = plan_for("ARG TAG=3\nFROM alpine:$TAG\nRUN true")
    assert plan_for.asked[0][0].reference == "docker.io/library/alpine:3"
    assert "TAG" not in environment(plan)


def test_a_stage_takes_the_global_value_when_it_declares_the_name_without_default(plan_for):
    plan = plan_for("ARG TAG=3\nFROM alpine\nARG TAG\nARG OTHER=own\nRUN true")
    assert environment(plan)["TAG"] == "3"
    assert environment(plan)["OTHER"] == "own"


@pytest.mark.parametrize(
    ("text", "build_args", "value"),
    [
        ("ARG A=global\nFROM x\nARG A=own\nRUN true", {}, "own"),
        ("ARG A=global\nFROM x\nARG A=own\nRUN true", {"A": "given"}, "given"),
        ("FROM x\nARG A=own\nENV A=env\nRUN true", {"A": "given"}, "env"),
        ("FROM x\nARG A=own\nENV A=env$A\nRUN true", {}, "envown"),
        ("FROM x\nARG B=1 A=b$B\nRUN true", {}, "b1"),
        ("FROM x\nARG A=\nRUN true", {}, ""),
    ],
)
def test_precedence_of_values(plan_for, text, build_args, value):
    assert environment(plan_for(text, build_args=build_args))["A"] == value


def test_an_argument_without_any_value_is_not_in_the_environment(plan_for):
    assert "A" not in environment(plan_for("FROM x\nARG A\nRUN true"))


def test_a_stage_inherits_environment_and_arguments_of_its_base_stage_only(plan_for):
    plan = plan_for(
        "FROM x AS a\nARG A=1\nENV E=2\nRUN one\nFROM y AS b\nRUN two\nFROM a\n"
        "COPY --from=b / /\nRUN three"
    )
    by_command = {op.argv[-1]: dict(e.split("=", 1) for e in op.env) for op in runs(plan)}
    assert {"A": "1", "E": "2"}.items() <= by_command["three"].items()
    assert not {"A", "E"} & by_command["two"].keys()


def test_environment_of_an_image_wins_over_arguments_of_the_stage_it_is_the_base_of(plan_for):
    images = {"x": plan_for.image("x", ContainerConfig(env=("A=image", "PATH=/p")))}
    plan = plan_for("FROM x AS a\nARG A=arg\nRUN one\nFROM a\nRUN two", images=images)
    assert [dict(e.split("=", 1) for e in op.env)["A"] for op in runs(plan)] == ["arg", "image"]
    assert environment(plan)["PATH"] == "/p"


def test_platform_arguments_are_global_and_can_be_given(plan_for):
    text = "FROM --platform=$BUILDPLATFORM x AS b\nARG TARGETARCH TARGETVARIANT TARGETSTAGE\nRUN a"
    arm = parse_platform("linux/arm/v7")
    seen = environment(plan_for(text, platform=arm))
    assert (seen["TARGETARCH"], seen["TARGETVARIANT"], seen["TARGETSTAGE"]) == ("arm", "v7", "b")
    assert str(plan_for.asked[0][0].platform) == "linux/amd64"
    assert environment(plan_for(text, build_args={"TARGETARCH": "s390x"}))["TARGETARCH"] == "s390x"


def test_targetstage_is_default_for_an_unnamed_stage(plan_for):
    assert environment(plan_for("FROM x\nARG TARGETSTAGE\nRUN a"))["TARGETSTAGE"] == "default"


def test_an_undeclared_proxy_stays_out_of_the_op_and_a_declared_one_is_in_it(plan_for):
    given = {"HTTP_PROXY": "http://p:1"}
    plan = plan_for("FROM x\nRUN a", build_args=given)
    assert plan.proxy_env == ("HTTP_PROXY=http://p:1", "http_proxy=http://p:1")
    assert plan.vertices == plan_for("FROM x\nRUN a").vertices
    declared = plan_for("FROM x\nARG HTTP_PROXY\nRUN a", build_args=given)
    assert environment(declared)["HTTP_PROXY"] == "http://p:1"


def test_proxies_are_given_in_both_cases():
    assert proxy_environment({"no_proxy": "h", "OTHER": "x"}) == ("NO_PROXY=h", "no_proxy=h")


def test_build_arguments_that_nobody_declares_are_told(plan_for):
    given = dict.fromkeys(
        ("USED", "GLOBAL", "TYPO", "HTTP_PROXY", "BUILDKIT_INLINE_CACHE", "TARGETOS"), "1"
    )
    plan = plan_for("ARG GLOBAL\nFROM x\nARG USED\nFROM y", build_args=given)
    assert plan.unused_build_args == ("TYPO",)


def test_source_date_epoch_is_taken_from_build_arguments_and_global_arguments(plan_for):
    text = "ARG SOURCE_DATE_EPOCH=7\nFROM x\nARG SOURCE_DATE_EPOCH\nRUN a"
    plan = plan_for(text)
    assert (plan.source_date_epoch, environment(plan)["SOURCE_DATE_EPOCH"]) == (7, "7")
    assert plan_for(text, build_args={"SOURCE_DATE_EPOCH": "9"}).source_date_epoch == 9
    assert plan_for("FROM x\nRUN a").source_date_epoch is None


def test_the_time_of_a_directory_means_no_epoch(plan_for):
    plan = plan_for(
        "FROM x\nARG SOURCE_DATE_EPOCH\nRUN a", build_args={"SOURCE_DATE_EPOCH": "context"}
    )
    assert plan.source_date_epoch is None
    assert "SOURCE_DATE_EPOCH" not in environment(plan)


def test_the_time_of_a_commit_may_be_named(plan_for):
    given = {"SOURCE_DATE_EPOCH": "context"}
    plan = plan_for(
        "FROM x\nARG SOURCE_DATE_EPOCH\nRUN a", build_args=given, source_times={"context": 77}
    )
    assert (plan.source_date_epoch, environment(plan)["SOURCE_DATE_EPOCH"]) == (77, "77")


@pytest.mark.parametrize("value", ["soon", "1.5", "\u0663", "9" * 13])
def test_what_is_no_time_is_refused_at_its_place(plan_for, value):
    with pytest.raises(DockerfileSyntaxError, match="invalid SOURCE_DATE_EPOCH") as caught:
        plan_for(f"ARG A\nARG SOURCE_DATE_EPOCH={value}\nFROM x")
    assert caught.value.span.line == 2
    with pytest.raises(DockerfileSyntaxError) as caught:
        plan_for("FROM x", build_args={"SOURCE_DATE_EPOCH": value})
    assert caught.value.span is None


def test_a_default_that_cannot_be_expanded_is_an_error_only_when_it_is_used(plan_for):
    text = "FROM x\nARG A=${B:?needed}\nRUN a"
    with pytest.raises(ExpansionError, match="B: needed") as caught:
        plan_for(text)
    assert caught.value.span.line == 2
    assert environment(plan_for(text, build_args={"A": "1"}))["A"] == "1"


def test_expansion_uses_the_values_from_before_the_instruction(plan_for):
    plan = plan_for("FROM x\nENV a=hello\nENV a=bye b=$a\nENV c=$a\nRUN x")
    seen = environment(plan)
    assert (seen["a"], seen["b"], seen["c"]) == ("bye", "hello", "bye")
