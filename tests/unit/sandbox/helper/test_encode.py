"""What the helper is told of a spec, at each level."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.errors import UsageError
from jettison.linux.cgroup import Group
from jettison.linux.process import CAPABILITIES
from jettison.sandbox import wire
from jettison.sandbox.helper import encode, filters
from jettison.sandbox.spec import (
    BindMount,
    ContainerLimits,
    FileMount,
    Fuse,
    FuseMount,
    NetworkMode,
    Root,
    RootKind,
    SandboxSpec,
    TmpfsMount,
)
from jettison.sandbox.wire_codec import Message, decode
from jettison.sandbox.wire_codec import encode as to_bytes

ROOT = Root(RootKind.OVERLAY, Path("/upper"), Path("/work"), (Path("/base"), Path("/top")))
SCOPES, OLD = 6, 5
"""Versions of Landlock: one with scopes for abstract sockets, and one before."""


def spec(**more) -> SandboxSpec:
    return SandboxSpec(**{"root": ROOT, "argv": ("sh", "ü"), "env": ("A=1",)} | more)


def container(made: SandboxSpec, *, single_id: bool = False, landlock: int = SCOPES):
    group = Group((Path("/sys/fs/cgroup/mine"),))
    message = encode.container(
        made, single_id=single_id, userns=True, cgroup=group, landlock_abi=landlock
    )
    assert decode(to_bytes(message)) == message
    return message


def test_a_root_is_told_as_it_is_made() -> None:
    assert container(spec()).root == wire.Root(
        upper=b"/upper", work=b"/work", lowers=[b"/base", b"/top"], merged=b""
    )
    tree = container(spec(root=Root(RootKind.DIRECTORY, Path("/tree")))).root
    assert (tree.upper, tree.work, tree.lowers, tree.merged) == (b"/tree", b"", [], b"/tree")


def test_a_process_is_told_in_bytes() -> None:
    limits = ContainerLimits(ulimits=(("nofile", 5, -1),))
    process = container(spec(uid=3, gid=4, groups=(5,), limits=limits, init=True)).process
    assert process == wire.Process(
        argv=[b"sh", b"\xc3\xbc"], env=[b"A=1"], cwd=b"/", uid=3, gid=4, groups=[5],
        limits=[wire.ResourceLimit(resource=7, soft=5, hard=-1)], init=True,
        announced=False, no_new_privileges=False,
    )  # fmt: skip


def test_groups_and_networks_are_joined_by_their_files() -> None:
    told = container(spec(network=NetworkMode.OWN, network_path="/ns", terminal=True)).attachments
    assert told.cgroups == [b"/sys/fs/cgroup/mine/cgroup.procs"]
    assert told.network == b"/ns"
    assert told.terminal == wire.Terminal(rows=24, columns=80)
    assert container(spec()).attachments.terminal is None


def test_mounts_keep_their_order_behind_the_names() -> None:
    mounts = (TmpfsMount("/t", 5, 0o700), BindMount(Path("/s"), "/b"), FileMount("/f", b"x", uid=7))
    told = container(spec(mounts=mounts, hosts=b"h")).mounts
    assert [each.target for each in told] == [b"/etc/hosts", b"/t", b"/b", b"/f"]
    assert told[1] == wire.TmpfsMount(target=b"/t", size_bytes=5, mode=0o700)
    assert (told[3].uid, container(spec(mounts=mounts), single_id=True).mounts[2].uid) == (7, 0)


def test_shared_memory_is_left_out_where_a_mount_takes_its_place() -> None:
    assert container(spec()).shm_bytes == 64 << 20
    assert container(spec(mounts=(TmpfsMount("/dev/shm/"),))).shm_bytes is None


def test_what_fuse_mounts_is_told() -> None:
    fuse = Fuse(Path("/bin/fuse"), (FuseMount(Path("/merged"), (Path("/base"),)),))
    assert container(spec(fuse=fuse)).fuse == wire.Fuse(
        program=b"/bin/fuse",
        mounts=[wire.FuseMount(merged=b"/merged", upper=b"", work=b"", lowers=[b"/base"])],
    )


def said(told: Message) -> tuple[bool, bool, bool]:
    """Return whether calls are refused, whether a listener is notified, whether it is scoped."""
    assert isinstance(told, wire.Filters)
    return bool(told.refuse), bool(told.notify), told.scoped


@pytest.mark.parametrize(
    ("more", "single_id", "landlock", "expected"),
    [
        ({}, False, SCOPES, (True, False, True)),
        ({}, False, OLD, (True, True, False)),
        ({"network": NetworkMode.HOST}, False, OLD, (True, False, False)),
        ({"privileged": True}, False, OLD, (False, False, False)),
        ({}, True, SCOPES, (True, True, True)),
        ({"uid": 1}, True, SCOPES, (True, False, True)),
        ({"uid": 1}, True, OLD, (True, True, False)),
        ({"privileged": True}, True, SCOPES, (True, True, False)),
    ],
)
def test_a_container_has_the_filters_that_its_level_needs(
    more, single_id, landlock, expected
) -> None:
    told = filters.container_filters(spec(**more), single_id=single_id, landlock_abi=landlock)
    assert said(told) == expected


def test_a_runtime_filters_itself_and_a_chroot_notifies_of_opens() -> None:
    assert said(filters.runtime_filters(spec(), landlock_abi=SCOPES)) == (False, False, True)
    assert said(filters.runtime_filters(spec(), landlock_abi=OLD)) == (False, True, False)
    assert said(filters.chroot_filters(spec(), single_id=False)) == (False, True, False)
    assert said(filters.chroot_filters(spec(), single_id=True)) == (True, True, False)


def test_a_privileged_container_may_do_all_and_an_unknown_capability_is_refused() -> None:
    assert filters.granted(spec(privileged=True)) == (1 << len(CAPABILITIES)) - 1
    unknown = spec(capabilities=("CAP_NONE",))
    for tell in (
        lambda: container(unknown),
        lambda: filters.chroot_filters(unknown, single_id=False),
    ):
        with pytest.raises(UsageError, match="CAP_NONE"):
            tell()
