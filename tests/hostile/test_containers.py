"""Processes that join a container (`exec`) and looks at its files (`cp`), while what runs in it is hostile.

It runs as root, at every level.
"""

from __future__ import annotations

import os
import re

import msgspec
import pytest

from contract import sandbox_rig
from contract.sandbox_rig import Rig, drivers_here
from hostile.test_streams import LIST, foreign
from jettison.errors import SandboxUnavailableError
from jettison.linux.files import open_in_root
from jettison.sandbox.base import Running, Streams
from jettison.sandbox.level import IN_CONTAINER
from jettison.sandbox.spec import SandboxSpec

pytestmark = pytest.mark.needs_root

base, rig = sandbox_rig.base, sandbox_rig.rig
driver = sandbox_rig.driver_of(drivers_here())

SPY = """
echo ready
while :; do
  for process in /proc/[0-9]*; do
    exe=$(readlink $process/exe 2> /dev/null) || continue
    case $exe in /bin/busybox|"") ;; *) echo "$process is $exe"; ls -l $process/fd ;; esac
    cat $process/mem > /dev/null 2>&1 && echo "$process is read"
  done
done
"""
"""Prints what it can learn of processes that are none of the container's programs."""


class Container:
    """A container that runs a script, and processes that join it."""

    def __init__(self, rig: Rig, script: str, **more) -> None:
        self.spec = SandboxSpec(
            root=rig.root(), argv=("/bin/sh", "-c", script), env=("PATH=/bin",), announced=True, **more
        )  # fmt: skip
        self._reader, self._writer = os.pipe()
        self._null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self.running: Running = rig.sandbox.start(
            self.spec, Streams(self._null, self._writer, self._writer)
        )
        assert self.running.begin()

    def line(self) -> str:
        """Return a line that the container prints."""
        data = b""
        while not data.endswith(b"\n"):
            data += os.read(self._reader, 1)
        return data.decode()

    def join(self, *argv: str, **more) -> tuple[int, str]:
        reader, writer = os.pipe()
        spec = msgspec.structs.replace(self.spec, argv=argv, **more)
        joined = self.running.execute(spec, Streams(self._null, writer, writer))
        os.close(writer)
        with open(reader, "rb") as said:
            text = said.read().decode()
        return joined.wait(), text

    def end(self) -> str:
        """End it; return what it has printed since."""
        self.running.kill()
        self.running.wait()
        os.close(self._writer)
        os.close(self._null)
        with open(self._reader, "rb") as said:
            return said.read().decode(errors="replace")


def test_who_joins_has_the_walls_of_the_container(rig: Rig) -> None:
    script = (
        "cat /proc/self/status | grep -E '^(Cap|Seccomp|NoNewPrivs|Groups|Uid)'; ulimit -n; umask"
    )
    container = Container(rig, f"{script}; echo done; read x < /dev/zero")
    own = []
    while (line := container.line()) != "done\n":
        own.append(line)
    try:
        code, said = container.join("/bin/sh", "-c", script)
        assert (code, said) == (0, "".join(own))
        if rig.sandbox.name != IN_CONTAINER:  # its rights are those of the container around
            code, said = container.join("/bin/mount", "-t", "tmpfs", "none", "/tmp")
            assert code != 0
        code, said = container.join("/bin/sh", "-c", "id -u; id -g", uid=1000, gid=1000, groups=())
        if rig.sandbox.name != "single-id":
            assert said == "1000\n1000\n"
    finally:
        container.end()


def test_nobody_joins_before_the_program_has_its_walls(rig: Rig) -> None:
    if not rig.sandbox.name.startswith("oci:"):
        pytest.skip("it says when the program is executed")
    script = "cat /proc/1/cmdline; echo; grep -E 'CapEff|Seccomp' /proc/1/status; ls /"
    for _ in range(8):  # at once: the runtime may still be at work
        container = Container(rig, "read x < /dev/zero")
        try:
            said = container.join("/bin/sh", "-c", script)[1].splitlines()
            later = container.join("/bin/sh", "-c", script)[1].splitlines()
            assert said == later
            assert said[0].startswith("/bin/sh\0-c\0read")
            assert "usr" not in said
        finally:
            container.end()


def test_who_joins_holds_nothing_of_the_host(rig: Rig) -> None:
    chroot = rig.sandbox.name == IN_CONTAINER
    container = Container(rig, "read x < /dev/zero")
    try:
        processes = "/proc/self" if chroot else "/proc/[0-9]*"
        code, said = container.join("/bin/sh", "-c", LIST.format(processes=processes))
        assert code == 0, said
        assert chroot or foreign(said) == []
        before = os.stat(os.devnull)
        container.join("/bin/sh", "-c", "chmod 667 /proc/self/fd/0")
        after = os.stat(os.devnull)
        if after.st_mode != before.st_mode:  # what goes wrong here must not stay
            os.chmod(os.devnull, before.st_mode & 0o7777)
        assert after.st_mode == before.st_mode
    finally:
        container.end()


@pytest.mark.parametrize("number", range(3, 9))
def test_no_descriptor_is_a_way_out_as_working_directory(rig: Rig, number: int) -> None:
    container = Container(rig, "read x < /dev/zero")
    try:
        with pytest.raises(SandboxUnavailableError, match="working directory"):
            container.join("/bin/pwd", cwd=f"/proc/self/fd/{number}")
    finally:
        container.end()


def test_who_joins_cannot_be_looked_into(rig: Rig) -> None:
    if rig.sandbox.name == IN_CONTAINER:
        pytest.skip("processes are those of the surrounding container: nothing is promised")
    container = Container(rig, SPY)
    assert container.line() == "ready\n"
    for _ in range(20):
        code, _ = container.join("/bin/true")
        assert code == 0
    said = container.end()
    assert not re.search(r"python| is read", said), said


def test_a_terminal_comes_from_the_container_s_kernel_file_system_only(rig: Rig) -> None:
    if rig.sandbox.name == IN_CONTAINER:
        pytest.skip("its terminal is the host's")
    container = Container(rig, "read x < /dev/zero", capabilities=("CAP_SYS_ADMIN", "CAP_MKNOD"))
    try:
        script = "mkdir /t && : > /t/ptmx && mount -o bind /t /dev/pts"
        code, said = container.join("/bin/sh", "-c", script)
        if code:
            pytest.skip(f"nothing can be mounted: {said}")
        with pytest.raises(SandboxUnavailableError, match="multiplexer"):
            container.join("/bin/true", terminal=True)
    finally:
        container.end()


def test_files_are_found_below_the_root_while_links_are_swapped(rig: Rig) -> None:
    script = "mkdir /d /d/in; echo ready; while :; do mv /d /e; ln -s / /d; rm /d; mv /e /d; done"
    container = Container(rig, script)
    try:
        assert container.line() == "ready\n"
        root = container.running.open_root()
        outside = os.stat("/")
        for _ in range(300):
            try:
                found = open_in_root(root, b"/d/../../..")
            except OSError:
                continue
            st = os.fstat(found)
            os.close(found)
            assert (st.st_dev, st.st_ino) != (outside.st_dev, outside.st_ino)
        os.close(root)
    finally:
        container.end()
