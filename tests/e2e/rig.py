"""What the end-to-end tests run Jettison with: its command line, a store, base images."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import sysconfig
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from commands import run_command

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SECONDS = 600


class Jettison:
    """The command line on one store.

    Args:
        store: Its directory.
        prefix: Command that runs Jettison as somebody else, such as ``runuser``.
        python: Interpreter that runs Jettison.
    """

    def __init__(
        self, store: Path, *, prefix: Sequence[str] = (), python: str = sys.executable
    ) -> None:
        self.prefix = (*prefix, python)
        self.env = {**os.environ, "JETTISON_ROOT": str(store)}

    def argv(self, *args: str | Path) -> list[str]:
        return [*self.prefix, "-m", "jettison", *map(str, args)]

    def try_run(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        words = [*map(str, args)]
        if len(self.prefix) == 1:
            done = run_command(self.prefix, words, env=self.env, timeout=SECONDS)
        else:
            done = subprocess.run(
                self.argv(*args), env=self.env, capture_output=True, stdin=subprocess.DEVNULL,
                check=False,
            )  # fmt: skip
        out, err = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def __call__(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command that must succeed."""
        result = self.try_run(*args)
        assert result.returncode == 0, f"{args}\n{result.stdout}\n{result.stderr}"
        return result

    def build(self, context: Path, tag: str, facts: Path, *args: str) -> dict[str, Any]:
        """Build a context behind any proxy; return the facts of the build."""
        self("build", "--ca-bundle", "host", "--metadata-file", facts, "-t", tag, *args, context)
        return json.loads(facts.read_text())["jettison"]

    @contextmanager
    def serving(self, *args: str | Path, until: str) -> Iterator[subprocess.Popen[str]]:
        """Run a command in the background, from when it says ``until`` to the end of the block.

        It is asked to end by SIGTERM; ``returncode`` says afterwards how it did.
        """
        process = subprocess.Popen(
            self.argv(*args),
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            said = ""
            while until not in said:
                line = process.stdout.readline()
                assert line, f"ended before it said `{until}`:\n{said}"
                said += line
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=30)
            watchdog.cancel()


def store_of_tests() -> Path:
    """Return the directory of the store that all end-to-end tests of all runs share."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = cache / "jettison-test" / "store"
    root.parent.mkdir(parents=True, exist_ok=True)
    return root


def made_bases(jettison: Jettison, *names: str) -> None:
    """Make base images from packages unless a store has them.

    Tests that need them are in the groups ``bases`` and ``checks``: others go on meanwhile.
    """
    store = Path(jettison.env["JETTISON_ROOT"])
    with (store.parent / "bases.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        script = EXAMPLES / "bases" / "make.py"
        made = subprocess.run(
            [sys.executable, script, *names],
            env=jettison.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stdout + made.stderr


def as_user(user: str, home: Path) -> Jettison | None:
    """Return the command line as run by another user; None if no Python here can be that user's.

    The interpreter of the virtual environment may be in a home directory that nobody else may
    enter; the system's, of the same version, will do.
    """
    path = f"{ROOT / 'src'}:{sysconfig.get_path('purelib')}"
    prefix = ("runuser", "-u", user, "--", "env", f"HOME={home}", f"PYTHONPATH={path}")
    for python in (sys.executable, "/usr/bin/python3"):
        theirs = Jettison(home / "store", prefix=prefix, python=python)
        if theirs.try_run("version").returncode == 0:
            return theirs
    return None


def get(url: str) -> str:
    """Return the body of a web page of this machine."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as answer:
        return answer.read().decode()
