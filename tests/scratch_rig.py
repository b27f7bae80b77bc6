"""Builds on nothing but a static busybox, for tests that cannot use an image of the network."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from commands import run_command
from other_user import becoming, interpreter

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 120
BASE = """FROM scratch AS busybox
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p /tmp /run /etc && chmod 1777 /tmp
"""
"""Stage that others are made from; the shell is the usual one."""


class Scratch:
    """A store and a context of one test; the command line runs in processes of its own.

    Args:
        directory: Where they are made.
        busybox: A static one.
        user: Who runs the command line; None is this user.
    """

    def __init__(
        self, directory: Path, busybox: str, user: pwd.struct_passwd | None = None
    ) -> None:
        self.user = user
        self.prefix: list[str] = []
        self._become = becoming(user) if user is not None else []
        self._python = interpreter(self._become) if self._become else sys.executable
        self.directory = directory
        self.store = directory / "store"
        self.context = directory / "context"
        self.context.mkdir(parents=True)
        shutil.copy(busybox, self.context / "busybox")
        self.environment: dict[str, str] = {}

    def dockerfile(self, text: str, *, base: bool = True) -> Path:
        """Write the Dockerfile: ``text`` after the stage ``busybox``."""
        path = self.context / "Dockerfile"
        path.write_text((BASE if base else "") + text)
        return path

    def argv(self, *args: str | Path) -> list[str]:
        command = [
            *self.prefix,
            *self._become,
            self._python,
            "-m",
            "jettison",
            "--root",
            str(self.store),
        ]
        return [*command, *map(str, args)]

    def give(self, path: Path) -> Path:
        """Make a file or a directory the user's who runs the command line, and return it."""
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path

    @property
    def env(self) -> dict[str, str]:
        paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **self.environment}
        if self.user is not None:
            packages = [path for path in sys.path if path.endswith("site-packages")]
            environment["PYTHONPATH"] = os.pathsep.join([*paths, *packages])
            environment |= {"HOME": str(self.directory), "USER": self.user.pw_name}
            for name in ("XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "TMPDIR", "DOCKER_CONFIG"):
                environment.pop(name, None)
        return environment

    def run(
        self, *args: str | Path, env: Mapping[str, str] = {}, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command; outputs are text with what is not UTF-8 escaped."""
        environ = {**self.env, **env}
        if self.prefix:
            done = subprocess.run(
                self.argv(*args), env=environ, input=stdin, capture_output=True, check=False,
                timeout=SECONDS,
            )  # fmt: skip
        else:
            words = ["--root", str(self.store), *map(str, args)]
            interpreter = [*self._become, self._python]
            done = run_command(interpreter, words, env=environ, stdin=stdin, timeout=SECONDS)
        out, err = (text.decode(errors="backslashreplace") for text in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def build(
        self, text: str, *flags: str | Path, env: Mapping[str, str] = {}, base: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Build a Dockerfile, with plain progress, whatever comes of it."""
        self.dockerfile(text, base=base)
        return self.run("build", "--progress=plain", *flags, self.context, env=env)

    def start(self, *args: str | Path, **options: object) -> subprocess.Popen[bytes]:
        """Start a command in a session of its own; its streams are nowhere unless given."""
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        return subprocess.Popen(
            self.argv(*args),
            env=self.env,
            start_new_session=True,
            **{**streams, **options},  # type: ignore[call-overload]
        )


def grep(needles: Sequence[bytes], *places: Path) -> list[tuple[str, bytes]]:
    """Return files below places that hold one of the byte strings, in name or content."""
    found = []
    for place in places:
        files = [place] if place.is_file() else list(place.rglob("*"))
        for path in files:
            data = os.fsencode(path.name)
            if path.is_symlink():
                data += os.fsencode(os.readlink(path))
            elif path.is_file():
                data += path.read_bytes()
            found += [(str(path), needle) for needle in needles if needle in data]
    return found


def copy_program(program: str, into: Path) -> None:
    """Copy a program of the host with the libraries that it loads."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for found in [program, *re.findall(r"(/\S+) \(0x", said)]:
        target = into / found.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(found, target)
