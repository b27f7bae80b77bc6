"""The container of a RUN."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.copier.passwd import UserIds
from jettison.plan.op import ExecOp, Network, Security
from jettison.sandbox.spec import ContainerLimits, NetworkMode, Root, RootKind, TmpfsMount
from jettison.solver.drivers import ExecOptions
from jettison.solver.ops.mounts import Mounted
from jettison.solver.ops.spec import environment, step_spec

ROOT = Root(RootKind.OVERLAY, Path("/upper"))
USER = UserIds(7, 8, (8, 9), home="/home/me")


def options(**fields) -> ExecOptions:
    return ExecOptions(
        cache_mounts=Path("/caches"),
        discard=lambda _: None,
        hosts=lambda name, more: f"{name} {more}".encode(),
        resolv_conf=lambda: b"nameserver 192.0.2.1\n",
        **fields,
    )


def op(**fields) -> ExecOp:
    return ExecOp(**{"argv": ("sh", "-c", "x"), "env": ("A=1",), "cwd": "/w", **fields})


def test_a_step_gets_its_process_user_and_names():
    spec = step_spec(op(extra_hosts=("h:1.2.3.4",)), options(), ROOT, USER, Mounted(()))
    assert (spec.argv, spec.cwd, spec.root) == (("sh", "-c", "x"), "/w", ROOT)
    assert (spec.uid, spec.gid, spec.groups) == (7, 8, (8, 9))
    assert spec.env == ("HOME=/home/me", "A=1")
    assert spec.hostname == "jettison"
    assert spec.hosts == b"jettison ('h:1.2.3.4',)"
    assert spec.resolv_conf == b"nameserver 192.0.2.1\n"
    assert spec.readonly_names
    assert not spec.privileged


@pytest.mark.parametrize(
    ("network", "mode"),
    [
        (Network.DEFAULT, NetworkMode.SHARED),
        (Network.HOST, NetworkMode.HOST),
        (Network.NONE, NetworkMode.NONE),
    ],
)
def test_networks_are_those_of_the_op(network, mode):
    assert step_spec(op(network=network), options(), ROOT, USER, Mounted(())).network is mode


def test_an_insecure_step_is_privileged():
    insecure = op(security=Security.INSECURE, hostname="box")
    spec = step_spec(insecure, options(), ROOT, USER, Mounted(()))
    assert (spec.privileged, spec.hostname) == (True, "box")


def test_mounts_of_all_steps_come_before_those_of_the_step():
    mounted = Mounted((TmpfsMount("/own"),), env=("TOKEN=x",))
    common = options(mounts=(TmpfsMount("/all"),), env=("A=2", "P=1"), forced_env=("C=3",))
    spec = step_spec(op(), common, ROOT, USER, mounted)
    assert spec.mounts == (TmpfsMount("/all"), TmpfsMount("/own"))
    assert spec.env == ("HOME=/home/me", "A=1", "P=1", "C=3", "TOKEN=x")


def test_limits_of_the_step_are_added_to_those_of_all():
    limits = ContainerLimits(memory_bytes=1 << 20, shm_bytes=5)
    limited = op(ulimits=("nofile=5:6",), shm_bytes=7)
    spec = step_spec(limited, options(limits=limits), ROOT, USER, Mounted(()))
    assert spec.limits.memory_bytes == 1 << 20
    assert spec.limits.ulimits == (("nofile", 5, 6),)
    assert spec.limits.shm_bytes == 7
    assert step_spec(op(), options(limits=limits), ROOT, USER, Mounted(())).limits.shm_bytes == 5


def test_a_home_of_the_op_wins_and_a_name_without_a_value_is_empty():
    assert environment(("HOME=/x", "A"), ("B=1",), ("B=2",), home="/root") == (
        "HOME=/x",
        "B=2",
        "A=",
    )
