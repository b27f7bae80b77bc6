"""Standard streams at every level: nothing of the host is open in a container, and none can be reached.

It runs as root; ``contract.test_sandbox_rootless`` starts it once more for unprivileged users.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from contract.sandbox_rig import BUSYBOX, Rig, drivers_here, make_base, make_driver
from host_tools import lacking
from jettison.sandbox.base import Streams
from jettison.sandbox.spec import SandboxSpec

pytestmark = pytest.mark.needs_root

LIST = """
for process in {processes}; do
  for file in $process/fd/*; do
    test -e $file || continue
    kind=$(stat -L -c %F $file); mount=$(grep mnt_id $process/fdinfo/${{file##*/}})
    echo "$file $kind $mount"
  done
done
echo mounts; cat /proc/self/mountinfo
"""
"""Prints what is open in processes, and the mounts of the container."""


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    if not BUSYBOX.exists():
        lacking("busybox-static")
    return make_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module", params=drivers_here())
def driver(request):
    sandbox = make_driver(request.param)
    if sandbox is None:
        lacking(request.param)
    yield sandbox
    sandbox.close()


@pytest.fixture
def rig(driver, base, tmp_path) -> Rig:
    return Rig(driver, base, tmp_path)


def run_step(rig: Rig, script: str, **more: object) -> tuple[int, str]:
    """Run a script with the streams of a step: no input, one pipe for what it writes."""
    argv = ("/bin/sh", "-c", script)
    spec = SandboxSpec(root=rig.root(), argv=argv, env=("PATH=/bin",), **more)
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    reader, writer = os.pipe()
    running = rig.sandbox.start(spec, Streams(null, writer, writer))
    os.close(writer)
    os.close(null)
    code = running.wait()  # what it writes fits into the pipe
    with open(reader, "rb") as said:
        return code, said.read().decode()


def foreign(said: str) -> list[str]:
    """Return the listed descriptors that are no pipe and on no mount of the container."""
    opened, _, mounts = said.partition("mounts\n")
    ours = {line.split()[0] for line in mounts.splitlines()}
    found = []
    for line in opened.splitlines():
        mount = re.search(r"mnt_id:\s*(\d+)", line)
        if " fifo " not in line and not (mount and mount[1] in ours):
            found.append(line)
    return found


@pytest.mark.parametrize("init", [False, True])
def test_whatever_is_open_in_a_container_is_of_the_container(rig: Rig, init: bool) -> None:
    if init and rig.sandbox.name.startswith("oci"):
        pytest.skip("runtimes have no init")
    chroot = rig.sandbox.name == "in-container"
    # In a chroot there are all processes of the machine, and their files.
    processes = "/proc/self" if chroot else "/proc/[0-9]*"
    code, said = run_step(rig, LIST.format(processes=processes), init=init)
    assert code == 0, said
    opened = said.partition("mounts\n")[0]
    for number in range(3):
        assert re.search(rf"/fd/{number} ", opened), said
    if chroot:
        code, said = run_step(rig, "stat -L -c '%d:%i' /proc/self/fd/0")
        facts = os.stat(os.devnull)
        assert (code, said != f"{facts.st_dev}:{facts.st_ino}\n") == (0, True)
    else:
        assert foreign(said) == []


def test_changes_of_standard_input_reach_no_file_of_the_host(rig: Rig) -> None:
    before = os.stat(os.devnull)
    run_step(rig, "chmod 667 /proc/self/fd/0; chown 0:5 /proc/self/fd/0")
    after = os.stat(os.devnull)
    if after.st_mode != before.st_mode:  # what goes wrong here must not stay
        os.chmod(os.devnull, before.st_mode & 0o7777)
        os.chown(os.devnull, before.st_uid, before.st_gid)
    assert (after.st_mode, after.st_gid) == (before.st_mode, before.st_gid)


@pytest.mark.parametrize("uid", [0, 1000])
def test_a_step_without_input_has_the_null_device_of_its_own(rig: Rig, uid: int) -> None:
    code, said = run_step(rig, "cat; cat /dev/stdin; cat < /proc/self/fd/0; echo end", uid=uid)
    assert (code, said) == (0, "end\n")


@pytest.mark.parametrize("init", [False, True])
def test_a_user_opens_the_streams_by_their_names(rig: Rig, init: bool) -> None:
    if init and rig.sandbox.name.startswith("oci"):
        pytest.skip("runtimes have no init")
    names = ("/dev/stdout", "/dev/stderr", "/proc/self/fd/1", "/dev/fd/2")
    script = " && ".join(f"echo {name} > {name}" for name in names)
    nested = f"sh -c \"sh -c '{script}'\""
    code, said = run_step(rig, f"{script} && {nested}", uid=1000, gid=1000, init=init)
    assert (code, sorted(said.split())) == (0, sorted([*names, *names]))
