"""Metadata instructions, WORKDIR, step names and cache flags."""

from __future__ import annotations

import time
from itertools import takewhile

import msgspec
import pytest

from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile.lower import count_steps, is_uncached
from jettison.frontend.dockerfile.parser import parse
from jettison.frontend.dockerfile.stages import StageGraph
from jettison.frontend.dockerfile.syntax import From
from jettison.oci.config import ContainerConfig, History
from jettison.oci.platform import Platform, parse_platform
from jettison.plan.op import CopyOp, ExecOp, LocalOp, MkdirOp


def names(plan):
    return [each.name for each in plan.vertices if each.name.startswith("[")]


def history(plan):
    return [each.entry.created_by for each in plan.image.history]


def test_steps_are_named_and_counted_as_docker_does(plan_for):
    plan = plan_for(
        "FROM python:3.11-slim AS builder\nWORKDIR /app\nENV V=1\nCOPY a b\nRUN make $V '$V' $W\n"
        "FROM builder\nrun x\nFROM scratch\nCOPY --from=1 / /\nCMD x"
    )
    assert names(plan) == [
        "[builder 1/4] FROM docker.io/library/python:3.11-slim",
        "[builder 2/4] WORKDIR /app",
        "[internal] load build context",
        "[builder 3/4] COPY a b",
        "[builder 4/4] RUN make 1 '$V' $W",
        "[stage-1 1/1] RUN x",
        "[stage-2 1/1] COPY --from=1 / /",
    ]


def test_the_only_stage_has_no_label(plan_for):
    assert names(plan_for("FROM a AS x\nRUN 1\nRUN 2")) == [
        "[1/3] FROM docker.io/library/a:latest",
        "[2/3] RUN 1",
        "[3/3] RUN 2",
    ]


def test_the_only_stage_has_a_label_when_it_copies_from_an_image(plan_for):
    plan = plan_for("FROM scratch\nCOPY --from=a /x /")
    assert plan.vertices[-1].name == "[stage-0 1/1] COPY --from=a /x /"


def test_triggers_are_marked_and_numbers_are_aligned(plan_for):
    images = {"a": plan_for.image("a", ContainerConfig(on_build=("RUN t",)))}
    plan = plan_for("FROM a\n" + "RUN x\n" * 9, images=images)
    assert plan.vertices[1].name == "[ 2/11] ONBUILD RUN t"


def test_names_hide_credentials_and_secrets(plan_for):
    plan = plan_for(
        "FROM a\nENV T=seen\nADD https://me:pass@host/f /f\n"
        "RUN --mount=type=secret,id=t,env=T use $T"
    )
    assert "pass" not in " ".join(each.name for each in plan.vertices)
    assert plan.vertices[-1].name == "[3/3] RUN --mount=type=secret,id=t,env=T use ****"


def test_workdir_is_a_step_unless_it_is_the_root(plan_for):
    plan = plan_for("FROM scratch\nWORKDIR /\nWORKDIR /a\nUSER u:g\nWORKDIR b/../c\nWORKDIR /d/")
    made = [each.op for each in plan.vertices if isinstance(each.op, MkdirOp)]
    assert made == [MkdirOp("/a"), MkdirOp("/a/c", "u:g"), MkdirOp("/d", "u:g")]
    steps = [(step.entry.created_by, step.vertex is None) for step in plan.image.history]
    assert steps == [
        ("WORKDIR /", True),
        ("WORKDIR /a", False),
        ("USER u:g", True),
        ("WORKDIR /a/c", False),
        ("WORKDIR /d/", False),
    ]
    assert plan.image.config.working_dir == "/d/"


def test_entrypoint_resets_an_inherited_cmd_but_not_one_of_the_same_stage(plan_for):
    images = {"a": plan_for.image("a", ContainerConfig(cmd=("base",)))}
    assert plan_for('FROM a\nENTRYPOINT ["e"]', images=images).image.config.cmd is None
    kept = plan_for('FROM a\nCMD ["own"]\nENTRYPOINT ["e"]', images=images).image.config
    assert kept.cmd == ("own",)
    stage = plan_for('FROM a AS s\nCMD ["own"]\nFROM s\nENTRYPOINT ["e"]', images=images)
    assert stage.image.config.cmd is None


def test_shell_wraps_shell_forms_after_it(plan_for):
    plan = plan_for('FROM a\nCMD one\nSHELL ["bash","-c"]\nENTRYPOINT two $X\nRUN three')
    config = plan.image.config
    assert config.entrypoint == ("bash", "-c", "two $X")
    assert config.shell == ("bash", "-c")
    assert plan.vertices[-1].op.argv == ("bash", "-c", "three")


def test_environment_entries_are_replaced_in_place(plan_for):
    images = {"a": plan_for.image("a", ContainerConfig(env=("A=1", "PATH=/p", "B=2")))}
    plan = plan_for("FROM a\nENV B=3 C=4\nENV A=5", images=images)
    assert plan.image.config.env == ("A=5", "PATH=/p", "B=3", "C=4")


def test_a_default_path_is_added_to_images_without_one(plan_for):
    images = {"a": plan_for.image("a", ContainerConfig(env=("A=1",)))}
    assert plan_for("FROM a", images=images).image.config.env == (
        "A=1",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    )


def test_labels_of_flags_win_and_are_not_in_the_history(plan_for):
    plan = plan_for("FROM scratch\nLABEL b=1 a=2", labels={"b": "flag", "z": "9"})
    assert plan.image.config.labels == {"a": "2", "b": "flag", "z": "9"}
    assert list(plan.image.config.labels) == ["a", "b", "z"]
    assert history(plan) == ["LABEL b=1 a=2"]


def test_a_healthcheck_is_written_as_go_prints_it(plan_for):
    plan = plan_for(
        "FROM scratch\nHEALTHCHECK --interval=1h1m1.5s --timeout=1500us --retries=2 CMD x y"
    )
    check = plan.image.config.healthcheck
    assert check.test == ("CMD-SHELL", "x y")
    assert (check.interval, check.timeout) == (3_661_500_000_000, 1_500_000)
    assert history(plan) == [
        (
            "HEALTHCHECK {Test:[CMD-SHELL x y] Interval:1h1m1.5s Timeout:1.5ms StartPeriod:0s"
            " StartInterval:0s Retries:2}"
        )
    ]


@pytest.mark.parametrize("signal", ["9", "SIGTERM", "term", "RTMIN+3", "SIGRTMAX-1"])
def test_signals_that_exist_are_taken_as_written(plan_for, signal):
    assert plan_for(f"FROM scratch\nSTOPSIGNAL {signal}").image.config.stop_signal == signal


@pytest.mark.parametrize("signal", ["0", "FOO", "RTMIN+16", "-9", "SIG"])
def test_signals_that_do_not_exist_are_refused(plan_for, signal):
    with pytest.raises(DockerfileSyntaxError, match="invalid signal") as caught:
        plan_for(f"FROM scratch\nSTOPSIGNAL {signal}")
    assert caught.value.span.line == 2


def test_history_of_the_base_is_kept_as_it_is(plan_for):
    entry = History(created="2020-01-01T00:00:00Z", created_by="old", comment="c")
    images = {"a": plan_for.image("a", history=(entry,), author="me", created="2020")}
    plan = plan_for("FROM a\nENV A=1", images=images)
    assert plan.image.history[0].entry == entry
    assert plan.image.history[0].vertex is None
    assert plan.image.history[1].entry == History(
        created_by="ENV A=1", comment="buildkit.dockerfile.v0", empty_layer=True
    )
    assert plan.image.author == "me"


def test_details_of_the_base_are_kept_when_the_build_names_none(plan_for):
    images = {"a": plan_for.image("a", architecture="arm", variant="v6", os_version="1")}
    plan = plan_for("FROM a", images=images, platform=Platform("arm", "linux"))
    assert plan.image.platform == Platform("arm", "linux", "v6", "1")
    other = plan_for("FROM a", images=images, platform=parse_platform("linux/amd64"))
    assert other.image.platform == Platform("amd64", "linux")


def test_an_image_is_for_what_its_base_is_for_when_nobody_asked_for_a_platform(plan_for):
    images = {"a": plan_for.image("a", architecture="arm64", variant="v8")}
    text = "FROM --platform=linux/arm64 a"
    plan = plan_for(text, images=images, implicit_platform=True)
    assert str(plan.image.platform) == "linux/arm64"
    assert str(plan_for(text, images=images).image.platform) == "linux/amd64"
    assert str(plan_for("FROM scratch", implicit_platform=True).image.platform) == "linux/amd64"
    other = "FROM --platform=linux/arm64 scratch"  # nothing is of no platform
    assert str(plan_for(other, implicit_platform=True).image.platform) == "linux/amd64"


def test_an_empty_stage_has_no_target(plan_for):
    plan = plan_for("FROM scratch\nENV A=1")
    assert (plan.target, plan.vertices) == (None, ())
    assert plan.stages[0].needed


def test_an_image_without_layers_is_an_empty_root(plan_for):
    images = {"a": plan_for.image("a", layers=0)}
    plan = plan_for("FROM a\nCOPY x /", images=images)
    assert plan.vertices[-1].base is None


def test_nothing_is_looked_up_where_that_is_asked(plan_for):
    text = "FROM a AS one\nRUN 1\nFROM b AS two\nRUN 2\nCOPY --from=one / /\nWORKDIR /w"

    def uncached(**fields):
        steps = (ExecOp, CopyOp, MkdirOp)
        return [
            v.stage
            for v in plan_for(text, **fields).vertices
            if isinstance(v.op, steps) and v.ignore_cache
        ]

    assert uncached() == []
    assert sorted(uncached(no_cache=True)) == [0, 1, 1, 1]
    assert uncached(no_cache_stages=("ONE",)) == [0]
    assert uncached(no_cache_stages=("1",)) == [1, 1, 1]


def test_equal_steps_are_one_vertex_that_ignores_the_cache_if_any_of_them_does(plan_for):
    text = "FROM a AS one\nRUN same\nFROM a AS two\nRUN same\nFROM scratch\nCOPY --from=one / /1\nCOPY --from=two / /2"
    plan = plan_for(text, no_cache_stages=("two",))
    runs = [each for each in plan.vertices if isinstance(each.op, ExecOp)]
    assert [each.ignore_cache for each in runs] == [True]


def test_needs_come_before_what_needs_them(plan_for):
    plan = plan_for(
        "FROM a AS x\nCOPY 1 /\nRUN --mount=from=b,target=/m 2\nFROM x\nCOPY --from=x / /\nADD https://h/f /"
    )
    seen = set()
    for vertex in plan.vertices:
        assert seen.issuperset(vertex.needs)
        seen.add(vertex.digest)
    assert plan.target == plan.vertices[-1].digest
    assert [each.op for each in plan.vertices].count(LocalOp("context")) == 1


def test_the_definition_does_not_depend_on_names_comments_or_places(plan_for):
    one = plan_for("FROM a AS x\nRUN make\nFROM scratch\nCOPY --from=x /o /")
    two = plan_for("# hello\nFROM a AS other\n\nRUN \\\n  make\nFROM scratch\nCOPY --from=0 /o /")
    assert one.target == two.target


def test_a_config_is_encoded_as_docker_reads_it(plan_for):
    plan = plan_for("FROM scratch\nEXPOSE 80\nVOLUME /v\nLABEL a=b\nUSER u\nSTOPSIGNAL 9")
    assert msgspec.json.decode(msgspec.json.encode(plan.image.config)) == {
        "User": "u",
        "ExposedPorts": {"80/tcp": {}},
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Volumes": {"/v": {}},
        "WorkingDir": "/",
        "Labels": {"a": "b"},
        "StopSignal": "9",
    }


def test_a_large_file_compiles_in_linear_time(plan_for):
    def seconds(count):
        lines = []
        for n in range(count):
            lines += [f"FROM a AS s{n}", "ARG V=1", f"COPY f{n} /f", f"RUN make {n} $V"]
        lines += ["FROM scratch", *(f"COPY --from=s{n} /f /f{n}" for n in range(count))]
        text = "\n".join(lines)
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            plan_for(text)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(800) < 10 * seconds(200)


@pytest.mark.parametrize(
    ("value", "runs"), [("1", False), ("true", False), ("0", True), ("?", True)]
)
def test_triggers_can_be_left_out(plan_for, value, runs):
    images = {"a": plan_for.image("a", ContainerConfig(on_build=("ENV T=image", "RUN --nosuch")))}
    own = "FROM scratch AS b\nONBUILD ENV T=stage\nFROM b\n"
    given = {"build_args": {"BUILDKIT_DISABLE_ONBUILD": value}}
    plan = plan_for(own, **given)
    assert ("T=stage" in plan.image.config.env) is runs
    assert not plan.image.config.on_build
    assert plan.unused_build_args == ()
    if runs:
        with pytest.raises(DockerfileSyntaxError, match="unknown flag: --nosuch"):
            plan_for("FROM a\n", images=images, **given)
        return
    plan = plan_for("FROM a\nONBUILD ENV kept=1\n", images=images, **given)
    assert not any(each.startswith("T=") for each in plan.image.config.env)
    assert plan.image.config.on_build == ("ENV kept=1",)


def test_the_history_of_ports_and_healthchecks_is_that_of_the_newest_buildkit(plan_for):
    plan = plan_for(
        "FROM scratch\nEXPOSE 81 80/udp 90-91\nHEALTHCHECK --interval=90s CMD a b\nHEALTHCHECK NONE\n"
    )
    rest = "Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}"
    assert [step.entry.created_by for step in plan.image.history] == [
        "EXPOSE 80/udp 81/tcp 90/tcp 91/tcp",
        f"HEALTHCHECK {{Test:[CMD-SHELL a b] Interval:1m30s {rest}",
        f"HEALTHCHECK {{Test:[NONE] Interval:0s {rest}",
    ]


def stages(text):
    file = parse(text.encode())
    graph = StageGraph({}, parse_platform("linux/amd64"), "\\")
    for each in file.instructions:
        if isinstance(each, From):
            graph.add(each, {})
    for stage in graph.stages:
        following = [each for each in file.instructions if each.span.line > stage.span.line]
        graph.connect(stage, takewhile(lambda each: not isinstance(each, From), following))
    return graph.stages


def test_steps_that_are_counted_change_files_and_from_counts_where_it_gets_some():
    text = (
        "FROM x AS a\nRUN 1\nENV a=1\nFROM a\nCOPY a b\nADD a b\nWORKDIR /\nFROM scratch\nCMD x\n"
    )
    assert [count_steps(stage) for stage in stages(text)] == [2, 3, 0]


@pytest.mark.parametrize(
    ("no_cache", "names", "uncached"),
    [
        (False, (), [False, False]),
        (True, (), [True, True]),
        (False, ("B",), [False, True]),
        (False, ("0",), [True, False]),
        (False, ("", "none"), [False, False]),
    ],
)
def test_stages_that_are_not_looked_up_are_named_or_numbered(no_cache, names, uncached):
    found = stages("FROM x\nFROM y AS b\n")
    assert [is_uncached(each, no_cache=no_cache, names=names) for each in found] == uncached
