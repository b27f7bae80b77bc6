"""Choosing a driver: order, verdicts that are kept, words of errors."""

from __future__ import annotations

import os
import stat
import subprocess

import msgspec
import pytest

from jettison.errors import SandboxUnavailableError, UsageError
from jettison.sandbox import select
from jettison.sandbox.base import Verdict
from jettison.sandbox.probe import true_program


def test_the_program_of_the_probe_runs_here(tmp_path):
    program = true_program(os.uname().machine)
    if not program:
        pytest.skip("no program for this processor")
    path = tmp_path / "true"
    path.write_bytes(program)
    path.chmod(stat.S_IRWXU)
    assert len(program) < 200
    assert subprocess.run([path], check=False).returncode == 0


def test_other_processors_have_no_program():
    assert true_program("riscv64") == b""


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
