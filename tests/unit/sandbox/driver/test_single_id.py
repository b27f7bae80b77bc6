"""What package managers must know where there is one user."""

from __future__ import annotations

from pathlib import Path

import msgspec

from jettison.sandbox.driver.single_id import adapt_to_one_user
from jettison.sandbox.spec import FileMount, Root, RootKind, SandboxSpec, TmpfsMount

SPEC = SandboxSpec(
    Root(RootKind.DIRECTORY, Path("/upper")), ("true",), ("A=1",), mounts=(TmpfsMount("/dev"),)
)


def test_apt_is_told_to_stay_root():
    adapted = adapt_to_one_user(SPEC)
    config = FileMount("/dev/single-id.apt", b'APT::Sandbox::User "root";\n', 0o444)
    assert adapted.mounts == (config, TmpfsMount("/dev"))
    assert adapted.env == ("A=1", "APT_CONFIG=/dev/single-id.apt")


def test_a_configuration_of_the_step_s_own_is_kept():
    spec = msgspec.structs.replace(SPEC, env=("APT_CONFIG=/mine",))
    assert adapt_to_one_user(spec) == spec
