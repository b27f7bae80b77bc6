"""Variables that steer docker: read as there, or said once where that surprises."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.cli.main import run
from jettison.cli.variables import VARIABLES, tell_variables
from jettison.linux.userns import ENTERED

SETTINGS = Path(__file__).resolve().parents[3] / "docs" / "reference" / "settings.md"

SURPRISES = {
    "DOCKER_HOST": ("tcp://docker:2375", "unix:///var/run/docker.sock"),
    "CONTAINER_HOST": ("ssh://host/run/podman.sock", "unix:///run/podman.sock"),
    "DOCKER_CONTEXT": ("remote", "default"),
    "DOCKER_CONTENT_TRUST": ("1", "0"),
    "DOCKER_BUILDKIT": ("0", "1"),
    "BUILDX_BUILDER": ("mine", "default"),
    "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY": ("policy.json", ""),
    "REGISTRY_AUTH_FILE": ("/auth.json", ""),
    "BUILDAH_ISOLATION": ("chroot", ""),
    "BUILDAH_FORMAT": ("docker", ""),
}


def said(command: str, capsys: pytest.CaptureFixture[str], **variables: str) -> str:
    tell_variables(command, variables)
    return capsys.readouterr().err


@pytest.mark.parametrize("name", VARIABLES)
def test_what_surprises_is_said_in_a_line_and_all_else_in_none(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    surprising, usual = SURPRISES[name]
    reason = VARIABLES[name].reason
    line = f"WARN: {name} changes nothing: {reason}\n"
    assert said("build", capsys, **{name: surprising}) == line
    assert said("build", capsys, **{name: usual}) == ""
    about_all = VARIABLES[name].commands is None
    assert said("history", capsys, **{name: surprising}) == (line if about_all else "")
    assert f"`{name}`" in SETTINGS.read_text()


def test_a_program_that_starts_again_does_not_repeat_itself(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENTERED, "all")
    assert said("build", capsys, DOCKER_CONTEXT="remote") == ""


def test_a_command_says_it_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://docker:2375")
    monkeypatch.setenv("JETTISON_ROOT", str(tmp_path / "store"))
    assert run(["inspect", "nothing"]) == 1
    assert capsys.readouterr().err.count("DOCKER_HOST changes nothing") == 1


@pytest.mark.parametrize(
    ("name", "value", "line", "message"),
    [
        ("BUILDKIT_PROGRESS", "fancy", "build .", "ERROR: `BUILDKIT_PROGRESS`: `fancy` is not one"),
        ("DOCKER_DEFAULT_PLATFORM", "bogus", "build {}", "ERROR: `bogus` is neither"),
        ("DOCKER_DEFAULT_PLATFORM", "a b/c/d/e", "pull x", "is not a platform"),
    ],
)
def test_a_wrong_value_is_an_error(
    name: str,
    value: str,
    line: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("JETTISON_ROOT", str(tmp_path / "store"))
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert run(line.format(tmp_path).split()) == 125
    assert message in capsys.readouterr().err


def test_colors_that_are_none_are_said_before_a_build(capsys: pytest.CaptureFixture[str]) -> None:
    assert said("build", capsys, BUILDKIT_COLORS="run=green") == ""
    assert "`pink` is no color" in said("build", capsys, BUILDKIT_COLORS="run=pink")
