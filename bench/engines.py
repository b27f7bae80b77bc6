"""Loads into engines beside archives and the engines' own builds: seconds, on one machine.

``python -m bench.engines [MIB] [KIND=SOCKET ...]``: an image of so many MiB goes into each engine
(``podman`` is the program; a socket is docker's, or podman's service) as a whole; then with one
new small layer, as after an edit. Three ways: ``jettison build --load``; ``jettison build`` and
``jettison save | docker load``; the engine's own build. JETTISON_BENCH_DOCKER is the client,
``docker`` if it is not set. What is printed is a table of medians.
"""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.transfers import base

ROOT = Path(__file__).resolve().parents[1]
JETTISON = [sys.executable, "-m", "jettison"]
RUNS = 3
TAG = "engines-bench:x"


class Engine:
    """One engine, as its own client and Jettison name it.

    Args:
        text: ``podman``, or KIND=SOCKET.
        root: Jettison's store.
    """

    def __init__(self, text: str, root: Path) -> None:
        self.kind, _, socket = text.partition("=")
        self.env = {**os.environ, "JETTISON_ROOT": str(root), "PYTHONPATH": str(ROOT / "src")}
        self.env.pop("DOCKER_HOST", None)
        self.load = f"--load=unix://{socket}" if socket else "--load=podman"
        docker = shlex.split(os.environ.get("JETTISON_BENCH_DOCKER", "docker"))
        self.client = [*docker, "-H", f"unix://{socket}"] if socket else ["podman"]

    def run(self, *command: str | Path) -> None:
        """Run a command."""
        subprocess.run([*map(str, command)], env=self.env, check=True, stdout=subprocess.DEVNULL)

    def try_(self, *command: str) -> None:
        """Run a command of the engine's client that may have nothing to do."""
        subprocess.run([*self.client, *command], env=self.env, check=False, capture_output=True)

    def forget(self) -> None:
        """Make the engine have nothing of the image, nor of its builds."""
        self.try_("rmi", "-f", TAG)
        self.try_("image", "prune", "-f")  # an image whose name went to a later one has the base
        if self.client != ["podman"]:
            self.try_("builder", "prune", "-af")

    def ways(self, context: Path) -> dict[str, Callable[[], None]]:
        """Return the ways of getting the image of a context into it."""

        def ours() -> None:
            self.run(*JETTISON, "build", "-q", self.load, "-t", TAG, context)

        def archive() -> None:
            self.run(*JETTISON, "build", "-q", "-t", TAG, context)
            with subprocess.Popen(
                [*JETTISON, "save", TAG], env=self.env, stdout=subprocess.PIPE
            ) as save:
                subprocess.run(
                    [*self.client, "load"],
                    env=self.env,
                    stdin=save.stdout,
                    check=True,
                    capture_output=True,
                )

        def own() -> None:
            options = ["--layers"] if self.client == ["podman"] else ["--network=host"]
            self.run(*self.client, "build", *options, "-t", TAG, context)

        return {"build --load": ours, "build, save | load": archive, "its own build": own}


def main(mib: int, engines: list[str]) -> None:
    """Measure and print."""
    sys.stdout.write(f"{'engine':8} {'way':22} {'whole':>8} {'one layer':>10}\n")
    with tempfile.TemporaryDirectory(dir=os.environ.get("JETTISON_BENCH_DIR")) as temporary:
        directory = Path(temporary)
        context = base(directory / "context", mib)
        seed = 0
        for text in engines:
            engine = Engine(text, directory / "store")
            engine.run(*JETTISON, "build", "-q", "-t", TAG, context)
            for name, way in engine.ways(context).items():
                whole: list[float] = []
                edited: list[float] = []
                for _ in range(RUNS):
                    engine.forget()
                    began = time.monotonic()
                    way()
                    whole.append(time.monotonic() - began)
                    seed += 1
                    (context / "tool").write_text(f"tool {seed}")
                    began = time.monotonic()
                    way()
                    edited.append(time.monotonic() - began)
                sys.stdout.write(
                    f"{engine.kind:8} {name:22} {statistics.median(whole):8.2f}"
                    f" {statistics.median(edited):10.2f}\n"
                )
                sys.stdout.flush()
            engine.forget()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    size = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else 250
    main(size, arguments or ["podman"])
