"""Jettison at the sandbox levels that this machine can be brought to.

In:  a level, a home directory of its user, arguments of the command line.
Out: exit status and what was said.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

import jettison
from host_tools import lacking, tool
from jettison.sandbox.base import Streams
from jettison.sandbox.driver.embedded import EmbeddedSandbox
from jettison.sandbox.spec import (
    BindMount,
    Root,
    RootKind,
    SandboxSpec,
    TmpfsMount,
)
from other_user import interpreter, with_subordinate_ids

NOBODY_S_UID = 54321
"""Of no account and without subordinate ids."""
SECONDS = 240
_HIDE = """
for name in $WITHOUT; do
  for folder in /usr/local/bin /usr/local/sbin /usr/bin /usr/sbin; do
    test ! -e "$folder/$name" || mount --bind /dev/null "$folder/$name"
  done
done
exec "$@"
"""


class Level(msgspec.Struct, frozen=True):
    """Who builds, and where.

    Args:
        name: For people.
        uid: User and group.
        isolation: Driver that is asked for; empty takes the best.
        contained: Build in a container with docker's filter of system calls, no mount rights.
        capabilities: Of root in that container.
        without: Programs that are not there.
        snapshotter: Maker of root file systems that is asked for; empty takes the best.
        prefix: Words before the command of a user who is not root.
    """

    name: str
    uid: int = 0
    isolation: str = ""
    contained: bool = False
    capabilities: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    snapshotter: str = ""
    prefix: tuple[str, ...] = ()


class Machine:
    """Runs Jettison as different users in different surroundings.

    Args:
        place: Directory that all users may enter.
        seen: What containers see besides programs and the home directory.
    """

    def __init__(self, place: Path, seen: Sequence[Path] = ()) -> None:
        self.place = place
        self._seen = seen
        self._count = 0

    def home(self, uid: int) -> Path:
        """Make a home directory; its stores are nobody else's."""
        self._count += 1
        home = self.place / f"home-{self._count}"
        home.mkdir()
        os.chown(home, uid, uid)
        return home

    def run(self, level: Level, home: Path, *args: str) -> tuple[int, str]:
        """Run a command; return its exit status and what it said on both streams."""
        if level.contained:
            return self._run_in_container(level, home, args)
        become = []
        if level.uid:
            ids = [f"--reuid={level.uid}", f"--regid={level.uid}", "--clear-groups"]
            become = [*level.prefix, tool("setpriv"), *ids, tool("env")]
        command = [*become, interpreter(become), "-m", "jettison", *args]
        if level.without:
            command = [tool("unshare"), "--mount", "sh", "-euc", _HIDE, "sh", *command]
        result = subprocess.run(
            command, env=_environ(level, home) | {"WITHOUT": " ".join(level.without)}, cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS,
            check=False,
        )  # fmt: skip
        return result.returncode, result.stdout

    def _run_in_container(self, level: Level, home: Path, args: Sequence[str]) -> tuple[int, str]:
        self._count += 1
        root = self.place / f"container-{self._count}"
        for name in ("base", "upper", "work"):
            (root / name).mkdir(parents=True)
        seen = {sys.base_prefix, *library_paths(), *map(str, self._seen)}
        mounts = [BindMount(Path(path), path, readonly=True) for path in sorted(seen)]
        for name in ("usr", "bin", "lib", "lib64", "etc"):
            if os.path.islink(f"/{name}"):
                (root / "base" / name).symlink_to(os.readlink(f"/{name}"))
            elif os.path.isdir(f"/{name}"):
                mounts.insert(0, BindMount(Path("/") / name, f"/{name}", readonly=True))
        mounts = [TmpfsMount("/tmp"), *mounts, BindMount(home, str(home))]
        argv = [os.path.realpath(sys.executable), "-m", "jettison", *args]
        environ = tuple(f"{name}={value}" for name, value in _environ(level, home).items())
        kind = Root(RootKind.OVERLAY, root / "upper", root / "work", (root / "base",))
        spec = SandboxSpec(
            kind, tuple(argv), environ, uid=level.uid, gid=level.uid, mounts=tuple(mounts),
            capabilities=level.capabilities,
        )  # fmt: skip
        sandbox = EmbeddedSandbox()
        said = root / "said"
        try:
            with said.open("wb") as file, open(os.devnull, "rb") as null:
                streams = Streams(null.fileno(), file.fileno(), file.fileno())
                code = sandbox.start(spec, streams).wait()
        finally:
            sandbox.close()
        return code, said.read_text()


def library_paths() -> list[str]:
    """Return the directories of Jettison and of the packages that it uses."""
    package = str(Path(jettison.__file__).parent.parent)
    return [package, *(path for path in sys.path if path.endswith("site-packages"))]


def subordinate_uid() -> int:
    """Return a user with subordinate ids whose group has the same number; else the test skips."""
    users = (user for user in pwd.getpwall() if user.pw_uid == user.pw_gid)
    found = next(with_subordinate_ids(users), None) or lacking("a user with subordinate ids")
    return found.pw_uid


def _environ(level: Level, home: Path) -> dict[str, str]:
    asked = {"JETTISON_ISOLATION": level.isolation, "JETTISON_SNAPSHOTTER": level.snapshotter}
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_DATA_HOME": f"{home}/data",
        "PYTHONPATH": os.pathsep.join(library_paths()),
        "PYTHONDONTWRITEBYTECODE": "1",
        **{name: value for name, value in asked.items() if value},
    }
