"""What programs find in ``/proc`` where it cannot be mounted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.sandbox_rig import Rig, make_base
from jettison.errors import SandboxUnavailableError
from jettison.sandbox.driver.chroot import ChrootSandbox
from ownership_rig import OWNERSHIP

pytestmark = pytest.mark.needs_root


@pytest.fixture
def rig(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    sandbox = ChrootSandbox(OWNERSHIP)
    base = make_base(tmp_path / "base")
    (base / "bin/readlink").symlink_to("busybox")
    # Another user's processes are watched by one who enters pytest's private directories.
    private = [tmp_path, *tmp_path_factory.getbasetemp().parents]
    for directory in (tmp_path_factory.getbasetemp(), *private):
        if directory == tmp_path or directory.name.startswith(("pytest-", "popen-")):
            directory.chmod(0o755)
    yield Rig(sandbox, base, tmp_path)
    sandbox.close()


@pytest.mark.parametrize("uid", [0, 1000])
def test_a_program_finds_itself(rig, uid):
    script = "readlink /proc/self/exe; cat /proc/self/cmdline; cat /proc/self/stat"
    path, facts = rig.sh(script, uid=uid, gid=uid).lines
    assert path == "/bin/busybox"
    assert facts.startswith("cat\0/proc/self/cmdline\0")
    assert " (cat) R " in facts


def test_links_at_the_top_are_those_of_who_asks(rig):
    script = "readlink /proc/self; sh -c 'echo $$; exec readlink /proc/self'; readlink /proc/mounts"
    first, shell, second, mounts = rig.sh(script).lines
    assert first != second == shell
    assert mounts == "self/mounts"


def test_streams_have_names(rig):
    script = "(echo out > /dev/stdout) | cat; echo err > /dev/stderr; cat /dev/stdin; cat /dev/fd/3 3< /f"
    result = rig.sh("echo file > /f; " + script, stdin=b"in\n")
    assert sorted(result.lines) == ["file", "in", "out"]
    assert result.stderr == b"err\n"


def test_what_the_machine_has_can_be_counted(rig):
    said = rig.sh("grep -c ^processor /proc/cpuinfo; grep -c MemTotal /proc/meminfo").lines
    assert said == [str(os.cpu_count()), "1"]


def test_what_is_not_there_is_not_found(rig):
    result = rig.sh("cat /proc/nothing; cat /proc/../etc/nothing; cat /proc/self/nothing; echo end")
    assert result.lines == ["end"]
    assert result.stderr.count(b"No such file or directory") == 3


def test_a_path_above_proc_stays_in_the_root(rig):
    assert rig.sh("cat /proc/../etc/passwd").text.startswith("root:x:0:0::/:/bin/sh\nann:")


def test_a_directory_of_proc_can_be_listed(rig):
    assert {"0", "1", "2"} <= set(
        rig.sh("cd /; echo /proc/self/fd/*").text.replace("/proc/self/fd/", "").split()
    )


def test_nothing_of_it_is_in_the_layer(rig):
    assert rig.sh("cat /proc/self/stat > /dev/null; ls /proc /dev > /dev/null").changes() == []


def test_a_profile_of_apparmor_is_refused_since_it_would_not_be_applied(rig):
    with pytest.raises(
        SandboxUnavailableError, match="keep the AppArmor profile of this container"
    ):
        rig.sh("true", apparmor="mine")
