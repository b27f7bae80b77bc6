"""The level of the last time, below which no step runs unnoticed."""

from __future__ import annotations

import os

import msgspec
import pytest

from jettison.errors import SandboxUnavailableError, UsageError
from jettison.sandbox.base import Verdict
from jettison.sandbox.level import keep_level, require_known

FAILED = [Verdict("embedded", works=False, reason="no namespaces")]


def kept(store) -> dict[str, str]:
    return msgspec.json.decode((store / "levels.json").read_bytes())


@pytest.mark.parametrize(
    ("last", "now"),
    [
        ("embedded", "embedded"),
        ("embedded", "crun"),
        ("single-id", "embedded"),
        ("in-container", "single-id"),
        ("in-container", "in-container"),
    ],
)
def test_a_level_as_good_or_better_is_noted(tmp_path, last, now):
    keep_level(tmp_path, last, [], may_weaken=False)
    keep_level(tmp_path, now, FAILED, may_weaken=False)
    assert kept(tmp_path) == {os.uname().nodename: now}
    assert os.listdir(tmp_path) == ["levels.json"]


@pytest.mark.parametrize(
    ("last", "now"),
    [("embedded", "single-id"), ("runc", "in-container"), ("single-id", "in-container")],
)
def test_a_weaker_level_is_an_error_that_says_why_unless_it_is_asked_for(tmp_path, last, now):
    keep_level(tmp_path, last, [], may_weaken=False)
    with pytest.raises(SandboxUnavailableError) as caught:
        keep_level(tmp_path, now, FAILED, may_weaken=False)
    assert caught.value.message == (
        f"steps would run at the level `{now}`, which is weaker than `{last}`, where they ran"
        " last on this host: `embedded`: no namespaces"
    )
    assert kept(tmp_path) == {os.uname().nodename: last}
    keep_level(tmp_path, now, FAILED, may_weaken=True)
    assert kept(tmp_path) == {os.uname().nodename: now}


def test_other_hosts_are_kept_up_to_a_number(tmp_path):
    others = {f"host{n}": "in-container" for n in range(40)}
    (tmp_path / "levels.json").write_bytes(msgspec.json.encode(others))
    keep_level(tmp_path, "embedded", [], may_weaken=False)
    assert list(kept(tmp_path)) == [*[f"host{n}" for n in range(9, 40)], os.uname().nodename]


@pytest.mark.parametrize("data", [b"", b"[]", b'{"a":1}', b"\xff"])
def test_a_damaged_note_is_none(tmp_path, data):
    (tmp_path / "levels.json").write_bytes(data)
    keep_level(tmp_path, "in-container", [], may_weaken=False)
    assert kept(tmp_path) == {os.uname().nodename: "in-container"}


def test_a_note_that_cannot_be_written_is_no_reason_to_fail(tmp_path):
    keep_level(tmp_path / "missing", "embedded", [], may_weaken=False)
    (tmp_path / "levels.json").mkdir()
    keep_level(tmp_path, "embedded", [], may_weaken=False)
    assert os.listdir(tmp_path) == ["levels.json"]


@pytest.mark.parametrize(
    "name", ["", "auto", "embedded", "oci", "oci:crun", "runc", "/bin/x", "oci:/x"]
)
def test_names_that_there_are(name):
    require_known(name, "")


@pytest.mark.parametrize(
    ("isolation", "snapshotter", "message"),
    [
        ("bogus", "", "unknown sandbox driver `bogus`"),
        ("oci:bogus", "", "unknown sandbox driver `oci:bogus`"),
        ("", "btrfs", "unknown snapshotter `btrfs`"),
    ],
)
def test_names_that_there_are_not(isolation, snapshotter, message):
    with pytest.raises(UsageError) as caught:
        require_known(isolation, snapshotter)
    assert caught.value.message == message
    assert caught.value.hint.startswith("Use one of ")
