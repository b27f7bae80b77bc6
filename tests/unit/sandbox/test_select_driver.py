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
from jettison.sandbox.init import guard
from jettison.sandbox.probe import deleting_program


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
    assert len(program) < 300
    assert subprocess.run(["chroot", tmp_path, "/probe"], check=False).returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["made-anew", "probe"]
    assert os.listdir(tmp_path / "made-anew") == []
    assert stat.S_IMODE((tmp_path / "made-anew").stat().st_mode) & 0o055


def test_the_program_of_arm_is_the_one_of_the_manual():
    words = struct.unpack_from("<8I", deleting_program("aarch64"), 120 + 36)
    # mov x0, #-100; movz x1, #0x78; movk x1, #0x40, lsl #16; mov x2, #0; mov x8, #35; svc #0
    assert words == (
        0x92800C60,
        0xD2800F01,
        0xF2A00801,
        0xD2800002,
        0xF2A00002,
        0xD2800468,
        0xF2A00008,
        0xD4000001,
    )


def test_the_step_that_a_snapshotter_can_fail_in_is_the_helper_s():
    assert base.MOUNT_ROOT == guard.MOUNT_ROOT


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
        select.choose("docker")
    assert "embedded" in caught.value.hint


def test_a_runtime_that_is_not_there_is_an_error_that_says_so(tmp_path):
    with pytest.raises(SandboxUnavailableError, match="not installed"):
        select.choose(str(tmp_path / "none"))


def test_a_program_that_is_no_runtime_is_an_error_with_a_reason(tmp_path):
    fake = tmp_path / "fake-runtime"
    fake.write_text("#!/bin/sh\nexit 3\n")
    fake.chmod(0o755)
    with pytest.raises(SandboxUnavailableError, match="no sandbox works on this host: `oci:fake"):
        select.choose(str(fake), tmp_path)


def test_a_kept_verdict_saves_the_trial(tmp_path, monkeypatch):
    trials = []

    def try_out(sandbox, directory):
        trials.append(sandbox.name)
        return Verdict(sandbox.name, works=True)

    monkeypatch.setattr("jettison.sandbox.probe.probe", try_out)
    for _ in range(2):
        select.choose("", tmp_path).close()
    assert trials == ["embedded"]
    (key,) = msgspec.json.decode((tmp_path / "sandbox.json").read_bytes())
    assert key.startswith("embedded ")


def test_a_failed_trial_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "jettison.sandbox.probe.probe",
        lambda sandbox, directory: Verdict(sandbox.name, works=False, reason="no", remedy="Do it."),
    )
    with pytest.raises(SandboxUnavailableError, match="`embedded`: no") as caught:
        select.choose("embedded", tmp_path)
    assert caught.value.hint == "Do it."
    assert not (tmp_path / "sandbox.json").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_a_damaged_file_of_verdicts_is_written_anew(tmp_path, monkeypatch, content):
    (tmp_path / "sandbox.json").write_bytes(content)
    monkeypatch.setattr(
        "jettison.sandbox.probe.probe", lambda sandbox, directory: Verdict("embedded", works=True)
    )
    select.choose("embedded", tmp_path).close()
    assert msgspec.json.decode((tmp_path / "sandbox.json").read_bytes())
