"""The command line as a user runs it: as root or not, on pipes or on a terminal.

In:  arguments, standard input, files of contexts.
Out: what it said and its exit status.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from commands import run_command
from host_tools import tool

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120

BOX = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -m 1777 /tmp && mkdir -p /etc \\
 && echo root:x:0:0::/root:/bin/sh > /etc/passwd \\
 && echo app:x:1000:1000::/home/app:/bin/sh >> /etc/passwd \\
 && echo app:x:1000: > /etc/group
CMD ["echo", "this is the box"]
"""
"""A base image: busybox, two users."""


class Said(subprocess.CompletedProcess[str]):
    """What a command said."""

    @property
    def all(self) -> str:
        return self.stdout + self.stderr


class Cli:
    """The command line of a user with a store.

    Args:
        work: Directory of the user: contexts, outputs, stores.
        prefix: Command that runs another as the user.
        python: Interpreter that the user may execute.
    """

    def __init__(self, work: Path, prefix: Sequence[str], python: str) -> None:
        self.work = work
        self.prefix = tuple(prefix)
        self.python = python
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(work),
            "TERM": "xterm",
            # Of this interpreter's environment, which the user's need not be.
            "PYTHONPATH": f"{ROOT / 'src'}:{Path(click.__file__).parents[1]}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "JETTISON_ROOT": str(work / "store"),
        }
        self._directories = 0

    def with_store(self, name: str) -> Cli:
        """Return the same user's command line on another store."""
        other = Cli(self.work, self.prefix, self.python)
        other.env["JETTISON_ROOT"] = str(self.work / name)
        other._directories = 1000 * (1 + len(name)) + self._directories
        return other

    def argv(self, *args: str | Path) -> list[str]:
        return [*self.prefix, self.python, "-m", "jettison", *map(str, args)]

    def program(
        self, text: str, *args: str | Path, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a Python program as the user."""
        options: dict[str, Any] = {"cwd": self.work, "env": self.env, "timeout": SECONDS}
        argv = [*self.prefix, self.python, "-c", text, *map(str, args)]
        return subprocess.run(argv, check=False, text=True, capture_output=True, **(options | more))

    def start(self, *args: str | Path, **more: Any) -> subprocess.Popen[bytes]:
        options = {"stdin": subprocess.DEVNULL, "cwd": self.work, "env": self.env}
        return subprocess.Popen(self.argv(*args), **(options | more))

    def raw(
        self,
        *args: str | Path,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        **more: Any,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command.

        The program is started where there are other options than ``cwd`` and ``timeout``, and where
        its user is reached through more than a change of ids: of each command, a group or network.
        """
        options: dict[str, Any] = {"cwd": self.work, "timeout": SECONDS}
        environ = {**self.env, **(env or {})}
        is_plain = not self.prefix or Path(self.prefix[0]).name == "setpriv"
        if is_plain and more.keys() <= options.keys():
            words = [*map(str, args)]
            interpreter = [*self.prefix, self.python]
            return run_command(interpreter, words, env=environ, stdin=stdin, **(options | more))
        options |= {"capture_output": True, "input": stdin}
        return subprocess.run(self.argv(*args), check=False, env=environ, **(options | more))

    def attempt(self, *args: str | Path, **more: Any) -> Said:
        """Run a command that may fail; it must not show a traceback."""
        done = self.raw(*args, **more)
        said = Said(
            args,
            done.returncode,
            done.stdout.decode(errors="replace"),
            done.stderr.decode(errors="replace"),
        )
        assert "Traceback" not in said.all, said.all
        return said

    def __call__(self, *args: str | Path, **more: Any) -> Said:
        """Run a command that must succeed."""
        said = self.attempt(*args, **more)
        assert said.returncode == 0, f"{args}: {said.returncode}\n{said.all}"
        return said

    def facts(self, *args: str | Path, **more: Any) -> dict[str, Any]:
        """Build; return the facts of the build."""
        path = self.output()
        self("build", "--metadata-file", path, *args, **more)
        return json.loads(path.read_text())["jettison"]

    def on_terminal(
        self,
        *args: str | Path,
        typed: bytes = b"",
        until: bytes = b"",
        argv: Sequence[str] = (),
    ) -> tuple[int, str]:
        """Run a command on a terminal of 100 columns and 30 rows; return its status and all that it drew.

        Args:
            typed: Keys, pressed when ``until`` is on the screen.
            argv: Another command than this one.
        """
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        process = subprocess.Popen(
            [tool("setsid"), "--ctty", *(argv or self.argv(*args))],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=self.work,
            env=self.env,
        )
        os.close(slave)
        shown = b""
        deadline = time.monotonic() + SECONDS
        try:
            while time.monotonic() < deadline:
                if typed and until in shown:
                    os.write(master, typed)
                    typed = b""
                if not select.select([master], [], [], 1)[0]:
                    continue
                try:
                    data = os.read(master, 65536)
                except OSError:  # the last one hung up
                    break
                shown += data
            status = process.wait(timeout=10)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            os.close(master)
        return status, shown.decode(errors="replace")

    def context(self, files: Mapping[str, str | bytes]) -> Path:
        """Return a new directory of the user with files."""
        self._directories += 1
        directory = self.work / f"context-{self._directories}"
        directory.mkdir()
        for name, content in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        self._give(directory)
        return directory

    def output(self, suffix: str = "") -> Path:
        """Return a path that the user may write."""
        self._directories += 1
        return self.work / f"output-{self._directories}{suffix}"

    def _give(self, directory: Path) -> None:
        owner = self.work.stat()
        for path in (directory, *directory.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def add_box(cli: Cli, busybox: str) -> None:
    """Build the image ``box`` in a store."""
    context = cli.context({"Dockerfile": BOX, "busybox": Path(busybox).read_bytes()})
    (context / "busybox").chmod(0o755)
    cli("build", "-t", "box", context)
