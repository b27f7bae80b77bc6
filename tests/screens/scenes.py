"""What the screens show: each scene is a program that a test runs in a terminal emulator.

    python scenes.py NAME

In:  a line on standard input for each next step of the scene.
Out: the console's own drawing, with a clock that stands still between the steps.
"""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Callable, Iterator
from typing import Any

from jettison.cli.table import table
from jettison.console import live, transfer
from jettison.console.base import Console
from jettison.console.message import error_message
from jettison.errors import AuthenticationError, Cause, ExecError, Span
from jettison.events import (
    Event,
    Outcome,
    PlanReady,
    VertexEnded,
    VertexLog,
    VertexProgress,
    VertexStarted,
    VertexWaiting,
    Warned,
)

SECOND = 1_000_000_000
MEGA = 1_000_000
WIDE = "日本語の名前 e\u0301tape"
"""Wide glyphs, and a mark that combines."""


class Clock:
    """Stands in for the module ``time`` in the consoles."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def time_ns(self) -> int:
        return int(self.seconds * SECOND)


CLOCK = Clock()


def start(vertex: str, name: str) -> Event:
    return VertexStarted(CLOCK.time_ns() or 1, vertex, name)


def end(vertex: str, name: str, outcome: Outcome) -> Event:
    return VertexEnded(CLOCK.time_ns(), vertex, name, outcome)


BASE = "[internal] load metadata for docker.io/library/debian:bookworm-slim"
MAKE = "[builder 3/5] RUN make -j4 && make install DESTDIR=/out && find /out -name '*.la' -delete -print"
COPY = f"[docs 2/3] COPY {WIDE}/ /src/"
TEST = "[test 1/2] RUN make check"


def begin(console: Console) -> None:
    """A build of three stages, two of which run now."""
    vertices = tuple((str(number), f"[{number}/9]") for number in range(9))
    console(PlanReady(0, vertices, ("windows",)))
    console(start("a", BASE))
    CLOCK.seconds = 1.2
    console(end("a", BASE, Outcome.DONE))
    console(end("c", COPY, Outcome.CACHED))
    console(start("b", MAKE))
    console(start("t", TEST))
    CLOCK.seconds = 3.4
    console(VertexLog(0, "b", 1, "cc -c 漢字.c\ncc -c é.c\n\tlinking\n".encode()))
    console(VertexProgress(0, "t", "files", 2000, 0))


def build() -> Iterator[None]:
    console = live.LiveConsole(sys.stderr, os.environ)
    begin(console)
    yield
    console(end("b", MAKE, Outcome.DONE))
    console(end("t", TEST, Outcome.DONE))
    console(Warned(0, "Stage name 'A' should be lowercase", rule="StageNameCasing", span=Span(1)))
    for number in range(5):
        console(end(str(number), f"[final {number + 1}/5] RUN true", Outcome.DONE))
    console.close()
    yield


def failed() -> Iterator[None]:
    console = live.LiveConsole(sys.stderr, os.environ)
    begin(console)
    console(VertexLog(0, "b", 2, b"ld: cannot find -lz\n"))
    yield
    console(end("b", MAKE, Outcome.FAILED))
    console(end("t", TEST, Outcome.CANCELED))
    console.close()
    error = ExecError(
        "process `make -j4` ended with exit code 2",
        exit_code=2,
        log_tail="ld: cannot find -lz\n",
    )
    print(error_message(error), file=sys.stderr)
    yield


def canceled() -> Iterator[None]:
    console = live.LiveConsole(sys.stderr, os.environ)
    begin(console)
    yield
    console(end("b", MAKE, Outcome.CANCELED))
    console(end("t", TEST, Outcome.CANCELED))
    console.close()
    yield


def explained() -> Iterator[None]:
    console = live.LiveConsole(sys.stderr, os.environ)
    CLOCK.seconds = 1.0
    console(VertexStarted(CLOCK.time_ns(), "b", MAKE, 75 * SECOND))
    console(VertexLog(0, "b", 1, "cc -c 漢字.c\n".encode()))
    CLOCK.seconds = 33.0
    yield
    CLOCK.seconds = 61.0
    yield
    console(end("b", MAKE, Outcome.FAILED))
    console.close()
    error = ExecError("process `make -j4` ended with exit code 2", exit_code=2)
    error.cause = Cause(
        "missing-header",
        "the header `zlib.h` is not in the stage",
        "to compile with it needs the package `zlib1g-dev`",
    )
    error.hint = "install it in an earlier step"
    print(error_message(error), file=sys.stderr)
    yield


def waiting() -> Iterator[None]:
    console = live.LiveConsole(sys.stderr, os.environ)
    begin(console)
    console(VertexWaiting(0, "t", "the build of `shop/web` (process 4711)"))
    yield
    console(VertexWaiting(0, "t", ""))
    yield
    console.close()
    yield


LAYERS = ("sha256:4f4fb700ef54461cfa02571ae0db9a0dc1e0cdb5577484a6d75e68dc38e8acc1", 29 * MEGA), ("sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4", 9 * MEGA), ("sha256:0f8ab5b8c35e9a3ff62e0d0c5e9a3d3a27d7c1f4aa2e1a0b9f3e6b4d9ab1c2d3", 2 * MEGA)  # fmt: skip


def move(kind: transfer.Kind, outcome: Outcome) -> Iterator[None]:
    name = "registry.example.com:5000/group/python-multistage:3.11-slim-bookworm"
    console = transfer.TransferConsole(sys.stderr, kind, name, os.environ)
    for digest, size in LAYERS:
        console(VertexProgress(0, "v", digest, 0, size))
    CLOCK.seconds = 1.0
    for step in range(1, 9):
        CLOCK.seconds += 0.25
        console(VertexProgress(0, "v", LAYERS[0][0], step * 2 * MEGA, LAYERS[0][1]))
        console(VertexProgress(0, "v", LAYERS[1][0], step * MEGA, LAYERS[1][1]))
    console(VertexProgress(0, "v", LAYERS[2][0], 2 * MEGA, LAYERS[2][1]))  # the other side has it
    yield
    if outcome is Outcome.DONE:
        CLOCK.seconds = 4.0
        for digest, size in LAYERS:
            console(VertexProgress(0, "v", digest, size, size))
    console(end("v", name, outcome))
    console.close()
    if outcome is Outcome.FAILED:
        print(error_message(AuthenticationError("the registry wants credentials")), file=sys.stderr)
    yield


def pull() -> Iterator[None]:
    return move("pull", Outcome.DONE)


def push() -> Iterator[None]:
    return move("push", Outcome.DONE)


def push_failed() -> Iterator[None]:
    return move("push", Outcome.FAILED)


def pull_canceled() -> Iterator[None]:
    return move("pull", Outcome.CANCELED)


def images() -> Iterator[None]:
    rows = [
        ("registry.example.com/group/python-multistage", "3.11", "65e5965256ca", "18 minutes ago", "1.285MB"),
        ("日本語/イメージ", "latest", "c33c9a4c07d7", "7 hours ago", "52.39MB"),
        ("cafe\u0301", "v1", "3d59a5791d71", "3 weeks ago", "119.1MB"),
    ]  # fmt: skip
    print(table(("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"), rows), end="", flush=True)
    yield


SCENES: dict[str, Callable[[], Iterator[Any]]] = {
    each.__name__: each
    for each in (
        build,
        failed,
        canceled,
        explained,
        waiting,
        pull,
        push,
        push_failed,
        pull_canceled,
        images,
    )
}


def main() -> None:
    for module in (live, transfer):
        module.time = CLOCK  # type: ignore[attr-defined]
    # Keys that are pressed are not to be seen.
    attributes = termios.tcgetattr(0)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, attributes)
    for _ in SCENES[sys.argv[1]]():
        sys.stdin.readline()


if __name__ == "__main__":
    main()
