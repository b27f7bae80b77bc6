"""The OCI runtime bundle of a spec."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jettison.errors import UsageError
from jettison.sandbox import wire
from jettison.sandbox.driver.bundle import make_bundle
from jettison.sandbox.spec import (
    BindMount,
    ContainerLimits,
    FileMount,
    NetworkMode,
    OverlayMount,
    Root,
    RootKind,
    SandboxSpec,
    TmpfsMount,
)


def spec(**more) -> SandboxSpec:
    root = Root(RootKind.DIRECTORY, Path("/roots/upper"))
    return SandboxSpec(root=root, argv=("sh", "-c", "ü"), env=("A=1", "B=2"), **more)


def config(made: SandboxSpec, *, userns: bool = False, cgroup: str = ""):
    return json.loads(make_bundle(made, "/bundle", userns=userns, cgroup=cgroup).config)


def test_the_process_is_the_spec_s():
    process = config(spec(cwd="/w", uid=3, gid=4, groups=(5,)))["process"]
    assert process["args"] == ["sh", "-c", "ü"]
    assert process["env"] == ["A=1", "B=2"]
    assert process["user"] == {"uid": 3, "gid": 4, "additionalGids": [5]}
    assert process["capabilities"]["effective"] == []
    assert "CAP_CHOWN" in process["capabilities"]["bounding"]
    assert process["noNewPrivileges"] is False


def test_limits_are_rlimits_and_resources():
    limits = ContainerLimits(memory_bytes=4096, cpus=0.5, ulimits=(("nofile", 1, -1),))
    resources = config(spec(limits=limits))["linux"]["resources"]
    assert resources.keys() == {"devices"}  # it is in a limited group
    made = config(spec(limits=limits), cgroup="/own")
    assert made["linux"]["cgroupsPath"] == "/own"
    assert made["process"]["rlimits"] == [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 2**64 - 1}]
    assert made["linux"]["resources"]["memory"] == {"limit": 4096, "swap": 4096}
    assert made["linux"]["resources"]["cpu"] == {"quota": 50000, "period": 100000}


def test_devices_are_allowed_as_docker_does():
    rules = config(spec())["linux"]["resources"]["devices"]
    assert rules[0] == {"allow": False, "access": "rwm"}
    assert {"allow": True, "type": "b", "access": "m"} in rules
    assert all(rule["type"] == "c" for rule in rules[1:] if rule["access"] != "m")
    privileged = config(spec(privileged=True))
    assert privileged["linux"]["resources"]["devices"] == [{"allow": True, "access": "rwm"}]
    assert "hooks" not in privileged


def test_a_network_namespace_is_made_for_no_network_only():
    kinds = [entry["type"] for entry in config(spec())["linux"]["namespaces"]]
    assert "network" not in kinds
    made = config(spec(network=NetworkMode.NONE))
    assert "network" in [entry["type"] for entry in made["linux"]["namespaces"]]


def test_a_privileged_container_has_no_filter_and_nothing_hidden():
    linux = config(spec(privileged=True))["linux"]
    assert not {"seccomp", "maskedPaths", "readonlyPaths"} & set(linux)


def test_the_host_s_sys_is_shown_where_sysfs_cannot_be_mounted():
    (sys,) = (m for m in config(spec(), userns=True)["mounts"] if m["destination"] == "/sys")
    assert sys["options"] == ["rbind", "ro", "nodev", "rprivate"]


def test_mounts_keep_their_order_and_say_what_to_prepare(tmp_path):
    (tmp_path / "layer/srv").mkdir(parents=True)
    mounts = (
        TmpfsMount("/t", size_bytes=5, mode=0o700),
        BindMount(tmp_path, "/b", readonly=True),
        BindMount(tmp_path, "/c", copy_up=True),
        OverlayMount((tmp_path / "layer",), "srv", "/o"),
        FileMount("/dev/secret", b"s"),
    )
    bundle = make_bundle(spec(mounts=mounts, hosts=b"h"), "/bundle", userns=False, cgroup="")
    shown = [(m["destination"], m["source"]) for m in json.loads(bundle.config)["mounts"][6:]]
    assert shown == [
        ("/etc/hosts", "/bundle/mount-0"),
        ("/t", "tmpfs"),
        ("/b", "/bundle/mount-2"),
        ("/c", "/bundle/mount-3"),
        ("/o", "/bundle/mount-4/srv"),
        ("/dev/secret", "/bundle/mount-5"),
    ]
    assert [(type(each), each.name) for each in bundle.prepared] == [
        (wire.PreparedFile, b"mount-0"),
        (wire.PreparedBind, b"mount-2"),
        (wire.PreparedOverlay, b"mount-3"),
        (wire.PreparedOverlay, b"mount-4"),
        (wire.PreparedFile, b"mount-5"),
        (wire.PreparedProgram, b"restrict"),
    ]
    assert wire.MountPoint(path=b"/o", directory=True) in bundle.points
    assert wire.MountPoint(path=b"/etc/hosts", directory=False) in bundle.points
    assert not any(point.path.startswith(b"/dev/") for point in bundle.points)


def test_a_selector_that_no_layer_has_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="`/nothing`"):
        config(spec(mounts=(OverlayMount((tmp_path,), "nothing", "/o"),)))
