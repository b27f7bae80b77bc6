"""Mounts, limits and capabilities of ``run``, as docker writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.api.container import (
    capabilities,
    container_mounts,
    limits,
    security,
    sysctls,
    with_profile_text,
)
from jettison.container.request import RunRequest
from jettison.errors import UsageError
from jettison.sandbox.spec import DEFAULT_CAPABILITIES, BindMount, Security, TmpfsMount


@pytest.mark.parametrize(
    ("text", "readonly"), [("", False), (":ro", True), (":rw", False), (":z", False)]
)
def test_a_volume_is_a_bind_mount(tmp_path: Path, text: str, readonly: bool):
    request = RunRequest("x", volumes=(f"{tmp_path}:/data{text}",))
    assert container_mounts(request) == (BindMount(tmp_path, "/data", readonly=readonly),)


def test_a_volume_that_is_not_there_is_made(tmp_path: Path):
    container_mounts(RunRequest("x", volumes=(f"{tmp_path}/a/b:/data",)))
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("text", ["/only", "named:/data", "/a:relative", "/a:/b:fast"])
def test_a_volume_of_another_form_is_refused(text: str):
    with pytest.raises(UsageError) as caught:
        container_mounts(RunRequest("x", volumes=(text,)))
    assert caught.value.hint


def test_mounts_have_the_names_that_docker_gives_their_fields(tmp_path: Path):
    bind = {"type": "bind", "source": str(tmp_path), "target": "/a"}
    mounts = container_mounts(
        RunRequest(
            "x",
            mounts=(
                bind,
                {**bind, "readonly": ""},
                {**bind, "ro": "true"},
                {**bind, "readonly": "false"},
                {"type": "tmpfs", "dst": "/t", "tmpfs-size": "1m"},
            ),
            tmpfs=("/s:size=2k,mode=755", "/r"),
        )
    )
    assert mounts == (
        TmpfsMount("/s", 2048),
        TmpfsMount("/r", 0),
        BindMount(tmp_path, "/a"),
        BindMount(tmp_path, "/a", readonly=True),
        BindMount(tmp_path, "/a", readonly=True),
        BindMount(tmp_path, "/a"),
        TmpfsMount("/t", 1 << 20),
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"src": "/", "dst": "/a"},
        {"type": "bind", "src": "/no/such/file", "dst": "/a"},
        {"type": "bind", "src": "/"},
        {"type": "bind", "src": "/", "dst": "a"},
        {"type": "bind", "src": "/", "dst": "/a", "nonsense": "1"},
        {"type": "tmpfs", "dst": "/a", "tmpfs-size": "big"},
        {"type": "tmpfs", "dst": "/a", "tmpfs-size": "1" * 5000},
    ],
)
def test_a_mount_that_is_not_understood_is_refused(fields: dict[str, str]):
    with pytest.raises(UsageError):
        container_mounts(RunRequest("x", mounts=(fields,)))


def test_limits_are_numbers():
    request = RunRequest(
        "x", ulimits=("nofile=10:20", "core=0", "stack=-1"), memory_bytes=5, cpus=2
    )
    found = limits(request)
    assert found.ulimits == (("nofile", 10, 20), ("core", 0, 0), ("stack", -1, -1))
    assert (found.memory_bytes, found.cpus, found.shm_bytes) == (5, 2, 64 << 20)
    with pytest.raises(UsageError):
        limits(RunRequest("x", ulimits=("nofile",)))


def test_capabilities_are_added_and_dropped():
    assert capabilities([], []) == DEFAULT_CAPABILITIES
    assert capabilities(["net_admin"], []) == (*DEFAULT_CAPABILITIES, "CAP_NET_ADMIN")
    assert "CAP_CHOWN" not in capabilities([], ["CAP_CHOWN"])
    assert capabilities([], ["ALL"]) == ()
    assert "CAP_SYS_ADMIN" in capabilities(["ALL"], [])
    assert "CAP_SYS_ADMIN" not in capabilities(["all"], ["sys_admin"])
    with pytest.raises(UsageError, match="NONSENSE"):
        capabilities(["nonsense"], [])


def test_security_options_are_those_of_docker() -> None:
    found = security(
        [
            "no-new-privileges",
            "seccomp=unconfined",
            "apparmor:p",
            "systempaths=unconfined",
            "label=disable",
        ]
    )
    assert found == Security("p", no_new_privileges=True, unfiltered=True, unmasked=True)
    assert security(["no-new-privileges=false", "seccomp=builtin"]) == Security()
    for option in (
        "seccomp=no-such.json",
        "seccomp={}",
        "nonsense",
        "no-new-privileges=maybe",
        "apparmor",
        "label=type:x",
    ):
        with pytest.raises(UsageError):
            security([option])


def test_parameters_of_the_kernel_are_the_container_s_own() -> None:
    assert sysctls(["net.ipv4.ip_forward=1", "kernel/msgmax=5"], own_network=True) == (
        ("net.ipv4.ip_forward", "1"),
        ("kernel.msgmax", "5"),
    )
    for text, own in (("net.x=1", False), ("vm.x=1", True), ("net", True), ("net..x=1", True),
                      ("kernel.hostname=x", True), ("=1", True)):  # fmt: skip
        with pytest.raises(UsageError, match="sysctl"):
            sysctls([text], own_network=own)


def test_a_profile_is_kept_by_its_text(tmp_path):
    path = tmp_path / "profile.json"
    path.write_text('{"defaultAction": "SCMP_ACT_ALLOW"}')
    kept = with_profile_text(
        (f"seccomp={path}", f"seccomp:{path}", "seccomp=unconfined", "label=disable")
    )
    text = f"seccomp={path.read_text()}"
    assert kept == (text, text, "seccomp=unconfined", "label=disable")
    path.unlink()
    assert security(kept[:1]).seccomp == security([text]).seccomp is not None
    assert security([text, "seccomp=unconfined"]).seccomp is None
