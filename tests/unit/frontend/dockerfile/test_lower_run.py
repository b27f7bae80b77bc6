"""RUN: processes, heredocs, mounts, what must be allowed."""

from __future__ import annotations

import pytest

from jettison.errors import DockerfileSyntaxError, ExpansionError
from jettison.frontend.base import LocalContext
from jettison.oci.config import ContainerConfig
from jettison.plan.op import (
    ExecMount,
    ExecOp,
    ImageOp,
    LocalOp,
    MountType,
    Network,
    Security,
    Sharing,
)


def only_run(plan):
    (vertex,) = [each for each in plan.vertices if isinstance(each.op, ExecOp)]
    return vertex


@pytest.fixture
def run(plan_for):
    """Lower one RUN after the lines given."""

    def lowered(text, before="", **fields):
        return only_run(plan_for(f"FROM a\n{before}\n{text}", **fields)).op

    return lowered


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("RUN make  all", ("/bin/sh", "-c", "make  all")),
        ('RUN ["make", "$A"]', ("make", "$A")),
        ("RUN <<EOF\nline 1\n$A\nEOF", ("/bin/sh", "-c", "line 1\n$A\n")),
        ("RUN <<-'EOF'\n\tline 1\nEOF", ("/bin/sh", "-c", "line 1\n")),
        ("RUN <<EOF python3\nprint(1)\nEOF", ("/bin/sh", "-c", "<<EOF python3\nprint(1)\nEOF")),
        (
            "RUN cat <<A && cat <<B\na\nA\nb\nB",
            ("/bin/sh", "-c", "cat <<A && cat <<B\na\nA\nb\nB"),
        ),
    ],
)
def test_what_a_run_starts(run, text, argv):
    op = run(text)
    assert op.argv == argv
    assert op.mounts == ()


def test_a_heredoc_with_an_interpreter_line_is_a_file(run):
    op = run("RUN <<-EOF\n\t#!/usr/bin/env python3\n\tprint(1)\nEOF")
    assert op.argv == ("/bin/sh", "-c", "/dev/pipes/EOF")
    assert op.mounts == (
        ExecMount(
            type=MountType.FILE,
            target="/dev/pipes/EOF",
            readonly=True,
            mode=0o755,
            content=b"#!/usr/bin/env python3\nprint(1)\n",
        ),
    )


def test_a_heredoc_is_summarised_in_the_name(plan_for):
    plan = plan_for("FROM a\nRUN <<EOF\napt-get update\napt-get upgrade\nEOF")
    assert plan.vertices[-1].name == "[2/2] RUN <<EOF (apt-get update...)"


def test_user_and_directory_of_image_and_stage_hold(run, plan_for):
    images = {"a": plan_for.image("a", ContainerConfig(user="u", working_dir="w"))}
    assert (run("RUN x", images=images).user, run("RUN x", images=images).cwd) == ("u", "/w")
    op = run("RUN x", before="WORKDIR /d\nUSER 5:6", images=images)
    assert (op.user, op.cwd) == ("5:6", "/d")


def test_settings_of_the_build_are_in_the_op(run):
    op = run(
        "RUN x",
        extra_hosts=("h:1.2.3.4",),
        ulimits=("nofile=1:2",),
        shm_bytes=5,
        build_args={"BUILDKIT_SANDBOX_HOSTNAME": "me"},
    )
    assert (op.extra_hosts, op.ulimits, op.shm_bytes, op.hostname) == (
        ("h:1.2.3.4",),
        ("nofile=1:2",),
        5,
        "me",
    )


def test_the_network_of_the_build_holds_unless_a_run_says_another(run):
    assert run("RUN x", network=Network.NONE).network is Network.NONE
    assert run("RUN --network=default x", network=Network.NONE).network is Network.NONE
    assert run("RUN --network=none x").network is Network.NONE
    assert run("RUN --network=host x", network=Network.HOST).network is Network.HOST


@pytest.mark.parametrize(
    ("flag", "entitlement"),
    [("--network=host", "network.host"), ("--security=insecure", "security.insecure")],
)
def test_what_opens_the_sandbox_must_be_allowed(run, flag, entitlement):
    with pytest.raises(DockerfileSyntaxError, match=entitlement) as caught:
        run(f"RUN {flag} x")
    assert caught.value.hint == f"allow it with --allow {entitlement}"
    op = run(f"RUN {flag} x", allow=frozenset({entitlement}))
    assert Network.HOST is op.network or Security.INSECURE is op.security


def mounts_of(plan_for, flags, before="", **fields):
    vertex = only_run(plan_for(f"FROM a\n{before}\nRUN {flags} x", **fields))
    return vertex.op.mounts, vertex


def test_a_bind_is_of_the_build_context_by_default_and_read_only(plan_for):
    (mount,), vertex = mounts_of(plan_for, "--mount=source=dir,target=sub", before="WORKDIR /w")
    assert mount == ExecMount(
        type=MountType.BIND, target="/w/sub", input=0, source="/dir", readonly=True
    )
    assert len(vertex.inputs) == 1


def test_binds_of_stages_images_and_contexts_are_inputs(plan_for):
    plan = plan_for(
        "FROM a AS one\nRUN 1\nFROM a\n"
        "RUN --mount=from=one,target=/1 --mount=from=img,target=/2,rw --mount=from=ctx,target=/3"
        " --mount=from=one,target=/4,source=../x y",
        contexts={"ctx": LocalContext()},
    )
    vertex = plan.vertices[-1]
    by_digest = {each.digest: each.op for each in plan.vertices}
    assert [type(by_digest[each]) for each in vertex.inputs] == [ExecOp, ImageOp, LocalOp]
    assert [mount.input for mount in vertex.op.mounts] == [0, 1, 2, 0]
    assert [mount.readonly for mount in vertex.op.mounts] == [True, False, True, True]
    assert vertex.op.mounts[3].source == "/x"


def test_a_cache_is_named_by_its_target_and_namespace(plan_for):
    ((one, two), _) = mounts_of(
        plan_for,
        "--mount=type=cache,target=/root/.cache/ --mount=type=cache,id=i,target=/c,sharing=locked,mode=0700,uid=5",
        build_args={"BUILDKIT_CACHE_MOUNT_NS": "ns"},
    )
    assert (one.id, one.sharing, one.readonly, one.input) == (
        "ns//root/.cache",
        Sharing.SHARED,
        False,
        None,
    )
    assert (two.id, two.sharing, two.mode, two.uid) == ("ns/i#700:5:0", Sharing.LOCKED, 0o700, 5)


def test_a_cache_of_another_owner_is_another_cache(plan_for):
    flags = [f"--mount=type=cache,target=/c{each}" for each in ("", ",uid=0", ",uid=1", ",gid=1")]
    mounts, _ = mounts_of(plan_for, " ".join(flags))
    assert [each.id for each in mounts] == ["//c", "//c#755:0:0", "//c#755:1:0", "//c#755:0:1"]


def test_a_cache_may_begin_with_files_of_a_stage(plan_for):
    (mount,), vertex = mounts_of(plan_for, "--mount=type=cache,from=b,source=/s,target=/c")
    assert (mount.input, mount.source, len(vertex.inputs)) == (0, "/s", 1)


def test_a_tmpfs_may_have_a_size(plan_for):
    (mount,), _ = mounts_of(plan_for, "--mount=type=tmpfs,target=/t,size=10m")
    assert (mount.type, mount.size_bytes, mount.readonly) == (MountType.TMPFS, 10 << 20, False)


@pytest.mark.parametrize(
    ("options", "name", "target", "env"),
    [
        ("id=token", "token", "/run/secrets/token", ""),
        ("id=a/b", "a/b", "/run/secrets/b", ""),
        ("target=/etc/key", "key", "/etc/key", ""),
        ("id=t,env=TOKEN", "t", "", "TOKEN"),
        ("id=t,env=TOKEN,target=/t", "t", "/t", "TOKEN"),
        ("src=t,target=/x", "t", "/x", ""),
    ],
)
def test_secrets_are_files_or_variables(plan_for, options, name, target, env):
    (mount,), _ = mounts_of(plan_for, f"--mount=type=secret,{options}")
    assert (mount.id, mount.target, mount.env) == (name, target, env)


def test_ssh_agents_have_targets_and_the_first_is_in_the_environment(plan_for):
    ((one, two), vertex) = mounts_of(plan_for, "--mount=type=ssh --mount=type=ssh,id=k,required")
    assert (one.id, one.target, one.required) == ("default", "/run/buildkit/ssh_agent.0", False)
    assert (two.id, two.target, two.required) == ("k", "/run/buildkit/ssh_agent.1", True)
    assert "SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0" in vertex.op.env
    _, own = mounts_of(plan_for, "--mount=type=ssh", before="ENV SSH_AUTH_SOCK=/mine")
    assert [each for each in own.op.env if "SSH" in each] == ["SSH_AUTH_SOCK=/mine"]


def test_options_of_mounts_are_expanded_with_values_in_scope(plan_for):
    (mount,), _ = mounts_of(
        plan_for, "--mount=type=$T,id=$I,target=/$I", before="ARG T=cache\nENV I=x"
    )
    assert (mount.type, mount.id, mount.target) == (MountType.CACHE, "/x", "/x")


@pytest.mark.parametrize("target", ["/", "/a/..", "..", ""])
def test_the_root_is_no_mount_target(plan_for, target):
    with pytest.raises(DockerfileSyntaxError, match='invalid mount target "/"') as caught:
        mounts_of(plan_for, f"--mount=target={target}")
    assert caught.value.span.line == 3


def test_a_variable_without_value_in_a_mount_is_told_if_required(plan_for):
    with pytest.raises(ExpansionError, match="is not allowed to be unset"):
        mounts_of(plan_for, "--mount=target=${X?}")
