"""Secrets and agents as mounts."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from jettison.errors import SolveError
from jettison.plan.op import ExecMount, MountType
from jettison.sandbox.spec import FileMount
from jettison.solver.ops.mounts import Mounted, mount_private
from ownership_rig import OWNERSHIP
from unit.solver.ops.test_spec import options

FILE = ExecMount(MountType.SECRET, "/run/secrets/a", id="a")
ENV = ExecMount(MountType.SECRET, "", id="a", env="A")


def private(tmp_path: Path, *mounts: ExecMount, **given) -> Mounted:
    with ExitStack() as stack:
        return mount_private(mounts, options(**given), OWNERSHIP, stack, tmp_path)


def test_a_secret_is_a_file_in_memory_for_its_owner(tmp_path):
    mount = ExecMount(MountType.SECRET, "/s", id="a", uid=7, gid=8, mode=0o440)
    mounted = private(tmp_path, FILE, mount, secrets={"a": b"\0value"})
    assert mounted.mounts == (
        FileMount("/run/secrets/a", b"\0value", 0o400, secret=True),
        FileMount("/s", b"\0value", 0o440, 7, 8, secret=True),
    )
    assert mounted.env == ()


def test_a_secret_is_a_variable_without_a_file_unless_it_has_a_target(tmp_path):
    both = ExecMount(MountType.SECRET, "/s", id="a", env="B")
    mounted = private(tmp_path, ENV, both, secrets={"a": b"v\xff"})
    assert mounted.env == ("A=v\udcff", "B=v\udcff")
    assert [each.target for each in mounted.mounts] == ["/s"]


def test_what_is_not_there_is_left_out(tmp_path):
    agent = ExecMount(MountType.SSH, "/agent", id="default", required=True)
    other = ExecMount(MountType.TMPFS, "/t")
    assert private(tmp_path, FILE, ENV, agent, other) == Mounted(())


@pytest.mark.parametrize(
    ("mount", "value", "message"),
    [
        (FILE, bytes((500 << 10) + 1), "secret a is larger than 512000 bytes"),
        (ENV, b"a\0b", "secret a holds a null byte and cannot be a variable"),
    ],
)
def test_a_secret_that_cannot_be_given_is_an_error_without_its_value(
    tmp_path, mount, value, message
):
    with pytest.raises(SolveError) as caught:
        private(tmp_path, mount, secrets={"a": value})
    assert caught.value.message == message
