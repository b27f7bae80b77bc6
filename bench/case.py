"""One thing to measure, and what several of them are prepared with.

In:  a peer.
Out: ``Case``; commands that are run; numbers and edits that no build has seen.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from bench.peers import IMAGES, Peer
from bench.process import Commands

_seeds = itertools.count(int(time.time()))


def nothing() -> None:
    """Prepare nothing."""


class Case(Struct, frozen=True):
    """One thing to measure.

    Attributes:
        name: Like ``w4-cold``.
        commands: What is timed; asked anew for every run.
        peer: Whose environment it is run in.
        once: Prepares the first run.
        before: Prepares every run.
        after: Is done after the last run, also when one failed.
    """

    name: str
    commands: Callable[[], Commands]
    peer: Peer
    once: Callable[[], None] = nothing
    before: Callable[[], None] = nothing
    after: Callable[[], None] = nothing


def provide_bases(peer: Peer) -> None:
    """Have the base images of all workloads in a peer's store."""
    for image in IMAGES:
        peer.provide(image)


def run_all(peer: Peer, commands: Commands) -> None:
    """Run commands that prepare."""
    for argv in commands:
        peer.runner.run(argv, env=peer.env)


def seed() -> int:
    """Return a number that no build has seen."""
    return next(_seeds)


def seeded() -> tuple[str, str]:
    """Return a build argument that no build has seen."""
    return ("--build-arg", f"SEED={seed()}")


def edit(path: Path, comment: str) -> None:
    """Change the last line of a file, which is a comment of ours or comes to be one."""
    lines = path.read_text().splitlines()
    if lines[-1].startswith(f"{comment} edit "):
        lines.pop()
    path.write_text("\n".join([*lines, f"{comment} edit {seed()}"]) + "\n")
