"""Which devices steps get: what the host has, what the build may have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jettison.api.devices import Grants, devices_of, parse_grants
from jettison.errors import SolveError, UsageError
from jettison.frontend.base import CompileRequest
from jettison.frontend.dockerfile.compile import compile as compile_file
from jettison.oci.platform import parse_platform
from jettison.plan.graph import Plan

AMD64 = parse_platform("linux/amd64")
ANNOTATION = "org.mobyproject.buildkit.device."


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    devices = [
        {"name": "a", "containerEdits": {"env": ["A=1"]}},
        {"name": "b", "annotations": {f"{ANNOTATION}class": "many"}},
        {"name": "c", "annotations": {f"{ANNOTATION}class": "many"}},
        {"name": "free", "annotations": {f"{ANNOTATION}autoallow": "true"}},
        {"name": "hooked", "containerEdits": {"hooks": [{"hookName": "x", "path": "/bin/hook"}]}},
    ]
    (tmp_path / "d.json").write_text(json.dumps({"kind": "v.com/d", "devices": devices}))
    return tmp_path


def found(directory: Path, line: str, *allow: str) -> dict[str, list[str]]:
    text = f"FROM scratch\nRUN {line} true\n".encode()
    plan = compile_file(CompileRequest(text=text, platform=AMD64, build_platform=AMD64), {})
    assert isinstance(plan, Plan)
    devices = devices_of(plan, allow, lambda _: None, [str(directory)])
    return {name: [each.name for each in each] for name, each in devices.items()}


def test_grants_are_read_as_buildkit_reads_them():
    assert parse_grants(["network.host", "security.insecure"]) == Grants()
    assert parse_grants(["device", "device=x"]) == Grants(everything=True, names=("x",))
    assert parse_grants(["device=v.com/d=a,alias=gpu"]) == Grants(aliases={"gpu": "v.com/d=a"})
    for wrong in ("device=a,b", "device=a,alias=", "device=a,alia=b"):
        with pytest.raises(UsageError, match="is malformed"):
            parse_grants([wrong])


@pytest.mark.parametrize(
    ("line", "allow", "devices"),
    [
        ("--device=v.com/d=a", "device", ["v.com/d=a"]),
        ("--device=v.com/d=a", "device=v.com/d=a", ["v.com/d=a"]),
        ("--device=v.com/d=a", "device=v.com/d=*", ["v.com/d=a"]),
        ("--device=many", "device=many", ["v.com/d=b", "v.com/d=c"]),
        ("--device=v.com/d=free,required", "network.host", ["v.com/d=free"]),
        ("--device=none", "network.host", []),
        ("--device=gpu", "device=v.com/d=a,alias=gpu", ["v.com/d=a"]),
        ("--device=/dev/null", "device=/dev/null", ["/dev/null"]),
    ],
)
def test_what_is_granted_is_given(directory: Path, line: str, allow: str, devices: list[str]):
    assert list(found(directory, line, allow).values()) == [devices]


@pytest.mark.parametrize(
    ("line", "allow", "message"),
    [
        (
            "--device=v.com/d=a",
            "device=v.com/d=b",
            "device v.com/d=a is requested by the build but",
        ),
        ("--device=many", "device=v.com/d=a", "devices v.com/d=b, v.com/d=c are requested by"),
        ("--device=/dev/null", "device=/dev/zero", "device /dev/null is requested by the build"),
        ("--device=x,required", "device", 'required device "x" is not registered'),
        ("--device=gpu,required", "device=no,alias=gpu", 'required device "gpu" is not registered'),
    ],
)
def test_other_devices_are_errors_with_their_place(
    directory: Path, line: str, allow: str, message: str
):
    (directory / "broken.yaml").write_text("a: &b c\n")
    with pytest.raises(SolveError) as caught:
        found(directory, line, allow)
    assert message in caught.value.message
    assert caught.value.span.line == 2
    expected = "broken.yaml" if "required" in message else "allow it with --allow device="
    assert expected in caught.value.hint


def test_programs_of_a_description_are_told_and_not_run(directory: Path):
    text = b"FROM scratch\nRUN --device=v.com/d=hooked true\n"
    plan = compile_file(CompileRequest(text=text, platform=AMD64, build_platform=AMD64), {})
    told: list[str] = []
    devices_of(plan, ["device"], told.append, [str(directory)])
    assert told == ["device v.com/d=hooked: programs of its description are not run: `/bin/hook`"]


def test_nothing_is_read_where_no_step_asks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("jettison.container.cdi.registry.Registry", None)
    assert found(Path("/nowhere"), "") == {}
