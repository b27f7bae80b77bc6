"""Steps for another processor: emulated where that can be, and a clear error where not."""

from __future__ import annotations

import os
import platform
import pwd
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from elf_rig import arm64_program
from host_tools import tool
from jettison.fs.remove import remove_tree
from jettison.linux.binfmt import can_run
from other_user import somebody
from scratch_rig import Scratch

pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the program is for another machine"),
]

FLAGS = ("--platform", "linux/arm64")
IMAGE = "FROM scratch\nCOPY program /program\n"
STEP = 'FROM base\nRUN ["/program"]\n'
PROBE = "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc"


@pytest.fixture
def with_program() -> Iterator[Callable[[pwd.struct_passwd | None], Scratch]]:
    """A function that makes a store of a user, with an image of one program for arm64."""
    place = Path(tempfile.mkdtemp(prefix="jettison-emulation-"))
    place.chmod(0o755)

    def make(user: pwd.struct_passwd | None) -> Scratch:
        scratch = Scratch(place / "builds", tool("busybox"), user)
        scratch.give(scratch.directory)
        (scratch.context / "program").write_bytes(arm64_program("/made"))
        (scratch.context / "program").chmod(0o755)
        done = scratch.build(IMAGE, *FLAGS, "-t", "base", base=False)
        assert done.returncode == 0, done.stderr
        return scratch

    yield make
    remove_tree(place)


def test_a_user_needs_no_emulator_that_root_has_registered(with_program) -> None:
    tool("qemu-aarch64-static")
    scratch = with_program(somebody())
    out = scratch.directory / "out"
    built = scratch.build(STEP, *FLAGS, "-o", out, base=False)
    private = subprocess.run(
        [tool("unshare"), "--user", "--map-root-user", "--mount", "sh", "-c", PROBE],
        capture_output=True,
        check=False,
    )
    if private.returncode and not can_run("arm64"):  # Linux is older than 6.7
        assert "this machine does not run programs for `linux/arm64`" in built.stderr
        return
    assert built.returncode == 0, built.stderr
    assert (out / "made").is_dir()
    ran = scratch.run("run", "--rm", *FLAGS, "base", "/program")
    assert ran.returncode == 0, ran.stderr
    assert os.listdir("/proc/sys/fs/binfmt_misc") == [] or can_run("arm64")


def test_root_gets_what_is_registered_or_a_clear_error(with_program) -> None:
    tool("qemu-aarch64-static")
    scratch = with_program(None)
    out = scratch.directory / "out"
    built = scratch.build(STEP, *FLAGS, "-o", out, base=False)
    if can_run("arm64"):
        assert (out / "made").is_dir(), built.stderr
        return
    assert built.returncode == 1
    assert "cause: this machine does not run programs for `linux/arm64`" in built.stderr
    assert "an emulator is installed, but the kernel" in built.stderr
    assert "--part-of ID --parts" in built.stderr
