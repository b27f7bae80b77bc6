"""Devices and GPUs of ``run``: what is described here, and docker's words for what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.api import run_devices
from jettison.api.run_devices import devices
from jettison.errors import HostError, UsageError
from jettison.sandbox.spec import DeviceNode

GPUS = """{"cdiVersion": "0.6.0", "kind": "nvidia.com/gpu", "devices": [
 {"name": "0", "containerEdits": {"env": ["GPU=0"]}},
 {"name": "1", "containerEdits": {"env": ["GPU=1"]}},
 {"name": "all", "containerEdits": {"env": ["GPU=all"]}}]}"""


@pytest.fixture(autouse=True)
def described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run_devices, "DIRECTORIES", (tmp_path,))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "target"),
    [("/dev/null", "/dev/null"), ("/dev/null:/dev/x", "/dev/x"), ("/dev/null:rwm", "/dev/null"),
     ("/dev/null:/dev/x:mrw", "/dev/x")],
)  # fmt: skip
def test_a_device_has_its_place(text: str, target: str) -> None:
    (found,) = devices([text], "")
    assert found.nodes == (DeviceNode(Path("/dev/null"), target),)


def test_a_device_is_given_for_some_access_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_devices, "is_usual", lambda _: False)
    for text, access in (("/dev/null:r", "r"), ("/dev/null:/dev/x:mw", "wm"), ("/dev/null", "rwm")):
        (found,) = devices([text], "")
        assert found.nodes[0].access == access


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("/dev/no-such", HostError, 'custom device "/dev/no-such": no such file or directory'),
        ("/etc", HostError, "is not a device node"),
        ("null", UsageError, "bad format"),
        ("/dev/null:/x:q", UsageError, "bad format"),
        ("/dev/null:/x:r", UsageError, "with all access"),
        ("vendor/class=x", HostError, "unresolvable CDI devices vendor/class=x"),
    ],
)
def test_what_is_no_device_is_an_error(text: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        devices([text], "")


@pytest.mark.parametrize(
    ("text", "values"),
    [("all", ["all"]), ("2", ["0", "1"]), ("device=1", ["1"]), ('"device=0,1"', ["0", "1"])],
)
def test_gpus_are_those_that_are_described(described: Path, text: str, values: list[str]) -> None:
    (described / "gpu.json").write_text(GPUS)
    assert [each.env for each in devices([], text)] == [(f"GPU={value}",) for value in values]


def test_without_gpus_docker_s_words_are_said() -> None:
    with pytest.raises(HostError, match="could not select device driver"):
        devices([], "all")
    for text in ("none", "0", "-1", "device=", "1000"):
        with pytest.raises(UsageError, match="--gpus"):
            devices([], text)
