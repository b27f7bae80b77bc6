"""Choosing a driver: order, verdicts that are kept, words of errors."""

from __future__ import annotations

import os
import stat
import struct
import subprocess

import msgspec
import pytest

from jettison.errors import SandboxUnavailableError, UsageError
from jettison.sandbox import base, select
from jettison.sandbox.base import Verdict
from jettison.sandbox.init import step
from jettison.sandbox.probe import deleting_program
from jettison.sandbox.rootfs.base import SNAPSHOTTERS, RootedSandbox
from ownership_rig import OWNERSHIP


@pytest.mark.needs_root
def test_the_program_of_the_probe_runs_here(tmp_path):
    program = deleting_program(os.uname().machine)
    if not program:
        pytest.skip("no program for this processor")
    path = tmp_path / "probe"
    path.write_bytes(program)
    path.chmod(stat.S_IRWXU)
    (tmp_path / "made-anew").mkdir(mode=0o700)
    for name in ("gone", "made-anew/file"):
        (tmp_path / name).touch()
    assert len(program) < 410
    assert subprocess.run(["chroot", tmp_path, "/probe"], check=False).returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["hidden", "made-anew", "probe"]
    assert os.listdir(tmp_path / "made-anew") == []
    assert stat.S_IMODE((tmp_path / "made-anew").stat().st_mode) & 0o055


def test_the_program_of_arm_is_the_one_of_the_manual():
    words = struct.unpack_from("<8I", deleting_program("aarch64"), 176 + 44)
    # mov x0, #-100; movz x1, #0xb0; movk x1, #0x40, lsl #16; mov x2, #0; mov x8, #35; svc #0
    assert words == (
        0x92800C60,
        0xD2801601,
        0xF2A00801,
        0xD2800002,
        0xF2A00002,
        0xD2800468,
        0xF2A00008,
        0xD4000001,
    )


def test_the_step_that_a_snapshotter_can_fail_in_is_the_helper_s():
    assert base.MOUNT_ROOT == step.MOUNT_ROOT


def test_other_processors_have_no_program():
    assert deleting_program("riscv64") == b""


@pytest.mark.parametrize(
    ("force", "names"),
    [
        ("", ("embedded", "oci:crun", "oci:runc", "in-container")),
        ("oci", ("oci:crun", "oci:runc")),
        ("crun", ("oci:crun",)),
        ("embedded", ("embedded",)),
        ("in-container", ("in-container",)),
        ("/opt/youki", ("oci:/opt/youki",)),
    ],
)
def test_names_stand_for_drivers(force, names):
    assert select._candidates(force) == names


def test_an_unknown_driver_is_the_user_s_mistake():
    with pytest.raises(UsageError, match="`docker`") as caught:
        select.choose(OWNERSHIP, "docker")
    assert "embedded" in caught.value.hint


def test_a_runtime_that_is_not_there_is_an_error_that_says_so(tmp_path):
    with pytest.raises(SandboxUnavailableError, match="not installed"):
        select.choose(OWNERSHIP, str(tmp_path / "none"))


def test_a_program_that_is_no_runtime_is_an_error_with_a_reason(tmp_path):
    fake = tmp_path / "fake-runtime"
    fake.write_text("#!/bin/sh\nexit 3\n")
    fake.chmod(0o755)
    with pytest.raises(SandboxUnavailableError, match="no sandbox works on this host: `oci:fake"):
        select.choose(OWNERSHIP, str(fake), tmp_path)


def test_a_kept_verdict_saves_the_trial(tmp_path, monkeypatch):
    trials = []

    def try_out(sandbox, directory):
        trials.append(sandbox.name)
        return Verdict(sandbox.name, works=True)

    monkeypatch.setattr("jettison.sandbox.probe.probe", try_out)
    for _ in range(2):
        select.choose(OWNERSHIP, "", tmp_path).close()
    assert trials == ["embedded"]
    (key,) = msgspec.json.decode((tmp_path / "sandbox.json").read_bytes())
    assert key.startswith("embedded ")


@pytest.mark.needs_root
def test_a_verdict_is_of_one_program_and_not_of_its_name(tmp_path, need):
    cache = tmp_path / "cache"
    cache.mkdir()
    os.symlink(need("crun"), tmp_path / "crun")
    select.choose(OWNERSHIP, f"{tmp_path}/crun", cache).close()
    other = tmp_path / "a b\udcff'\"$" / "crun"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\nexit 3\n")
    other.chmod(0o755)
    with pytest.raises(SandboxUnavailableError):
        select.choose(OWNERSHIP, os.fspath(other), cache)
    os.unlink(other)
    other.write_text(f'#!/bin/sh\nexec {need("crun")} "$@"\n')
    other.chmod(0o755)
    select.choose(OWNERSHIP, os.fspath(other), cache).close()  # its path may be odd
    # Another program at the same place, of the same size and time, has to prove itself.
    facts = other.stat()
    broken = other.with_name("new")
    broken.write_text("#!/bin/sh\nexit 3\n".ljust(facts.st_size))
    broken.chmod(0o755)
    os.utime(broken, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    broken.replace(other)
    with pytest.raises(SandboxUnavailableError):
        select.choose(OWNERSHIP, os.fspath(other), cache)


def test_a_failed_trial_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "jettison.sandbox.probe.probe",
        lambda sandbox, directory: Verdict(sandbox.name, works=False, reason="no", remedy="Do it."),
    )
    with pytest.raises(SandboxUnavailableError, match="`embedded`: no") as caught:
        select.choose(OWNERSHIP, "embedded", tmp_path)
    assert caught.value.hint == "Do it."
    assert not (tmp_path / "sandbox.json").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_a_damaged_file_of_verdicts_is_written_anew(tmp_path, monkeypatch, content):
    (tmp_path / "sandbox.json").write_bytes(content)
    monkeypatch.setattr(
        "jettison.sandbox.probe.probe", lambda sandbox, directory: Verdict("embedded", works=True)
    )
    select.choose(OWNERSHIP, "embedded", tmp_path).close()
    assert msgspec.json.decode((tmp_path / "sandbox.json").read_bytes())


@pytest.mark.parametrize(("refused", "taken"), [(1, "fuse-overlayfs"), (2, "copy")])
def test_where_a_root_cannot_be_mounted_the_next_snapshotter_is_taken(
    tmp_path, monkeypatch, need, refused, taken
):
    need("fuse-overlayfs")
    trials = []

    def try_out(sandbox, directory):
        trials.append(getattr(sandbox, "snapshotter", "overlay"))
        works = len(trials) > refused
        return Verdict(sandbox.name, works, "" if works else f"{base.MOUNT_ROOT}: refused")

    monkeypatch.setattr("jettison.sandbox.probe.probe", try_out)
    sandbox = select.choose(OWNERSHIP, "embedded", tmp_path)
    sandbox.close()
    assert trials == list(SNAPSHOTTERS[: refused + 1])
    assert isinstance(sandbox, RootedSandbox)
    assert sandbox.snapshotter == taken
    assert f"snapshotter `{taken}`" in select.limitations(sandbox)
    assert "refused" in select.limitations(sandbox)
    asked = select.choose(OWNERSHIP, "embedded", tmp_path, taken)
    asked.close()
    assert select.limitations(asked) == ""


def test_a_fuse_that_is_not_installed_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(select, "find_program", lambda _: None)
    monkeypatch.setattr(
        "jettison.sandbox.probe.probe",
        lambda sandbox, _: Verdict(sandbox.name, works=False, reason=base.MOUNT_ROOT),
    )
    with pytest.raises(SandboxUnavailableError, match="on fuse-overlayfs`: not installed"):
        select.choose(OWNERSHIP, "embedded", tmp_path)


def test_other_problems_than_the_root_s_are_not_tried_again(tmp_path, monkeypatch):
    trials = []

    def try_out(sandbox, directory):
        trials.append(sandbox)
        return Verdict(sandbox.name, works=False, reason="clone: no")

    monkeypatch.setattr("jettison.sandbox.probe.probe", try_out)
    with pytest.raises(SandboxUnavailableError, match=r"`embedded`: clone: no$"):
        select.choose(OWNERSHIP, "embedded", tmp_path)
    assert len(trials) == 1


def test_an_unknown_snapshotter_is_the_user_s_mistake():
    with pytest.raises(UsageError, match="unknown snapshotter `btrfs`"):
        select.choose(OWNERSHIP, "", snapshotter="btrfs")


def test_a_chroot_has_copies_only(tmp_path):
    with pytest.raises(SandboxUnavailableError, match="nothing can be mounted"):
        select.choose(OWNERSHIP, "in-container", tmp_path, "overlay")
