"""Standard streams at every level: nothing of the host is open in a container, and none can be reached.

It runs as root; ``contract.test_sandbox_rootless`` starts it once more for unprivileged users.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from contract import sandbox_rig
from contract.sandbox_rig import Rig, drivers_here
from jettison.container.foreground import Attachment, run_attached
from jettison.errors import HostError
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


base, rig = sandbox_rig.base, sandbox_rig.rig
driver = sandbox_rig.driver_of(drivers_here())


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


# -- run: the caller's files and terminal -----------------------------------------------------------


class Caller:
    """Runs containers as ``run`` does, with files as the caller's streams."""

    def __init__(self, rig: Rig, place: Path) -> None:
        self._rig = rig
        self._files = {name: place / f"{name}-of-the-caller" for name in ("stdin", "stdout")}
        for path in self._files.values():
            path.touch(0o640)

    def path(self, name: str) -> Path:
        return self._files[name]

    def run(
        self, script: str, *, stdin: int = -1, stdout: int = -1, stderr: int = -1, **more: object
    ) -> int:
        """Run a script; descriptors that are not given are files."""
        opened = [
            stdin if stdin >= 0 else os.open(self.path("stdin"), os.O_RDWR),
            stdout if stdout >= 0 else os.open(self.path("stdout"), os.O_RDWR | os.O_TRUNC),
        ]
        interactive = bool(more.pop("interactive", True))
        argv = ("/bin/sh", "-c", script)
        spec = SandboxSpec(root=self._rig.root(), argv=argv, env=("PATH=/bin",), **more)
        ends = (*opened, stderr if stderr >= 0 else opened[1])
        try:
            return run_attached(self._rig.sandbox, spec, Attachment(interactive, *ends))
        finally:
            for descriptor, given in zip(opened, (stdin, stdout), strict=True):
                if given < 0:
                    os.close(descriptor)

    @property
    def said(self) -> bytes:
        return self.path("stdout").read_bytes()


@pytest.fixture
def caller(rig: Rig, tmp_path: Path) -> Caller:
    return Caller(rig, tmp_path)


def piped(work: Callable[[int], int]) -> tuple[int, bytes]:
    """Call with the write end of a pipe that somebody reads to its end."""
    reader, writer = os.pipe()
    said = []

    def read() -> None:
        with open(reader, "rb") as file:
            said.append(file.read())

    thread = threading.Thread(target=read)
    thread.start()
    try:
        code = work(writer)
    finally:
        os.close(writer)
        thread.join()
    return code, said[0]


def test_no_mode_or_owner_of_the_caller_s_files_can_be_changed(caller: Caller) -> None:
    script = "; ".join(
        f"chmod 4777 /proc/self/fd/{n}; chown 5:5 /proc/self/fd/{n}" for n in range(3)
    )
    assert caller.run(f"({script}) 2> /dev/null; echo said") == 0
    for name in ("stdin", "stdout"):
        facts = caller.path(name).stat()
        assert (stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_gid) == (0o640, 0, 0), name
    assert caller.said == b"said\n"


def test_the_caller_s_input_cannot_be_written_and_its_output_not_read(caller: Caller) -> None:
    caller.path("stdin").write_text("input")
    script = "echo bad > /proc/self/fd/0; echo bad >&0; echo out; cat /proc/self/fd/0"
    caller.run(f"{script} 2> /dev/null")
    assert caller.path("stdin").read_text() == "input"
    caller.path("stdout").write_text("secret")
    reader = os.open(caller.path("stdout"), os.O_RDWR | os.O_APPEND)
    _, said = piped(lambda end: caller.run("cat <&1 >&2", stdout=reader, stderr=end))
    os.close(reader)
    assert b"secret" not in said


def test_what_is_typed_stays_the_caller_s_unless_it_is_asked_for(caller: Caller) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"typed ahead\n")
    assert caller.run("cat; echo end", stdin=reader, interactive=False) == 0
    os.close(writer)
    assert (caller.said, os.read(reader, 100)) == (b"end\n", b"typed ahead\n")
    os.close(reader)


def test_nothing_is_lost_in_either_direction(caller: Caller) -> None:
    data = os.urandom(1 << 20) * 6 + b"end"
    caller.path("stdin").write_bytes(data)
    code, said = piped(lambda end: caller.run("cat; exit 7", stdout=end))
    assert (code, said == data) == (7, True)
    assert caller.run("cat; cat >&2; exit 8") == 8
    assert caller.said == data
    appending = os.open(caller.path("stdout"), os.O_WRONLY | os.O_APPEND)
    assert caller.run("cat", stdout=appending) == 0
    os.close(appending)
    assert caller.said == data * 2


def test_a_sink_that_does_not_block_gets_everything(caller: Caller) -> None:
    def run(end: int) -> int:
        fcntl.fcntl(end, fcntl.F_SETFL, os.O_NONBLOCK)
        return caller.run("cat; exit 3", stdout=end)

    data = os.urandom(1 << 20) * 3
    caller.path("stdin").write_bytes(data)
    code, said = piped(run)
    assert (code, len(said), said == data) == (3, len(data), True)


def test_the_end_of_input_is_seen_and_who_does_not_read_ends(caller: Caller) -> None:
    caller.path("stdin").write_bytes(bytes(3 << 20))
    assert caller.run("cat > /dev/null; echo end; exit 4") == 4
    assert caller.said == b"end\n"
    assert caller.run("exec < /dev/null; echo closed; exit 5") == 5
    reader, writer = os.pipe()  # nobody types anything, and the container ends
    assert caller.run("exit 6", stdin=reader) == 6
    os.close(reader)
    os.close(writer)


def without_reader() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def test_a_container_whose_reader_has_gone_ends(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jettison.container.attach._PATIENCE_SECONDS", 0.5)
    end = without_reader()
    assert caller.run("cat /bin/busybox 2> /dev/null; exit 9", stdout=end) == 141
    # The first process of a namespace is spared by SIGPIPE.
    assert caller.run("trap '' PIPE; while :; do echo y; done 2> /dev/null", stdout=end) == 141
    os.close(end)


def test_output_that_cannot_be_written_is_an_error(caller: Caller) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(HostError, match="pass on what the container writes: No space left"):
        caller.run("while :; do echo y; done", stdout=full)
    os.close(full)


def test_a_terminal_is_the_container_s_own(rig: Rig) -> None:
    master, slave = pty.openpty()
    before = os.fstat(slave)
    script = "chmod 666 /proc/self/fd/0; stat -L -c %t:%T:%i:%d: /proc/self/fd/0 /dev/console; "
    spec = SandboxSpec(
        # crun ends with its container, and on a busy machine what it has not read yet is lost.
        root=rig.root(),
        argv=("/bin/sh", "-c", script + LIST.format(processes="/proc/self") + "sleep 0.5"),
        env=("PATH=/bin",), terminal=True,
    )  # fmt: skip
    try:
        code, said = piped(
            lambda end: run_attached(rig.sandbox, spec, Attachment(True, slave, end, end))
        )
        after = os.fstat(slave)
        assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)
    finally:
        os.close(master)
        os.close(slave)
    text = said.decode().replace("\r", "")
    if rig.sandbox.name == "in-container":
        return  # its terminals are those of the container around
    assert code == 0, text
    first, console, rest = text.split("\n", 2)
    assert first == console
    assert foreign(rest) == []
