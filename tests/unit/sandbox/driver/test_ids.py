"""Users that containers can have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jettison.sandbox.driver.ids import check_ids

CHECK = f"""
import pathlib, sys
from jettison.errors import SandboxUnavailableError
from jettison.linux.namespace import NEWUSER, unshare
from {check_ids.__module__} import check_ids
from jettison.sandbox.spec import Root, RootKind, SandboxSpec
unshare(NEWUSER)
print("unshared", flush=True)
input()
uid, gid, *groups = map(int, sys.argv[1:])
root = Root(RootKind.DIRECTORY, pathlib.Path("/"))
try:
    check_ids(SandboxSpec(root, ("true",), (), uid=uid, gid=gid, groups=tuple(groups)))
except SandboxUnavailableError as error:
    print(error.message)
"""


def checked(*ids: int, count: int) -> str:
    """Return what is wrong with ids where a user namespace has so many of them."""
    argv = [sys.executable, "-c", CHECK, *map(str, ids)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "unshared\n"
        for kind in ("uid", "gid"):
            Path(f"/proc/{child.pid}/{kind}_map").write_text(f"0 0 {count}")
        return child.communicate("mapped\n")[0].strip()


@pytest.mark.needs_root
@pytest.mark.parametrize(
    ("ids", "problem"),
    [
        ((0, 0, 0), ""),
        ((999, 999, 999), ""),
        ((1000, 0, 0), "user 1000 cannot be had here: this user namespace maps ids up to 999"),
        ((5, 1000, 0), "group 1000 cannot be had here: this user namespace maps ids up to 999"),
        (
            (5, 5, 5, 70_000),
            "group 70000 cannot be had here: this user namespace maps ids up to 999",
        ),
    ],
)
def test_an_id_that_is_not_mapped_is_named(ids, problem):
    assert checked(*ids, count=1000) == problem


@pytest.mark.needs_root
def test_where_one_id_stands_for_all_every_id_can_be_had():
    assert checked(70_000, 70_000, 1, count=1) == ""
