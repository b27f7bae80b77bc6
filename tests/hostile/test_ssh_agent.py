"""A step may list the keys of the user's SSH agent and sign with them, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host_tools import lacking, tool
from level_rig import NOBODY_S_UID, Level, Machine, subordinate_uid
from scratch_rig import BASE, copy_program

pytestmark = pytest.mark.needs_root

ATTACKS = """FROM busybox
COPY host /
COPY key.pub other other.pub /
RUN echo root:x:0:0::/:/bin/sh > /etc/passwd && echo me:x:1:1::/:/bin/sh >> /etc/passwd && chmod 600 /other
RUN --mount=type=ssh <<"SCRIPT"
set -e
refused() { if "$@"; then echo "the agent does this: $*"; exit 1; fi; }
ssh-add -L > /before
test "$(cut -d ' ' -f 2 /before)" = "$(cut -d ' ' -f 2 /key.pub)"
test "$(stat -c '%F %a' "$SSH_AUTH_SOCK")" = "socket 600"
refused ssh-add -D
refused ssh-add -d /key.pub
refused ssh-add /other
refused ssh-add -t 60 /other
export SSH_ASKPASS=/bin/true SSH_ASKPASS_REQUIRE=force
refused ssh-add -s /bin/busybox
refused ssh-add -e /bin/busybox
refused ssh-add -x
chmod 666 "$SSH_AUTH_SOCK"
for i in 1 2 3 4 5 6 7 8 9; do ssh-add -L > /l$i & done
wait
for i in 1 2 3 4 5 6 7 8 9; do cmp /before /l$i; done
echo what is signed > /data
ssh-keygen -Y sign -f /key.pub -n file /data
test -s /data.sig
SCRIPT
RUN test ! -S /run/buildkit/ssh_agent.0
RUN --mount=type=ssh,required=true,target=/agent,mode=640 SSH_AUTH_SOCK=/agent ssh-add -L
"""


def new_key(path: Path) -> Path:
    argv = [tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", path]
    subprocess.run(argv, check=True)
    return path


class Rig:
    """A context with the programs of OpenSSH, and agents of users."""

    def __init__(self, place: Path) -> None:
        self.context = place / "context"
        self.context.mkdir()
        self.machine = Machine(place, [self.context])
        for name in ("ssh-add", "ssh-keygen"):
            copy_program(tool(name), self.context / "host")
        shutil.copy(tool("busybox"), self.context / "busybox")
        self.key = new_key(place / "key")
        shutil.copy(f"{self.key}.pub", self.context / "key.pub")
        new_key(self.context / "other")
        os.chmod(self.context / "other", 0o644)
        (self.context / "Dockerfile").write_text(BASE + ATTACKS)
        self._agents: list[int] = []

    def start_agent(self, home: Path, uid: int) -> Path:
        """Start an agent of a user that holds the key; return its socket."""
        socket = home / "agent.socket"
        become = [tool("setpriv"), f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        said = subprocess.run(
            [*become, tool("ssh-agent"), "-s", "-a", socket], capture_output=True, text=True, check=True
        ).stdout  # fmt: skip
        self._agents.append(int(re.findall(r"AGENT_PID=(\d+)", said)[0]))
        self.ask(socket, "-q", self.key)
        return socket

    def ask(self, socket: Path, *argv: str | Path) -> str:
        environ = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        return subprocess.run(
            [tool("ssh-add"), *argv], env=environ, capture_output=True, text=True, check=True
        ).stdout

    def build(self, level: Level, home: Path, agent: Path) -> None:
        """Build what attacks; all of it has to fail, so that the build succeeds."""
        argv = ("build", "--progress=plain", "--ssh", f"default={agent}", str(self.context))
        code, said = self.machine.run(level, home, *argv)
        assert code == 0, said

    def close(self) -> None:
        for pid in self._agents:
            os.kill(pid, signal.SIGTERM)


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    # Directories of pytest are root's alone.
    with tempfile.TemporaryDirectory(prefix="agents-") as place:
        os.chmod(place, 0o755)
        rig = Rig(Path(place))
        yield rig
        rig.close()


LEVELS: dict[str, Callable[[], Level]] = {
    "embedded": lambda: Level("", isolation="embedded", snapshotter="overlay"),
    "crun": lambda: Level("", isolation="crun"),
    "runc": lambda: Level("", isolation="runc"),
    "single-id": lambda: Level("", isolation="single-id"),
    "in-container": lambda: Level("", isolation="in-container"),
    "fuse-overlayfs": lambda: Level("", isolation="embedded", snapshotter="fuse-overlayfs"),
    "copy": lambda: Level("", isolation="embedded", snapshotter="copy"),
    "user": lambda: Level("", uid=subordinate_uid()),
    "user alone": lambda: Level("", uid=NOBODY_S_UID),
    "contained": lambda: Level("", contained=True, capabilities=("CAP_SYS_CHROOT",)),
}


@pytest.mark.parametrize("name", LEVELS)
def test_a_step_can_list_and_sign_and_leaves_the_keys_alone(rig: Rig, name: str) -> None:
    level = LEVELS[name]()
    if level.isolation in {"crun", "runc"}:
        tool(level.isolation)
    if level.snapshotter == "fuse-overlayfs" and not os.access("/dev/fuse", os.W_OK):
        lacking("/dev/fuse")
    home = rig.machine.home(level.uid)
    socket = rig.start_agent(home, level.uid)
    facts = os.lstat(socket)
    rig.build(level, home, socket)
    assert rig.ask(socket, "-L") == Path(f"{rig.key}.pub").read_text()
    now = os.lstat(socket)
    assert (now.st_mode, now.st_uid, now.st_nlink) == (facts.st_mode, facts.st_uid, 1)
    assert [path for path in home.rglob("*") if path.is_socket()] == [socket]


def test_an_agent_of_key_files_is_filtered_too(rig: Rig) -> None:
    home = rig.machine.home(0)
    rig.build(LEVELS["embedded"](), home, rig.key)
    assert [path for path in home.rglob("*") if path.is_socket()] == []


def test_the_shell_in_a_failed_step_has_an_agent_only_when_given_again(rig: Rig) -> None:
    home = rig.machine.home(0)
    context = rig.machine.place / "failing"
    shutil.copytree(rig.context, context)
    (context / "Dockerfile").write_text(
        BASE + "FROM busybox\nCOPY host /\nRUN echo root:x:0:0::/:/bin/sh > /etc/passwd\n"
        "RUN --mount=type=ssh ssh-add -D\n"
    )
    level = LEVELS["embedded"]()
    code, said = rig.machine.run(level, home, "build", "--ssh", f"default={rig.key}", str(context))
    assert code == 1, said
    look = ["debug", "shell", "ssh-add", "-L"]
    code, said = rig.machine.run(level, home, *look)
    assert code != 0
    code, said = rig.machine.run(level, home, *look[:2], "--ssh", f"default={rig.key}", *look[2:])
    assert (code, said) == (0, Path(f"{rig.key}.pub").read_text())
